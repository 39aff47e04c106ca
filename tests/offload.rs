//! Jobs on other threads: what comes back, which of them never run, how many threads there are, and what a
//! loop does about jobs that are still running when it ends.
#![allow(clippy::async_yields_async, reason = "jobs are taken out of the loop to be looked at")]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use common::{Trace, is_cancelled, ms, run, turns, virtual_loop};
use wheelhouse::{
    Census, EventLoop, LoopHandle, Offload, OffloadError, OffloadPool, RunError, Runner, call_soon,
    catch_cancel, gather, offload, sleep, spawn, time, timeout, yield_now,
};

/// A job that tells when it has begun, and then waits to be let go.
struct Gate {
    begun: Receiver<()>,
    go: Sender<()>,
}

impl Gate {
    #[track_caller]
    fn offload() -> (Offload<&'static str>, Gate) {
        let (tell, begun) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        let job = offload(move || {
            tell.send(()).unwrap();
            // Let go by a message, or by the gate's end.
            let _ = wait.recv();
            "through the gate"
        });
        (job, Gate { begun, go })
    }

    fn wait_until_begun(&self) {
        self.begun.recv().unwrap();
    }
}

/// A virtual loop with one thread, so that a second job must wait for the first.
fn one_thread() -> EventLoop {
    let pool = OffloadPool::new().max_threads(1);
    EventLoop::builder().virtual_clock().offload_pool(pool).build().unwrap()
}

#[test]
fn a_job_runs_on_another_thread_and_its_value_comes_back() {
    let here = thread::current().id();
    let there = run(async { offload(|| thread::current().id()).await.unwrap() });
    assert_ne!(there, here);
}

#[test]
fn a_panic_of_a_job_comes_back_as_a_value_that_can_go_on() {
    let line = line!() + 2;
    let ended = run(async {
        let ended = offload(|| -> () { panic!("no disk") }).await;
        // The thread survives its job.
        assert_eq!(offload(|| 7).await.unwrap(), 7);
        ended
    });
    let Err(OffloadError::Panicked(panicked)) = ended else { panic!("{ended:?}") };
    assert_eq!(panicked.message(), "no disk");
    assert_eq!((panicked.offloaded_at().file(), panicked.offloaded_at().line()), (file!(), line));
    let resumed = std::panic::catch_unwind(|| panicked.resume_panic()).unwrap_err();
    assert_eq!(resumed.downcast_ref(), Some(&"no disk"));
}

#[test]
fn jobs_begin_when_they_are_offloaded_and_run_side_by_side() {
    run(async {
        let meet = Arc::new(Barrier::new(3));
        let jobs: Vec<_> = (0..3)
            .map(|n| {
                let meet = Arc::clone(&meet);
                offload(move || {
                    meet.wait();
                    n
                })
            })
            .collect();
        for (n, job) in jobs.into_iter().enumerate() {
            assert_eq!(job.await.unwrap(), n);
        }
    });
}

#[test]
fn a_waiter_steps_one_turn_after_the_loop_hears_of_the_end() {
    // As asyncio's: `call_soon_threadsafe` sets the future, which queues the waiter's step.
    let mut event_loop = virtual_loop();
    let (sender, done) = mpsc::channel();
    let task = event_loop.spawn(offload_and_tell(sender));
    let _ = event_loop.run_once(None).unwrap();
    done.recv().unwrap();
    // The loop waits for the message, and its handle runs; the task has not been stepped.
    while event_loop.census().jobs > 0 {
        assert_eq!(event_loop.run_once(None).unwrap().steps, 0);
    }
    assert!(!task.is_done());
    assert_eq!(event_loop.run_once(None).unwrap().steps, 1);
    assert!(task.is_done());
    drop(task);
    assert_eq!(event_loop.census(), Census::default());
}

async fn offload_and_tell(done: Sender<()>) {
    offload(move || done.send(()).unwrap()).await.unwrap();
}

#[test]
fn a_virtual_clock_stands_still_while_a_job_is_waited_for() {
    run(async {
        let (job, gate) = Gate::offload();
        let opener = thread::spawn(move || {
            gate.wait_until_begun();
            gate.go.send(()).unwrap();
        });
        let sleeper = spawn(sleep(ms(50)));
        assert_eq!(job.await.unwrap(), "through the gate");
        assert_eq!(time(), ms(0));
        sleeper.await.unwrap();
        assert_eq!(time(), ms(50));
        opener.join().unwrap();
    });
}

