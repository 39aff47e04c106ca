//! `SemaphoreTests`. Python's tests keep permits by never releasing them; here they are forgotten.

use std::cell::RefCell;
use std::rc::Rc;

use wheelhouse::sync::Semaphore;
use wheelhouse::{JoinError, Task, gather, spawn, task_group, wait_for, yield_now};

use crate::common::{Trace, fixed, ms, run};
use crate::{cancel_soon, is_cancelled, says};

async fn take(semaphore: &Semaphore) {
    semaphore.acquire().await.forget();
}

/// Takes a permit for good, and notes its name.
fn taker(semaphore: &'static Semaphore, trace: &'static Trace, name: &'static str) -> Task<()> {
    spawn(async move {
        take(semaphore).await;
        trace.note(name);
    })
}

#[test]
fn initial_value_zero() {
    assert!(Semaphore::new(0).is_locked());
}

#[test]
fn semaphore() {
    let semaphore = Semaphore::new(1);
    assert!(!semaphore.is_locked());
    let permit = semaphore.try_acquire().unwrap();
    assert!(semaphore.is_locked());
    assert!(says(&semaphore, "available: 0"));
    drop(permit);
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn acquire() {
    run(async {
        let (semaphore, trace) = (fixed(Semaphore::new(3)), fixed(Trace::default()));
        take(semaphore).await;
        take(semaphore).await;
        assert!(!semaphore.is_locked());
        let [t1, t2, t3] = ["1", "2", "3"].map(|name| taker(semaphore, trace, name));
        yield_now().await;
        trace.expect(&["1"]);
        assert!(semaphore.is_locked());
        assert!(says(semaphore, "waiters: 2"));
        let t4 = taker(semaphore, trace, "4");
        semaphore.release().unwrap();
        semaphore.release().unwrap();
        assert_eq!(semaphore.available(), 0);
        yield_now().await;
        trace.expect(&["2", "3"]);
        assert_eq!(semaphore.available(), 0);
        assert!(says(semaphore, "waiters: 1"));
        assert!(t1.is_done() && t2.is_done() && t3.is_done());
        semaphore.release().unwrap();
        t4.await.unwrap();
    });
}

#[test]
fn acquire_cancel() {
    run(async {
        let semaphore = fixed(Semaphore::new(1));
        take(semaphore).await;
        let acquire = spawn(take(semaphore));
        cancel_soon(&acquire);
        assert!(is_cancelled(acquire).await);
        assert!(says(semaphore, "waiters: 0"));
    });
}

#[test]
fn acquire_cancel_before_awoken() {
    run(async {
        let semaphore = fixed(Semaphore::new(0));
        let [t1, t2, t3, t4] = [(); 4].map(|()| spawn(take(semaphore)));
        yield_now().await;
        t1.cancel();
        t2.cancel();
        semaphore.release().unwrap();
        yield_now().await;
        yield_now().await;
        assert!(t3.is_done());
        assert!(!t4.is_done());
        t4.cancel();
        yield_now().await;
    });
}

#[test]
fn acquire_hang() {
    run(async {
        let semaphore = fixed(Semaphore::new(0));
        let [t1, t2] = [(); 2].map(|()| spawn(take(semaphore)));
        yield_now().await;
        t1.cancel();
        semaphore.release().unwrap();
        yield_now().await;
        yield_now().await;
        assert!(semaphore.is_locked());
        assert!(t2.is_done());
    });
}

#[test]
fn acquire_no_hang() {
    run(async {
        let semaphore = fixed(Semaphore::new(1));
        let second: Rc<RefCell<Option<Task<()>>>> = Rc::default();
        let first = spawn({
            let second = Rc::clone(&second);
            async move {
                let permit = semaphore.acquire().await;
                yield_now().await;
                drop(permit);
                second.borrow().as_ref().unwrap().cancel();
            }
        });
        second.replace(Some(spawn(async {
            let _permit = semaphore.acquire().await;
            unreachable!("it is cancelled before it can have the permit");
        })));
        first.await.unwrap();
        let second = second.take().unwrap();
        assert!(matches!(second.await, Err(JoinError::Cancelled(_))));
        drop(wait_for(semaphore.acquire(), ms(1000)).await.unwrap());
    });
}

#[test]
fn release_not_acquired() {
    let error = Semaphore::bounded(1).release().unwrap_err();
    assert_eq!(error.to_string(), "a semaphore bounded to 1 has all its permits already");
}

#[test]
fn release_no_waiters() {
    run(async {
        let semaphore = Semaphore::new(1);
        take(&semaphore).await;
        assert!(semaphore.is_locked());
        semaphore.release().unwrap();
        assert!(!semaphore.is_locked());
    });
}

#[test]
fn acquire_fifo_order() {
    run(async {
        let (semaphore, trace) = (fixed(Semaphore::new(1)), fixed(Trace::default()));
        task_group(async |group| {
            for name in ["a", "b", "c"] {
                let twice = async move {
                    for round in 1..=2 {
                        let _permit = semaphore.acquire().await;
                        trace.note(format!("{name}{round}"));
                        wheelhouse::sleep(ms(10)).await;
                    }
                };
                group.spawn(twice).unwrap().detach();
            }
        })
        .await
        .unwrap();
        trace.expect(&["a1", "b1", "c1", "a2", "b2", "c2"]);
    });
}

#[test]
fn acquire_fifo_order_2() {
    run(async {
        let (semaphore, trace) = (fixed(Semaphore::new(1)), fixed(Trace::default()));
        let t1 = taker(semaphore, trace, "1");
        let t2 = spawn(async {
            take(semaphore).await;
            trace.note("2");
            semaphore.release().unwrap();
            take(semaphore).await;
            trace.note("4");
        });
        let t3 = taker(semaphore, trace, "3");
        yield_now().await;
        semaphore.release().unwrap();
        semaphore.release().unwrap();
        gather([t1, t2, t3]).await;
        trace.expect(&["1", "2", "3", "4"]);
    });
}

#[test]
fn acquire_fifo_order_3() {
    run(async {
        let (semaphore, trace) = (fixed(Semaphore::new(0)), fixed(Trace::default()));
        let tasks = ["1", "2", "3"].map(|name| taker(semaphore, trace, name));
        yield_now().await;
        tasks[0].cancel();
        yield_now().await;
        semaphore.release().unwrap();
        semaphore.release().unwrap();
        gather(tasks).await;
        trace.expect(&["2", "3"]);
    });
}

#[test]
fn acquire_fifo_order_4() {
    run(async {
        let (semaphore, trace) = (fixed(Semaphore::new(0)), fixed(Trace::default()));
        let t1 = spawn(async {
            take(semaphore).await;
            assert_eq!(semaphore.available(), 0, "it has woken everybody who waited");
            trace.note("1");
            spawn(async { trace.note("4") }).detach();
        });
        let t2 = spawn(async {
            for _ in 0..3 {
                semaphore.release().unwrap();
            }
            assert_eq!(semaphore.available(), 2);
            assert!(semaphore.is_locked(), "the first has not run yet");
            take(semaphore).await;
            trace.note("2");
        });
        let t3 = spawn(async {
            take(semaphore).await;
            assert!(semaphore.is_locked());
            trace.note("3");
        });
        yield_now().await;
        assert_eq!(semaphore.available(), 2);
        assert!(says(semaphore, "waiters: 3"));
        yield_now().await;
        gather([t1, t2, t3]).await;
        trace.expect(&["1", "2", "3", "4"]);
    });
}
