//! Python's `sched`: what `CPython`'s `test_sched.py` asserts, under its tests' names, and what is ours.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use common::{Trace, is_cancelled, ms, run};
use proptest::prelude::*;
use wheelhouse::schedule::{Sched, SchedEvent};
use wheelhouse::sync::Queue;
use wheelhouse::{sleep, spawn, time, timeout};

/// What ran, in order; and actions that note a number there.
#[derive(Clone, Default)]
struct Ran(Rc<RefCell<Vec<u64>>>);

impl Ran {
    fn note(&self, n: u64) -> impl Future<Output = ()> + use<> {
        let ran = Rc::clone(&self.0);
        async move { ran.borrow_mut().push(n) }
    }

    fn take(&self) -> Vec<u64> {
        self.0.take()
    }
}

#[test]
fn test_enter() {
    run(async {
        let (sched, ran) = (Sched::new(), Ran::default());
        for x in [50, 40, 30, 20, 10] {
            sched.enter(ms(x), 1, ran.note(x));
        }
        sched.run().await;
        assert_eq!(ran.take(), [10, 20, 30, 40, 50]);
    });
}

#[test]
fn test_enterabs() {
    run(async {
        let (sched, ran) = (Sched::new(), Ran::default());
        for x in [5, 4, 3, 2, 1] {
            sched.enter_abs(ms(x), 1, ran.note(x));
        }
        sched.run().await;
        assert_eq!(ran.take(), [1, 2, 3, 4, 5]);
    });
}

/// Has the next item arrived by the time that the clock shows `at`?
async fn expect(queue: &Queue<u64>, item: u64, at: u64) {
    assert_eq!(queue.get().await, Ok(item));
    assert!(queue.is_empty());
    assert_eq!(time(), ms(at));
}

fn put(queue: &Rc<Queue<u64>>, n: u64) -> impl Future<Output = ()> + use<> {
    let queue = Rc::clone(queue);
    async move { queue.put(n).await.unwrap() }
}

#[test]
fn test_enter_concurrent() {
    run(async {
        let (sched, queue) = (Rc::new(Sched::new()), Rc::new(Queue::unbounded()));
        sched.enter(ms(1), 1, put(&queue, 1));
        sched.enter(ms(3), 1, put(&queue, 3));
        let runner = spawn({
            let sched = Rc::clone(&sched);
            async move { sched.run().await }
        });
        expect(&queue, 1, 1).await;
        for x in [4, 5, 2] {
            sched.enter(ms(x - 1), 1, put(&queue, x));
        }
        for x in [2, 3, 4, 5] {
            expect(&queue, x, x).await;
        }
        runner.await.unwrap();
        assert!(queue.is_empty());
        assert_eq!(time(), ms(5));
    });
}

#[test]
fn test_priority() {
    run(async {
        let (sched, ran) = (Sched::new(), Ran::default());
        for (priorities, expected) in [
            ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
            ([5, 4, 3, 2, 1], [1, 2, 3, 4, 5]),
            ([2, 5, 3, 1, 4], [1, 2, 3, 4, 5]),
            ([1, 2, 3, 2, 1], [1, 1, 2, 2, 3]),
        ] {
            for priority in priorities {
                sched.enter_abs(ms(10), priority, ran.note(priority.unsigned_abs()));
            }
            sched.run().await;
            assert_eq!(ran.take(), expected);
            assert!(sched.is_empty());
        }
    });
}

#[test]
fn test_cancel() {
    run(async {
        let (sched, ran) = (Sched::new(), Ran::default());
        let events = [1, 2, 3, 4, 5].map(|x| sched.enter_abs(time() + ms(x), 1, ran.note(x)));
        sched.cancel(events[0]).unwrap();
        sched.cancel(events[4]).unwrap();
        sched.run().await;
        assert_eq!(ran.take(), [2, 3, 4]);
    });
}

#[test]
fn test_cancel_concurrent() {
    run(async {
        let (sched, queue) = (Rc::new(Sched::new()), Rc::new(Queue::unbounded()));
        let event = |x| sched.enter_abs(ms(x), 1, put(&queue, x));
        let [_, event2, _, event5, _] = [1, 2, 4, 5, 3].map(event);
        let runner = spawn({
            let sched = Rc::clone(&sched);
            async move { sched.run().await }
        });
        expect(&queue, 1, 1).await;
        sched.cancel(event2).unwrap();
        sched.cancel(event5).unwrap();
        expect(&queue, 3, 3).await;
        expect(&queue, 4, 4).await;
        runner.await.unwrap();
        assert!(queue.is_empty());
        assert_eq!(time(), ms(4));
    });
}

#[test]
fn test_cancel_correct_event() {
    run(async {
        let (sched, ran) = (Sched::new(), Ran::default());
        let [_, b, _] = [1, 2, 3].map(|x| sched.enter_abs(ms(1), 1, ran.note(x)));
        sched.cancel(b).unwrap();
        sched.run().await;
        assert_eq!(ran.take(), [1, 3]);
    });
}

#[test]
fn test_empty() {
    run(async {
        let (sched, ran) = (Sched::new(), Ran::default());
        assert!(sched.is_empty());
        for x in [5, 4, 3, 2, 1] {
            sched.enter_abs(ms(x), 1, ran.note(x));
        }
        assert!(!sched.is_empty());
        sched.run().await;
        assert!(sched.is_empty());
    });
}