#[test]
fn a_clock_that_jumps_past_handles_does_not_jump_past_a_job() {
    let mut event_loop = EventLoop::builder().virtual_clock().jump_past_handles().build().unwrap();
    let ended = event_loop.run_until_complete(async {
        let late = timeout(ms(1), offload(|| 7));
        late.await.map(Result::unwrap)
    });
    assert_eq!(ended.unwrap(), Ok(7));
}

#[test]
fn a_virtual_clock_does_not_wait_for_a_disowned_job() {
    let (_gate, slept) = run(async {
        let (job, gate) = Gate::offload();
        gate.wait_until_begun();
        drop(job);
        sleep(ms(50)).await;
        (gate, time())
    });
    assert_eq!(slept, ms(50));
}

#[test]
fn a_cancel_gives_the_wait_up_at_once_and_the_job_runs_on() {
    let gate = run(async {
        let (job, gate) = Gate::offload();
        let waiter = spawn(job);
        yield_now().await;
        gate.wait_until_begun();
        waiter.cancel();
        assert!(is_cancelled(waiter.await));
        gate
    });
    // It still runs: what it receives now it receives after its loop has gone.
    gate.go.send(()).unwrap();
}

#[test]
fn a_cancelled_job_that_has_not_begun_never_runs() {
    let trace = Trace::default();
    let noted = trace.clone();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    one_thread()
        .run_until_complete(async move {
            let (first, gate) = Gate::offload();
            gate.wait_until_begun();
            let counted = |n: usize| {
                let count = Arc::clone(&count);
                offload(move || count.fetch_add(n, SeqCst))
            };
            let second = spawn(counted(1));
            let third = counted(10);
            drop(counted(100));
            yield_now().await;
            second.cancel();
            noted.note(is_cancelled(second.await));
            gate.go.send(()).unwrap();
            first.await.unwrap();
            noted.note(third.await.unwrap());
        })
        .unwrap();
    trace.expect(&["true", "0"]);
    assert_eq!(ran.load(SeqCst), 10);
}

#[test]
fn what_a_job_holds_is_dropped_with_it_where_the_job_is_taken_back() {
    struct Held(Sender<thread::ThreadId>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.send(thread::current().id()).unwrap();
        }
    }
    let (sender, dropped) = mpsc::channel();
    one_thread()
        .run_until_complete(async move {
            let (_first, gate) = Gate::offload();
            gate.wait_until_begun();
            let held = Held(sender);
            drop(offload(move || drop(held)));
            assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
        })
        .unwrap();
}

#[test]
fn a_result_that_nobody_waits_for_may_panic_when_it_is_dropped() {
    struct Bad(Sender<()>);
    impl Drop for Bad {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
            panic!("dropped");
        }
    }
    one_thread()
        .run_until_complete(async {
            let (sender, dropped) = mpsc::channel();
            let (tell, begun) = mpsc::channel();
            let (go, wait) = mpsc::channel::<()>();
            let job = offload(move || {
                tell.send(()).unwrap();
                let _ = wait.recv();
                Bad(sender)
            });
            begun.recv().unwrap();
            drop(job);
            drop(go);
            dropped.recv().unwrap();
            // The one thread is still there.
            assert_eq!(offload(|| 7).await.unwrap(), 7);
        })
        .unwrap();
}

#[test]
fn a_job_survives_the_scope_that_its_wait_was_given_up_in() {
    run(async {
        let (mut job, gate) = Gate::offload();
        gate.wait_until_begun();
        assert!(timeout(Duration::ZERO, &mut job).await.is_err());
        let waiter = spawn(async move {
            let cut = catch_cancel(&mut job).await;
            (cut.is_err(), job.await)
        });
        yield_now().await;
        waiter.cancel();
        yield_now().await;
        gate.go.send(()).unwrap();
        let (cut, value) = waiter.await.unwrap();
        assert_eq!((cut, value.unwrap()), (true, "through the gate"));
    });
}

#[test]
fn a_job_is_dropped_on_another_thread() {
    run(async {
        let (mut waited, gate) = Gate::offload();
        assert!(futures::poll!(&mut waited).is_pending());
        let (never_polled, second) = Gate::offload();
        thread::spawn(move || drop((waited, never_polled))).join().unwrap();
        // The loop hears of it, and its tables are empty: `run` looks.
        turns(2).await;
        drop((gate, second));
    });
}

#[test]
fn a_job_awaited_in_another_loop_is_an_error() {
    let mut event_loop = virtual_loop();
    let job = event_loop.run_until_complete(async { offload(|| 7) }).unwrap();
    let (refused, job) = run(async {
        let mut job = job;
        ((&mut job).await, job)
    });
    assert!(matches!(refused, Err(OffloadError::OtherLoop)));
    assert_eq!(event_loop.run_until_complete(job).unwrap().unwrap(), 7);
}

