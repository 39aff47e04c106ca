//! `BarrierTests`.

use std::cell::Cell;

use wheelhouse::sync::{Barrier, BrokenBarrier};
use wheelhouse::{Task, gather, spawn, yield_now};

use crate::common::{Trace, fixed, run};
use crate::{is_cancelled, says};

const N: usize = 5;

/// Runs `body` in `n` tasks and gathers what they return.
async fn gather_tasks<T: 'static>(n: usize, body: impl AsyncFn() -> T + 'static) -> Vec<T> {
    let body = fixed(body);
    let tasks = (0..n).map(|_| spawn(async { body().await }));
    gather(tasks).await.into_iter().map(|result| result.expect("no task fails")).collect()
}

fn assert_as_new(barrier: &Barrier) {
    assert_eq!(barrier.n_waiting(), 0);
    assert!(!barrier.is_broken());
    assert!(says(barrier, "Filling"));
}

fn waits(barrier: &'static Barrier) -> Task<Result<usize, BrokenBarrier>> {
    spawn(barrier.wait())
}

fn count(counter: &Cell<usize>) -> usize {
    counter.set(counter.get() + 1);
    counter.get()
}

#[test]
#[should_panic(expected = "a barrier for no tasks")]
fn barrier_parties() {
    let _ = Barrier::new(0);
}

#[test]
fn context_manager() {
    run(async {
        let barrier = fixed(Barrier::new(3));
        let mut indices = gather_tasks(3, || async { barrier.wait().await.unwrap() }).await;
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2]);
        assert_as_new(barrier);
    });
}

#[test]
fn filling_one_task() {
    run(async {
        let barrier = Barrier::new(1);
        assert_eq!(barrier.wait().await, Ok(0));
        assert_as_new(&barrier);
    });
}

#[test]
fn filling_one_task_twice() {
    run(async {
        let barrier = fixed(Barrier::new(1));
        for _ in 0..2 {
            let task = waits(barrier);
            yield_now().await;
            assert_eq!(barrier.n_waiting(), 0);
            assert!(task.is_done());
            assert_eq!(task.await.unwrap(), Ok(0));
        }
        assert_as_new(barrier);
    });
}

#[test]
fn filling_task_by_task() {
    run(async {
        let barrier = fixed(Barrier::new(3));
        let t1 = waits(barrier);
        yield_now().await;
        assert_eq!(barrier.n_waiting(), 1);
        assert!(says(barrier, "Filling"));
        let t2 = waits(barrier);
        yield_now().await;
        assert_eq!(barrier.n_waiting(), 2);
        let t3 = waits(barrier);
        yield_now().await;
        gather([t1, t2, t3]).await;
        assert_as_new(barrier);
    });
}

#[test]
fn filling_tasks_wait_twice() {
    run(async {
        let (barrier, trace) = (fixed(Barrier::new(N)), fixed(Trace::default()));
        gather_tasks(N, || async {
            barrier.wait().await.unwrap();
            trace.note("once");
            barrier.wait().await.unwrap();
            trace.note("twice");
        })
        .await;
        let rounds = trace.take();
        assert_eq!(rounds.iter().filter(|round| *round == "once").count(), N);
        assert_eq!(rounds.len(), 2 * N);
        assert_as_new(barrier);
    });
}

#[test]
fn filling_tasks_check_return_value() {
    run(async {
        let barrier = fixed(Barrier::new(N));
        let mut indices = gather_tasks(N, || async {
            barrier.wait().await.unwrap();
            barrier.wait().await.unwrap()
        })
        .await;
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2, 3, 4]);
        assert_as_new(barrier);
    });
}

#[test]
fn draining_state() {
    run(async {
        let barrier = fixed(Barrier::new(N));
        let seen = fixed(Trace::default());
        gather_tasks(N, || async {
            barrier.wait().await.unwrap();
            seen.note(says(barrier, "Draining"));
        })
        .await;
        // The last one to leave opens the barrier again.
        seen.expect(&["true", "true", "true", "true", "false"]);
        assert_as_new(barrier);
    });
}

#[test]
fn blocking_tasks_while_draining() {
    run(async {
        let (barrier, others) = (fixed(Barrier::new(N)), fixed(Barrier::new(N - 2)));
        let again = Cell::new(0);
        gather_tasks(N, move || {
            let again = fixed(again.clone());
            async move {
                barrier.wait().await.unwrap();
                if count(again) > 2 {
                    others.wait().await.unwrap();
                }
                barrier.wait().await.unwrap();
            }
        })
        .await;
        assert_as_new(barrier);
    });
}

#[test]
fn filling_tasks_cancel_one() {
    run(async {
        let barrier = fixed(Barrier::new(3));
        let t1 = waits(barrier);
        yield_now().await;
        assert_eq!(barrier.n_waiting(), 1);
        let t2 = waits(barrier);
        yield_now().await;
        assert_eq!(barrier.n_waiting(), 2);
        t1.cancel();
        yield_now().await;
        assert_eq!(barrier.n_waiting(), 1);
        assert!(is_cancelled(t1).await);
        let t3 = waits(barrier);
        yield_now().await;
        assert_eq!(barrier.n_waiting(), 2);
        let all = gather([t2, t3, waits(barrier)]).await;
        assert!(all.into_iter().all(|result| result.unwrap().is_ok()));
        assert_as_new(barrier);
    });
}

#[test]
fn reset_barrier() {
    run(async {
        let barrier = fixed(Barrier::new(1));
        spawn(barrier.reset()).await.unwrap();
        assert_as_new(barrier);
    });
}

