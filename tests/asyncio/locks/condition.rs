//! `ConditionTests`. Where Python's test locks in one task and waits in another, so does this one, with
//! the calls that need no guard.

use std::rc::Rc;

use wheelhouse::sync::{Condition, Lock};
use wheelhouse::{Task, spawn, timeout, wait_for, yield_now};

use crate::common::{Trace, fixed, ms, run};
use crate::{cancel_soon, is_cancelled, says};

/// Waits, once, and notes its name; keeps the lock.
fn waiter(condition: &'static Condition, trace: &'static Trace, name: &'static str) -> Task<()> {
    spawn(async move {
        condition.acquire().await;
        condition.wait_raw().await.unwrap();
        trace.note(name);
    })
}

/// Waits, once, notes its name and unlocks.
fn passer(condition: &'static Condition, trace: &'static Trace, name: &'static str) -> Task<()> {
    spawn(async move {
        let mut guard = condition.lock().await;
        condition.wait(&mut guard).await;
        trace.note(name);
    })
}

#[test]
fn wait() {
    run(async {
        let (condition, trace) = (fixed(Condition::new(())), fixed(Trace::default()));
        let [t1, t2, t3] = ["1", "2", "3"].map(|name| waiter(condition, trace, name));
        yield_now().await;
        trace.expect(&[]);
        assert!(!condition.is_locked());

        condition.acquire().await;
        condition.notify(1).unwrap();
        yield_now().await;
        trace.expect(&[]);
        assert!(condition.is_locked());

        condition.release().unwrap();
        yield_now().await;
        trace.expect(&["1"]);
        assert!(condition.is_locked());

        condition.notify(2).unwrap();
        yield_now().await;
        trace.expect(&[]);
        assert!(condition.is_locked());

        for name in ["2", "3"] {
            condition.release().unwrap();
            yield_now().await;
            trace.expect(&[name]);
            assert!(condition.is_locked());
        }
        assert!(t1.is_done() && t2.is_done() && t3.is_done());
    });
}

#[test]
fn wait_cancel() {
    run(async {
        let condition = fixed(Condition::new(()));
        condition.acquire().await;
        let wait = spawn(condition.wait_raw());
        cancel_soon(&wait);
        assert!(is_cancelled(wait).await);
        assert!(says(condition, "}, waiters: 0"));
        assert!(condition.is_locked());
    });
}

#[test]
fn wait_cancel_contested() {
    run(async {
        let condition = fixed(Condition::new(()));
        condition.acquire().await;
        let wait = spawn(condition.wait_raw());
        yield_now().await;
        assert!(!condition.is_locked());
        condition.acquire().await;
        condition.notify(1).unwrap();
        cancel_soon(&wait);
        wheelhouse::call_soon(move || condition.release().unwrap());
        let _ = wait.await;
        assert!(condition.is_locked());
    });
}

#[test]
fn wait_cancel_after_notify() {
    run(async {
        let (condition, trace) = (fixed(Condition::new(())), fixed(Trace::default()));
        let waiter = spawn(async {
            let mut guard = condition.lock().await;
            trace.note("locked");
            condition.wait(&mut guard).await;
        });
        yield_now().await;
        condition.acquire().await;
        condition.notify(1).unwrap();
        yield_now().await; // it gets to the lock
        waiter.cancel();
        yield_now().await;
        condition.release().unwrap();
        yield_now().await;
        assert!(waiter.is_cancelled());
        trace.expect(&["locked"]);
    });
}

#[test]
fn wait_unacquired() {
    run(async {
        let condition = Condition::new(());
        assert!(condition.wait_raw().await.is_err());
    });
}

#[test]
fn wait_for_predicate() {
    run(async {
        let (condition, trace) = (fixed(Condition::new(false)), fixed(Trace::default()));
        let task = spawn(async {
            let mut guard = condition.lock().await;
            condition.wait_for(&mut guard, |is_met| *is_met).await;
            trace.note("met");
        });
        yield_now().await;
        trace.expect(&[]);
        let guard = condition.lock().await;
        condition.notify(1).unwrap();
        drop(guard);
        yield_now().await;
        trace.expect(&[]);
        let mut guard = condition.lock().await;
        *guard = true;
        condition.notify(1).unwrap();
        drop(guard);
        yield_now().await;
        trace.expect(&["met"]);
        assert!(task.is_done());
    });
}

