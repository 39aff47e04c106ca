//! What guards and permits promise beyond asyncio: who may release, what is kept and what is given back.

mod common;

use std::rc::Rc;

use common::{fixed, ms, run};
use wheelhouse::sync::{Lock, OnceCell, RwLock, Semaphore};
use wheelhouse::{sleep, spawn, yield_now};

#[test]
fn a_guard_alone_releases_its_lock() {
    let lock = Lock::named("db", 1);
    let guard = lock.try_lock().unwrap();
    assert_eq!(
        lock.release().unwrap_err().to_string(),
        "`Lock::release`: the lock `db` is held by a guard, which alone can release it"
    );
    drop(guard);
    assert_eq!(
        lock.release().unwrap_err().to_string(),
        "`Lock::release`: the lock `db` is not held"
    );
}

#[test]
fn a_forgotten_guard_keeps_the_lock_for_good() {
    let mut lock = Lock::new(1);
    std::mem::forget(lock.try_lock());
    assert!(lock.is_locked());
    assert!(lock.try_lock().is_none());
    assert!(lock.release().is_err());
    *lock.get_mut() += 1;
    assert_eq!(lock.into_inner(), 2);
}

#[test]
fn a_free_lock_is_not_to_be_had_past_a_woken_waiter() {
    run(async {
        let lock = fixed(Lock::new(()));
        let guard = lock.lock().await;
        let waiter = spawn(async { drop(lock.lock().await) });
        yield_now().await;
        drop(guard);
        assert!(!lock.is_locked());
        assert!(lock.try_lock().is_none());
        waiter.await.unwrap();
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn permits_for_a_task_to_be_spawned() {
    run(async {
        let semaphore = Rc::new(Semaphore::bounded(2));
        let mut tasks = Vec::new();
        for n in 0..4 {
            let permit = Rc::clone(&semaphore).acquire_owned(1).await;
            assert_eq!(wheelhouse::time(), ms(n / 2));
            tasks.push(spawn(async move {
                sleep(ms(1)).await;
                drop(permit);
            }));
        }
        wheelhouse::gather(tasks).await;
        assert_eq!(semaphore.available(), 2);
    });
}

#[test]
fn a_permit_that_is_not_to_be_had() {
    let semaphore = Semaphore::new(1);
    assert!(semaphore.try_acquire_many(2).is_none());
    assert_eq!(semaphore.available(), 1, "a refusal makes no permits");
    let permit = semaphore.try_acquire().unwrap();
    assert!(semaphore.try_acquire().is_none());
    drop(permit);
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn a_bounded_semaphore_never_has_more_than_its_bound() {
    let semaphore = Semaphore::bounded(2);
    let permit = semaphore.try_acquire_many(2).unwrap();
    semaphore.release().unwrap();
    drop(permit);
    assert_eq!(semaphore.available(), 2);
    assert!(semaphore.release().is_err());
}

#[test]
#[should_panic(expected = "`Semaphore::acquire_many(3)` would never end")]
fn more_permits_than_there_can_be() {
    run(async { drop(Semaphore::bounded(2).acquire_many(3).await) });
}

#[test]
fn one_that_wants_many_is_not_overtaken() {
    run(async {
        let semaphore = fixed(Semaphore::new(2));
        let first = semaphore.acquire().await;
        let many = spawn(async { semaphore.acquire_many(2).await.forget() });
        let one = spawn(async { semaphore.acquire().await.forget() });
        yield_now().await;
        assert_eq!(semaphore.available(), 1);
        assert!(semaphore.try_acquire().is_none());
        many.cancel();
        yield_now().await; // it leaves, and lets the one behind it through
        yield_now().await;
        assert!(one.is_done());
        drop(first);
    });
}

#[test]
fn permits_that_come_back_together_wake_as_many_at_once() {
    run(async {
        let semaphore = fixed(Semaphore::new(2));
        let both = semaphore.acquire_many(2).await;
        let waiters = [(); 2].map(|()| spawn(async { semaphore.acquire().await.forget() }));
        yield_now().await;
        drop(both);
        yield_now().await;
        assert!(waiters.iter().all(|waiter| waiter.is_done()));
    });
}

#[test]
fn one_that_is_cancelled_keeps_nobody_out() {
    run(async {
        let semaphore = fixed(Semaphore::new(1));
        let many = spawn(async { semaphore.acquire_many(2).await.forget() });
        yield_now().await;
        assert!(semaphore.is_locked());
        many.cancel();
        assert!(!semaphore.is_locked(), "it has given up, though it has not run");
        assert!(semaphore.try_acquire().is_some());
        yield_now().await;
        assert!(many.is_cancelled());
    });
}

#[test]
fn readers_behind_a_waiting_writer() {
    run(async {
        let lock = fixed(RwLock::new(0));
        let reader = lock.read().await;
        let writer = spawn(async { *lock.write().await += 1 });
        yield_now().await;
        assert!(lock.try_read().is_none());
        let readers = [(); 2].map(|()| {
            spawn(async {
                let value = *lock.read().await;
                (value, wheelhouse::time())
            })
        });
        sleep(ms(1)).await;
        drop(reader);
        writer.await.unwrap();
        for reader in readers {
            assert_eq!(reader.await.unwrap(), (1, ms(1)));
        }
    });
}

#[test]
fn a_value_in_the_making_cannot_be_set() {
    run(async {
        let cell = fixed(OnceCell::new());
        let maker = spawn(cell.get_or_init(async || {
            sleep(ms(1)).await;
            1
        }));
        yield_now().await;
        assert_eq!(cell.set(2), Err(2));
        maker.cancel();
        yield_now().await;
        assert_eq!(cell.set(3), Ok(()));
        assert_eq!(cell.set(4), Err(4));
        assert_eq!(cell.get(), Some(&3));
    });
}

/// The maker is cancelled, and so is the one that was woken to make it instead.
#[test]
fn a_value_that_two_in_turn_gave_up_making() {
    run(async {
        let cell = fixed(OnceCell::new());
        let make = |value: u8| {
            spawn(cell.get_or_init(async move || {
                sleep(ms(1)).await;
                value
            }))
        };
        let [first, second, third] = [1, 2, 3].map(make);
        yield_now().await;
        first.cancel();
        yield_now().await;
        second.cancel();
        assert_eq!(*third.await.unwrap(), 3);
        assert!(second.is_cancelled());
    });
}
