//! A wait that was cancelled inside a scope, but not dropped with it, begins anew when it is polled again.

mod common;

use std::pin::pin;

use common::{fixed, ms, run};
use wheelhouse::sync::{Condition, Event, Lock, OnceCell, Queue, RwLock, Semaphore};
use wheelhouse::{Task, call_later, catch_cancel, spawn, timeout, yield_now};

/// Waits for it in vain for a while, then until it comes.
async fn twice<T>(wait: impl Future<Output = T>) -> T {
    let mut wait = pin!(wait);
    assert!(timeout(ms(1), wait.as_mut()).await.is_err());
    wait.await
}

/// Is cancelled once, and waits on.
fn insist<T: 'static>(wait: impl Future<Output = T> + 'static) -> Task<T> {
    spawn(async {
        let mut wait = pin!(wait);
        assert!(catch_cancel(wait.as_mut()).await.is_err());
        wait.await
    })
}

/// Whoever wakes waiters passes over one that is cancelled; it then stands in no queue any more.
#[test]
fn passed_over_in_between() {
    run(async {
        let (event, semaphore) = (fixed(Event::new()), fixed(Semaphore::new(0)));
        let (queue, cell) = (fixed(Queue::new(1)), fixed(OnceCell::new()));
        let waits = insist(event.wait());
        let acquires = insist(semaphore.acquire());
        let gets = insist(queue.get());
        let maker = spawn(cell.get_or_init(async || std::future::pending().await));
        let asks = insist(cell.get_or_init(async || 1));
        yield_now().await;
        maker.abort(); // before the cancels: it is dropped before they are seen
        waits.cancel();
        acquires.cancel();
        gets.cancel();
        asks.cancel();
        event.set();
        event.clear();
        semaphore.release().unwrap();
        queue.put_nowait(1).unwrap();
        drop(acquires.await.unwrap());
        assert_eq!(gets.await.unwrap(), Ok(1));
        assert_eq!(*asks.await.unwrap(), 1);
        assert!(!waits.is_done(), "that event came while it was cancelled");
        event.set();
        waits.await.unwrap();
    });
}

#[test]
fn event() {
    run(async {
        let event = fixed(Event::new());
        call_later(ms(2), || event.set());
        twice(event.wait()).await;
    });
}

#[test]
fn lock() {
    run(async {
        let lock = fixed(Lock::new(()));
        lock.acquire().await;
        call_later(ms(2), || lock.release().unwrap());
        drop(twice(lock.lock()).await);
        assert!(!lock.is_locked());
    });
}

/// The hand-over that a cancelled head of the queue holds up goes on when it begins anew.
#[test]
fn lock_released_while_its_head_is_cancelled() {
    run(async {
        let lock = fixed(Lock::new(()));
        lock.acquire().await;
        let head = insist(async { drop(lock.lock().await) });
        let next = spawn(async { drop(lock.lock().await) });
        yield_now().await;
        head.cancel();
        lock.release().unwrap();
        next.await.unwrap();
        head.await.unwrap();
    });
}

#[test]
fn semaphore() {
    run(async {
        let semaphore = fixed(Semaphore::new(0));
        call_later(ms(2), || semaphore.release().unwrap());
        drop(twice(semaphore.acquire()).await);
        assert_eq!(semaphore.available(), 1);
    });
}

#[test]
fn rwlock() {
    run(async {
        let lock = fixed(RwLock::new(()));
        let writer = lock.write().await;
        let reader = spawn(async { drop(twice(lock.read()).await) });
        wheelhouse::sleep(ms(2)).await;
        drop(writer);
        reader.await.unwrap();
    });
}

#[test]
fn queue() {
    run(async {
        let queue = fixed(Queue::new(1));
        call_later(ms(2), || queue.put_nowait(1).unwrap());
        assert_eq!(twice(queue.get()).await, Ok(1));
        queue.put_nowait(2).unwrap();
        call_later(ms(2), || assert_eq!(queue.get_nowait(), Ok(2)));
        twice(queue.put(3)).await.unwrap();
    });
}

#[test]
fn once() {
    run(async {
        let cell = fixed(OnceCell::new());
        let maker = spawn(cell.get_or_init(async || wheelhouse::sleep(ms(2)).await));
        yield_now().await;
        twice(cell.get_or_init(async || unreachable!("it is being made"))).await;
        maker.await.unwrap();
    });
}

#[test]
fn condition() {
    run(async {
        let condition = fixed(Condition::new(()));
        let mut guard = condition.lock().await;
        let notifier = spawn(async {
            wheelhouse::sleep(ms(2)).await;
            let _guard = condition.lock().await;
            condition.notify(1).unwrap();
        });
        assert!(timeout(ms(1), condition.wait(&mut guard)).await.is_err());
        condition.wait(&mut guard).await;
        notifier.await.unwrap();
    });
}