/// Without the lock there is no guard to wait with; a guard of another lock is refused.
#[test]
#[should_panic(expected = "a guard of its own lock")]
fn wait_for_unacquired() {
    run(async {
        let (condition, other) = (Condition::new(()), Lock::new(()));
        let mut guard = other.lock().await;
        condition.wait_for(&mut guard, |()| true).await;
        condition.wait_for(&mut guard, |()| false).await;
    });
}

#[test]
fn notify() {
    run(async {
        let (condition, trace) = (fixed(Condition::new(())), fixed(Trace::default()));
        let [t1, t2, t3] = ["1", "2", "3"].map(|name| passer(condition, trace, name));
        yield_now().await;
        let guard = condition.lock().await;
        condition.notify(1).unwrap();
        drop(guard);
        yield_now().await;
        trace.expect(&["1"]);
        let guard = condition.lock().await;
        condition.notify(1).unwrap();
        condition.notify(2048).unwrap();
        drop(guard);
        yield_now().await;
        trace.expect(&["2", "3"]);
        assert!(t1.is_done() && t2.is_done() && t3.is_done());
    });
}

#[test]
fn notify_all() {
    run(async {
        let (condition, trace) = (fixed(Condition::new(())), fixed(Trace::default()));
        let [t1, t2] = ["1", "2"].map(|name| passer(condition, trace, name));
        yield_now().await;
        let guard = condition.lock().await;
        condition.notify_all().unwrap();
        drop(guard);
        yield_now().await;
        trace.expect(&["1", "2"]);
        assert!(t1.is_done() && t2.is_done());
    });
}

#[test]
fn notify_unacquired() {
    assert!(Condition::new(()).notify(1).is_err());
}

#[test]
fn notify_all_unacquired() {
    assert!(Condition::new(()).notify_all().is_err());
}

#[test]
fn context_manager() {
    run(async {
        let condition = Condition::new(());
        let guard = condition.lock().await;
        assert!(condition.is_locked());
        drop(guard);
        assert!(!condition.is_locked());
    });
}

#[test]
fn explicit_lock() {
    run(async {
        let lock = Rc::new(Lock::new(()));
        let [one, other] = [(); 2].map(|()| Condition::on(Rc::clone(&lock)));
        let guard = one.lock().await;
        assert!(lock.is_locked() && other.is_locked());
        drop(guard);
        let mut guard = lock.lock().await;
        assert!(one.is_locked() && other.is_locked());
        assert!(timeout(ms(1), other.wait(&mut guard)).await.is_err());
        drop(guard);
        assert!(!lock.is_locked() && !one.is_locked());
    });
}

#[test]
fn timeout_in_block() {
    run(async {
        let condition = Condition::new(());
        let mut guard = condition.lock().await;
        assert!(wait_for(condition.wait(&mut guard), ms(500)).await.is_err());
        assert!(guard.is_held());
    });
}

/// Takes one from the stock, again and again, until the stock is negative.
fn consumer(stock: &'static Condition<i32>) -> Task<()> {
    spawn(async {
        let mut guard = stock.lock().await;
        loop {
            stock.wait_for(&mut guard, |stock| *stock != 0).await;
            if *guard < 0 {
                return;
            }
            *guard -= 1;
        }
    })
}

/// One of two consumers is notified, and cancelled before it has seen that; the other one must take over.
async fn cancelled_wakeup_after(turns: usize) {
    let stock = fixed(Condition::new(0));
    let [first, second] = [(); 2].map(|()| consumer(stock));
    yield_now().await;
    let mut guard = stock.lock().await;
    *guard += 1;
    stock.notify(1).unwrap();
    for _ in 0..turns {
        yield_now().await;
    }
    first.cancel();
    let consumed = timeout(ms(10), stock.wait_for(&mut guard, |stock| *stock == 0)).await;
    assert!(consumed.is_err(), "nobody notifies of that");
    assert_eq!(*guard, 0);
    *guard = -1;
    stock.notify_all().unwrap();
    drop(guard);
    second.await.unwrap();
}

#[test]
fn cancelled_wakeup() {
    run(cancelled_wakeup_after(0));
}

#[test]
fn cancelled_wakeup_relock() {
    run(cancelled_wakeup_after(1));
}
