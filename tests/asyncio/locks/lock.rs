//! `LockTests`.

use std::rc::Rc;

use wheelhouse::sync::{Event, Lock};
use wheelhouse::{call_soon, spawn, yield_now};

use crate::common::{Trace, fixed, run};
use crate::{cancel_soon, is_cancelled, says};

#[test]
fn lock() {
    run(async {
        let lock = Lock::new(());
        assert!(says(&lock, "locked: false"));
        lock.acquire().await;
        assert!(says(&lock, "locked: true"));
        lock.release().unwrap();
        assert!(!lock.is_locked());
    });
}

#[test]
fn acquire() {
    run(async {
        let (lock, trace) = (fixed(Lock::new(())), fixed(Trace::default()));
        let enter = |name: &'static str| {
            spawn(async move {
                lock.acquire().await;
                trace.note(name);
            })
        };
        lock.acquire().await;
        let (t1, t2) = (enter("1"), enter("2"));
        yield_now().await;
        trace.expect(&[]);
        lock.release().unwrap();
        yield_now().await;
        trace.expect(&["1"]);
        yield_now().await;
        trace.expect(&[]);
        let t3 = enter("3");
        lock.release().unwrap();
        yield_now().await;
        trace.expect(&["2"]);
        lock.release().unwrap();
        yield_now().await;
        trace.expect(&["3"]);
        assert!(t1.is_done() && t2.is_done() && t3.is_done());
    });
}

#[test]
fn acquire_cancel() {
    run(async {
        let lock = fixed(Lock::new(()));
        lock.acquire().await;
        let task = spawn(lock.acquire());
        cancel_soon(&task);
        assert!(is_cancelled(task).await);
        assert!(says(lock, "waiters: 0"));
    });
}

#[test]
fn cancel_race() {
    run(async {
        let (lock, blocker) = (fixed(Lock::new(())), fixed(Event::new()));
        let a = spawn(async {
            let _guard = lock.lock().await;
            blocker.wait().await;
        });
        yield_now().await;
        let b = spawn(async { drop(lock.lock().await) });
        let c = spawn(async { drop(lock.lock().await) });
        yield_now().await;
        assert!(says(lock, "waiters: 2"));
        blocker.set();
        b.cancel();
        yield_now().await;
        assert!(!lock.is_locked());
        assert!(a.is_done());
        assert!(b.is_cancelled());
        c.await.unwrap();
    });
}

#[test]
fn cancel_release_race() {
    run(async {
        let (lock, trace) = (fixed(Lock::new(())), fixed(Trace::default()));
        let enter = || {
            spawn(async move {
                trace.note("call");
                lock.acquire().await;
                trace.note("locked");
            })
        };
        lock.acquire().await;
        let (t1, t2, t3) = (enter(), enter(), enter());
        yield_now().await;
        let first = t1.handle().clone();
        call_soon(move || {
            first.cancel();
            lock.release().unwrap();
        });
        assert!(is_cancelled(t1).await);
        trace.expect(&["call", "call", "call", "locked"]);
        assert!(t2.is_done());
        t3.cancel();
        yield_now().await;
        assert!(t3.is_cancelled());
    });
}

#[test]
fn finished_waiter_cancelled() {
    run(async {
        let lock = fixed(Lock::new(()));
        lock.acquire().await;
        let b = spawn(lock.acquire());
        yield_now().await;
        assert!(says(lock, "waiters: 1"));
        let c = spawn(lock.acquire());
        b.cancel();
        lock.release().unwrap();
        yield_now().await;
        assert!(lock.is_locked());
        assert!(b.is_cancelled());
        c.await.unwrap();
    });
}

#[test]
fn release_not_acquired() {
    let error = Lock::new(()).release().unwrap_err();
    assert_eq!(error.to_string(), "`Lock::release`: the lock is not held");
}

#[test]
fn release_no_waiters() {
    run(async {
        let lock = Lock::new(());
        lock.acquire().await;
        lock.release().unwrap();
        assert!(!lock.is_locked());
    });
}

#[test]
fn context_manager() {
    run(async {
        let lock = Rc::new(Lock::new(0));
        {
            let mut guard = lock.lock().await;
            assert!(lock.is_locked());
            *guard += 1;
        }
        assert!(!lock.is_locked());
        assert_eq!(*lock.try_lock().unwrap(), 1);
    });
}