#[test]
fn a_value_that_was_taken_is_an_error() {
    run(async {
        let mut job = offload(|| 7);
        assert_eq!((&mut job).await.unwrap(), 7);
        assert!(matches!((&mut job).await, Err(OffloadError::Taken)));
    });
}

#[test]
fn no_more_threads_than_allowed_and_an_idle_one_is_used_again() {
    let pool = OffloadPool::new().max_threads(3).thread_name("few");
    let mut event_loop = EventLoop::builder().virtual_clock().offload_pool(pool).build().unwrap();
    let name = || thread::current().name().unwrap().to_owned();
    let (names, again) = event_loop
        .run_until_complete(async move {
            let mut first: Vec<_> = Vec::new();
            for _ in 0..5 {
                first.push(offload(name).await.unwrap());
            }
            let jobs: Vec<_> = (0..40).map(|_| spawn(offload(name))).collect();
            let names = gather(jobs).await;
            (names.into_iter().map(|n| n.unwrap().unwrap()).collect::<Vec<_>>(), first)
        })
        .unwrap();
    assert_eq!(again, ["few-1"; 5]);
    assert!(names.iter().all(|name| ["few-1", "few-2", "few-3"].contains(&&**name)), "{names:?}");
}

#[test]
fn a_thread_ends_when_it_was_idle_and_a_new_one_takes_its_place() {
    let pool = OffloadPool::new().idle_after(Duration::ZERO).thread_name("brief");
    let mut event_loop = EventLoop::builder().offload_pool(pool).build().unwrap();
    struct Gone(Sender<()>);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    thread_local!(static AT_EXIT: RefCell<Option<Gone>> = const { RefCell::new(None) });
    let (sender, gone) = mpsc::channel();
    let job = offload_in(&mut event_loop, move || {
        AT_EXIT.with(|at_exit| *at_exit.borrow_mut() = Some(Gone(sender)));
    });
    job.unwrap();
    gone.recv().unwrap();
    let name = offload_in(&mut event_loop, || thread::current().name().map(str::to_owned));
    assert_eq!(name.unwrap().as_deref(), Some("brief-2"));
}

fn offload_in<T: Send + 'static>(
    event_loop: &mut EventLoop,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, OffloadError> {
    event_loop.run_until_complete(async { offload(job).await }).unwrap()
}

#[test]
fn no_thread_is_started_before_the_first_job_and_a_refused_thread_is_an_error() {
    // A stack that no address space can hold: the system refuses the thread.
    let pool = OffloadPool::new().stack_size(usize::MAX / 4);
    let mut event_loop = EventLoop::builder().virtual_clock().offload_pool(pool).build().unwrap();
    event_loop.run_until_complete(sleep(ms(1))).unwrap();
    let refused = offload_in(&mut event_loop, || 7);
    assert!(matches!(refused, Err(OffloadError::NoThread(_))), "{refused:?}");
    assert_eq!(event_loop.census(), Census::default());
    assert_eq!(event_loop.shutdown_offload(ms(0)).unwrap(), []);
}

#[test]
fn a_job_talks_to_its_loop() {
    let trace = Trace::default();
    let noted = trace.clone();
    run(async move {
        let the_loop = LoopHandle::current();
        let (sender, told) = mpsc::channel();
        let job = offload(move || {
            let at = the_loop.spawn_threadsafe(|| async { time() }).unwrap().block().unwrap();
            the_loop.call_soon_threadsafe(move || sender.send(at).unwrap()).unwrap();
        });
        job.await.unwrap();
        noted.note(format!("{:?}", told.try_recv().unwrap()));
        // The handle that the job dropped is news to the loop, and nothing else.
        yield_now().await;
    });
    trace.expect(&["0ns"]);
}

#[test]
fn run_waits_for_a_disowned_job_and_turns_meanwhile() {
    let done = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&done);
    wheelhouse::run(async move {
        let the_loop = LoopHandle::current();
        let (tell, begun) = mpsc::channel();
        let (until_cancelled, cancelled) = mpsc::channel::<()>();
        drop(spawn(async move {
            let _until_cancelled = until_cancelled;
            let job = offload(move || {
                tell.send(()).unwrap();
                let _ = cancelled.recv();
                // Only a loop that turns can answer.
                let answer = the_loop.spawn_threadsafe(|| async { 7 }).unwrap().block().unwrap();
                count.store(answer, SeqCst);
            });
            job.await.unwrap();
        }));
        yield_now().await;
        begun.recv().unwrap();
    })
    .unwrap();
    assert_eq!(done.load(SeqCst), 7);
}