#[test]
fn reset_barrier_while_tasks_waiting() {
    run(async {
        let barrier = fixed(Barrier::new(N));
        let tasks: Vec<_> = (1..N).map(|_| waits(barrier)).collect();
        yield_now().await;
        spawn(barrier.reset()).detach();
        for result in gather(tasks).await {
            let error = result.unwrap().unwrap_err();
            assert_eq!(
                error.to_string(),
                "the barrier for 5 tasks was aborted, or reset while they waited"
            );
        }
        assert_as_new(barrier);
    });
}

#[test]
fn reset_barrier_when_tasks_half_draining() {
    run(async {
        let barrier = fixed(Barrier::new(N));
        let broken = gather_tasks(N, || async {
            if barrier.wait().await.is_err() {
                return true;
            }
            if says(barrier, "inside: 2") {
                barrier.reset().await;
            }
            false
        })
        .await;
        assert_eq!(broken.iter().filter(|broken| **broken).count(), N / 2);
        assert_as_new(barrier);
    });
}

#[test]
fn reset_barrier_when_tasks_half_draining_half_blocking() {
    run(async {
        let (barrier, trace) = (fixed(Barrier::new(N)), fixed(Trace::default()));
        let drained = fixed(Cell::new(0));
        gather_tasks(N, || async {
            if barrier.wait().await.is_err() {
                trace.note("still waiting");
                barrier.wait().await.unwrap();
            } else if count(drained) > N / 2 {
                barrier.reset().await;
                barrier.wait().await.unwrap();
            } else {
                barrier.wait().await.expect("who waits for the reset is not broken by it");
            }
        })
        .await;
        trace.expect(&["still waiting"; N / 2]);
        assert_as_new(barrier);
    });
}

#[test]
fn reset_barrier_while_tasks_waiting_and_waiting_again() {
    run(async {
        let (barrier, trace) = (fixed(Barrier::new(N)), fixed(Trace::default()));
        let tasks: Vec<_> = (1..N)
            .map(|_| {
                spawn(async {
                    barrier.wait().await.unwrap_err();
                    trace.note("broken");
                    barrier.wait().await.unwrap();
                    trace.note("through");
                })
            })
            .collect();
        spawn(barrier.reset()).detach();
        yield_now().await;
        let last = waits(barrier);
        gather(tasks).await.into_iter().for_each(Result::unwrap);
        last.await.unwrap().unwrap();
        let seen = trace.take();
        assert_eq!(seen[..4], ["broken"; 4]);
        assert_eq!(seen[4..], ["through"; 4]);
        assert_as_new(barrier);
    });
}

#[test]
fn reset_barrier_while_tasks_draining() {
    run(async {
        let (barrier, left) = (fixed(Barrier::new(N)), fixed(Cell::new(0)));
        gather_tasks(N, || async {
            barrier.wait().await.unwrap();
            if count(left) == N {
                barrier.reset().await;
            }
            barrier.wait().await.unwrap();
            barrier.wait().await.unwrap();
        })
        .await;
        assert_as_new(barrier);
    });
}

#[test]
fn abort_barrier() {
    run(async {
        let barrier = fixed(Barrier::new(1));
        spawn(barrier.abort()).await.unwrap();
        assert_eq!(barrier.n_waiting(), 0);
        assert!(barrier.is_broken());
    });
}

#[test]
fn abort_barrier_when_tasks_half_draining_half_blocking() {
    run(async {
        let (barrier, trace) = (fixed(Barrier::new(N)), fixed(Trace::default()));
        let drained = fixed(Cell::new(0));
        gather_tasks(N, || async {
            if barrier.wait().await.is_err() {
                trace.note("draining");
            } else if count(drained) > N / 2 {
                barrier.abort().await;
            } else {
                barrier.wait().await.unwrap_err();
                trace.note("blocked");
            }
        })
        .await;
        let mut broken = trace.take();
        broken.sort_unstable();
        assert_eq!(broken, ["blocked", "blocked", "draining", "draining"]);
        assert!(barrier.is_broken());
        assert_eq!(barrier.n_waiting(), 0);
    });
}

#[test]
fn abort_barrier_when_exception() {
    run(async {
        let (barrier, trace) = (fixed(Barrier::new(N)), fixed(Trace::default()));
        gather_tasks(N, || async { two_rounds_with_an_error(barrier, trace).await }).await;
        trace.expect(&["broken"; N - 1]);
        assert!(barrier.is_broken());
        assert_eq!(barrier.n_waiting(), 0);
    });
}

/// The third party has an error of its own after the first round, and breaks the barrier for the others.
async fn two_rounds_with_an_error(barrier: &Barrier, trace: &Trace) {
    match barrier.wait().await {
        Ok(index) if index == N / 2 => return barrier.abort().await,
        Ok(_) if barrier.wait().await.is_ok() => unreachable!("one of them never comes"),
        _ => trace.note("broken"),
    }
}

#[test]
fn abort_barrier_when_exception_then_resetting() {
    run(async {
        let [first, second] = [(); 2].map(|()| fixed(Barrier::new(N)));
        let trace = fixed(Trace::default());
        gather_tasks(N, || async {
            two_rounds_with_an_error(first, trace).await;
            // Everybody has left the first before it is reset, and nobody comes before that is done.
            if second.wait().await.unwrap() == N / 2 {
                first.reset().await;
            }
            second.wait().await.unwrap();
            first.wait().await.unwrap();
            trace.note("through");
        })
        .await;
        let seen = trace.take();
        assert_eq!(seen[..4], ["broken"; 4]);
        assert_eq!(seen[4..], ["through"; 5]);
        assert_as_new(first);
    });
}
