//! User code that a primitive runs, wakers and destructors, finds it free to be used.

mod common;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use common::run;
use wheelhouse::sync::{Lock, Queue, Semaphore};

thread_local! {
    static SEMAPHORE: Semaphore = const { Semaphore::new(0) };
    static LOCK: Lock<u8> = const { Lock::new(1) };
    static QUEUE: Queue<Nosy> = Queue::unbounded();
}

/// The waker of a future that is polled outside any task: a user's code.
struct Calls(fn());

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// Polls once, with a waker that makes a call; the future must suspend.
fn suspend<T>(future: Pin<&mut impl Future<Output = T>>, call: fn()) {
    let waker = Waker::from(Arc::new(Calls(call)));
    assert!(future.poll(&mut Context::from_waker(&waker)).is_pending());
}

/// Polls once more; the future must be ready.
fn finish<T>(future: Pin<&mut impl Future<Output = T>>) -> T {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it was not woken"),
    }
}

#[test]
fn a_waker_that_releases() {
    run(async {
        SEMAPHORE.with(|semaphore| {
            let mut acquire = pin!(semaphore.acquire());
            suspend(acquire.as_mut(), || {
                SEMAPHORE.with(|semaphore| {
                    semaphore.release().unwrap();
                    assert!(format!("{semaphore:?}").contains("available: 1"));
                });
            });
            semaphore.release().unwrap();
            drop(finish(acquire.as_mut()));
            assert_eq!(semaphore.available(), 2);
        });
    });
}

/// The value goes back before the next one can take it.
#[test]
fn a_waker_that_locks() {
    run(async {
        LOCK.with(|lock| {
            let guard = lock.try_lock().unwrap();
            let mut next = pin!(lock.lock());
            suspend(next.as_mut(), || {
                LOCK.with(|lock| assert!(lock.try_lock().is_none(), "the woken one comes first"));
            });
            drop(guard);
            assert_eq!(*finish(next.as_mut()), 1);
        });
    });
}

/// An item that looks at its queue when it is dropped.
struct Nosy(usize);

impl Drop for Nosy {
    fn drop(&mut self) {
        QUEUE.with(|queue| {
            assert_eq!(queue.len(), self.0);
            assert!(queue.put_nowait(Nosy(0)).is_err_and(|refused| {
                std::mem::forget(refused.into_inner());
                true
            }));
        });
    }
}

#[test]
fn items_that_are_dropped_by_a_shutdown() {
    QUEUE.with(|queue| {
        queue.put_nowait(Nosy(0)).unwrap();
        queue.put_nowait(Nosy(0)).unwrap();
        queue.shutdown(true);
        assert!(queue.is_empty());
    });
}