#[test]
fn a_shutdown_tells_which_jobs_still_run() {
    for mut event_loop in [one_thread(), EventLoop::new().unwrap()] {
        let line = line!() + 4;
        let (job, gate) = event_loop
            .run_until_complete(async {
                // The job that stays.
                let (job, gate) = Gate::offload();
                gate.wait_until_begun();
                (job, gate)
            })
            .unwrap();
        let begun = Instant::now();
        let unfinished = event_loop.shutdown_offload(ms(20)).unwrap();
        assert!(begun.elapsed() >= ms(20));
        assert_eq!(unfinished.len(), 1);
        assert_eq!(unfinished[0].offloaded_at().line(), line);
        assert!(unfinished[0].running_for() >= Some(ms(20)));
        assert!(unfinished[0].to_string().contains("still runs, since 0."));
        gate.go.send(()).unwrap();
        assert_eq!(event_loop.run_until_complete(job).unwrap().unwrap(), "through the gate");
        let refused = offload_in(&mut event_loop, || 7);
        assert!(matches!(refused, Err(OffloadError::LoopClosed)));
        assert_eq!(event_loop.shutdown_offload(ms(20)).unwrap(), []);
        assert_eq!(event_loop.census(), Census::default());
    }
}

#[test]
fn a_shutdown_lets_the_jobs_in_the_queue_run() {
    let mut event_loop = one_thread();
    let jobs: Vec<_> = event_loop
        .run_until_complete(async { (0..5).map(|n| offload(move || n)).collect() })
        .unwrap();
    assert_eq!(event_loop.shutdown_offload(ms(60_000)).unwrap(), []);
    for (n, job) in jobs.into_iter().enumerate() {
        assert_eq!(event_loop.run_until_complete(job).unwrap().unwrap(), n);
    }
}

#[test]
fn a_runner_reports_the_job_that_outlasts_its_limit() {
    let pool = OffloadPool::new().shutdown_limit(ms(10));
    let event_loop = EventLoop::builder().virtual_clock().offload_pool(pool).build().unwrap();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&reports);
    event_loop.set_exception_handler(move |context| heard.borrow_mut().push(context.to_string()));
    let mut runner = Runner::with_loop(event_loop);
    let gate = runner.run(async {
        let (job, gate) = Gate::offload();
        drop(spawn(job));
        yield_now().await;
        gate.wait_until_begun();
        gate
    });
    runner.close().unwrap();
    assert_eq!(reports.borrow().len(), 1);
    assert!(reports.borrow()[0].contains("still runs"), "{reports:?}");
    drop(gate);
}

#[test]
fn dropping_the_loop_never_waits_and_queued_jobs_never_run() {
    let mut event_loop = one_thread();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let (running, queued, gate) = event_loop
        .run_until_complete(async move {
            let (running, gate) = Gate::offload();
            gate.wait_until_begun();
            let queued = offload(move || count.fetch_add(1, SeqCst));
            (running, queued, gate)
        })
        .unwrap();
    drop(event_loop);
    // Still in the gate: the loop did not wait for it.
    gate.go.send(()).unwrap();
    run(async {
        assert!(matches!(running.await, Err(OffloadError::LoopClosed)));
        assert!(matches!(queued.await, Err(OffloadError::LoopClosed)));
    });
    assert_eq!((ran.load(SeqCst), Arc::strong_count(&ran)), (0, 1));
}

#[test]
fn a_job_offloaded_outside_a_loop_is_a_panic_that_says_so() {
    let panicked = std::panic::catch_unwind(|| drop(offload(|| 7))).unwrap_err();
    let text = panicked.downcast_ref::<String>().unwrap();
    assert!(text.starts_with("`offload` was called outside a running loop"), "{text}");
}

#[test]
fn a_loop_whose_last_job_has_ended_finds_its_deadlock() {
    let mut event_loop = virtual_loop();
    event_loop
        .spawn(async {
            let (job, gate) = Gate::offload();
            gate.go.send(()).unwrap();
            job.await.unwrap();
            std::future::pending::<()>().await;
        })
        .detach();
    let main = event_loop.run_until_complete(std::future::pending::<()>());
    assert!(matches!(main, Err(RunError::Deadlock(_))));
}

#[test]
fn many_jobs_each_give_their_own_value() {
    run(async {
        let jobs: Vec<_> = (0..2000).map(|n| spawn(offload(move || n))).collect();
        call_soon(|| ());
        for (n, job) in jobs.into_iter().enumerate() {
            assert_eq!(job.await.unwrap().unwrap(), n);
        }
    });
}