#[test]
fn test_queue() {
    let sched = Sched::new();
    let [e5, e1, e2, e4, e3] = [5, 1, 2, 4, 3].map(|x| sched.enter_abs(ms(x), 1, async {}));
    assert_eq!(sched.queue(), [e1, e2, e3, e4, e5]);
    assert_eq!((e5.time(), e5.priority()), (ms(5), 1));
}

#[test]
fn test_args_kwargs() {
    // Arguments are what the action captures.
    run(async {
        let (sched, ran) = (Sched::new(), Ran::default());
        for args in [0, 12, 34] {
            sched.enter_abs(time(), 1, ran.note(args));
        }
        sched.run().await;
        assert_eq!(ran.take(), [0, 12, 34]);
    });
}

#[test]
fn test_run_non_blocking() {
    run(async {
        let (sched, ran) = (Sched::new(), Ran::default());
        for x in [10, 9, 8, 7, 6] {
            sched.enter(ms(x), 1, ran.note(x));
        }
        assert_eq!(sched.run_due().await, Some(ms(6)));
        assert_eq!(ran.take(), []);
    });
}

#[test]
fn what_is_due_runs_without_waiting_and_the_rest_stays() {
    run(async {
        let (sched, ran) = (Sched::new(), Ran::default());
        assert_eq!(sched.run_due().await, None);
        for x in [0, 5, 20] {
            sched.enter(ms(x), 1, ran.note(x));
        }
        sleep(ms(8)).await;
        assert_eq!(sched.run_due().await, Some(ms(12)));
        assert_eq!((ran.take(), sched.queue().len()), (vec![0, 5], 1));
    });
}

#[test]
fn an_event_that_is_due_while_another_runs_waits_for_it() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let sched = Rc::new(Sched::new());
        let (inner, note) = (Rc::clone(&sched), t.clone());
        sched.enter(ms(1), 1, async move {
            let t = note.clone();
            inner.enter(ms(2), 1, async move { t.at("entered by an action") });
            sleep(ms(5)).await;
            note.at("first");
        });
        sched.run().await;
    });
    trace.expect(&["6 first", "6 entered by an action"]);
}

#[test]
fn an_event_can_be_cancelled_once_and_not_when_it_has_begun() {
    run(async {
        let sched = Rc::new(Sched::new());
        let event = sched.enter(ms(1), 1, async {});
        sched.cancel(event).unwrap();
        assert_eq!(
            sched.cancel(event).unwrap_err().to_string(),
            "the event of 0.001 s of loop time has begun, or was cancelled before"
        );
        let itself: Rc<Cell<Option<SchedEvent>>> = Rc::default();
        let (inner, me) = (Rc::clone(&sched), Rc::clone(&itself));
        let cancel = async move { assert!(inner.cancel(me.get().unwrap()).is_err()) };
        itself.set(Some(sched.enter(ms(1), 1, cancel)));
        sched.run().await;
    });
}

#[test]
fn a_cancelled_run_loses_the_action_that_ran_and_no_other() {
    run(async {
        let (sched, ran) = (Rc::new(Sched::new()), Ran::default());
        sched.enter(ms(1), 1, sleep(ms(10)));
        sched.enter(ms(2), 1, ran.note(2));
        let runner = spawn({
            let sched = Rc::clone(&sched);
            async move { sched.run().await }
        });
        sleep(ms(5)).await;
        runner.cancel();
        assert!(is_cancelled(runner.await));
        sched.run().await;
        assert_eq!((ran.take(), time()), (vec![2], ms(5)));
        // And one that waits loses nothing at all.
        sched.enter(ms(10), 1, ran.note(3));
        assert!(timeout(ms(1), sched.run()).await.is_err());
        sched.run().await;
        assert_eq!((ran.take(), time()), (vec![3], ms(15)));
    });
}

proptest! {
    #[test]
    fn the_order_is_by_time_priority_and_entry(
        events in proptest::collection::vec((0..5u64, -2..3i64, any::<bool>()), 0..30)
    ) {
        let expected = {
            let mut kept: Vec<_> = events.iter().enumerate().filter(|(_, event)| event.2).collect();
            kept.sort_by_key(|(entry, event)| (event.0, event.1, *entry));
            kept.into_iter().map(|(entry, event)| (entry as u64, ms(event.0))).collect::<Vec<_>>()
        };
        let ran = run(async move {
            let (sched, ran) = (Sched::new(), Rc::new(RefCell::new(Vec::<(u64, Duration)>::new())));
            let mut cancelled = Vec::new();
            for (entry, (at, priority, kept)) in events.into_iter().enumerate() {
                let note = Rc::clone(&ran);
                let action = async move { note.borrow_mut().push((entry as u64, time())) };
                let event = sched.enter(ms(at), priority, action);
                cancelled.extend((!kept).then_some(event));
            }
            for event in cancelled {
                sched.cancel(event).unwrap();
            }
            assert!(sched.queue().is_sorted());
            sched.run().await;
            ran.take()
        });
        prop_assert_eq!(ran, expected);
    }
}
