//! A condition's wait that is aborted, or dropped by foreign code, does not touch a lock that it does not
//! hold, and passes its notification on.

mod common;

use common::{Trace, fixed, ms, run};
use futures::future::{Either, select};
use wheelhouse::sync::Condition;
use wheelhouse::{Task, sleep, spawn, yield_now};

fn waiter(condition: &'static Condition, trace: &'static Trace, name: &'static str) -> Task<()> {
    spawn(async move {
        let mut guard = condition.lock().await;
        condition.wait(&mut guard).await;
        trace.note(name);
    })
}

#[test]
fn aborted_while_it_waits() {
    run(async {
        let (condition, trace) = (fixed(Condition::new(())), fixed(Trace::default()));
        let aborted = waiter(condition, trace, "aborted");
        yield_now().await;
        let guard = condition.lock().await;
        aborted.abort();
        yield_now().await;
        assert!(aborted.is_done());
        assert!(condition.is_locked(), "the lock is still ours");
        drop(guard);
        trace.expect(&[]);
    });
}

#[test]
fn aborted_with_a_notification() {
    run(async {
        let (condition, trace) = (fixed(Condition::new(())), fixed(Trace::default()));
        let (first, second) = (waiter(condition, trace, "1"), waiter(condition, trace, "2"));
        yield_now().await;
        let guard = condition.lock().await;
        condition.notify(1).unwrap();
        first.abort();
        drop(guard);
        second.await.unwrap();
        trace.expect(&["2"]);
    });
}

/// It has been notified and waits for the lock.
#[test]
fn aborted_on_its_way_back_to_the_lock() {
    run(async {
        let (condition, trace) = (fixed(Condition::new(())), fixed(Trace::default()));
        let (first, second) = (waiter(condition, trace, "1"), waiter(condition, trace, "2"));
        yield_now().await;
        let guard = condition.lock().await;
        condition.notify(1).unwrap();
        yield_now().await;
        first.abort();
        yield_now().await;
        assert!(condition.is_locked());
        drop(guard);
        second.await.unwrap();
        trace.expect(&["2"]);
    });
}

/// One that was aborted without a notification wakes nobody in its place.
#[test]
fn aborted_without_a_notification() {
    run(async {
        let (condition, trace) = (fixed(Condition::new(())), fixed(Trace::default()));
        let (first, second) = (waiter(condition, trace, "1"), waiter(condition, trace, "2"));
        yield_now().await;
        first.abort();
        sleep(ms(1)).await;
        trace.expect(&[]);
        second.abort();
        sleep(ms(1)).await;
    });
}

#[test]
fn the_losing_side_of_a_select() {
    run(async {
        let condition = Condition::new(1);
        let mut guard = condition.lock().await;
        {
            let wait = std::pin::pin!(condition.wait(&mut guard));
            assert!(matches!(select(wait, sleep(ms(1))).await, Either::Right(_)));
        }
        assert!(!guard.is_held());
        assert!(!condition.is_locked());
        let other = condition.lock().await;
        drop(guard);
        assert!(condition.is_locked(), "a guard that does not hold releases nothing");
        drop(other);
    });
}

#[test]
#[should_panic(expected = "lost its lock")]
fn a_guard_without_its_lock_shows_nothing() {
    run(async {
        let condition = Condition::new(1);
        let mut guard = condition.lock().await;
        {
            let wait = std::pin::pin!(condition.wait(&mut guard));
            select(wait, sleep(ms(1))).await;
        }
        let _ = *guard;
    });
}
