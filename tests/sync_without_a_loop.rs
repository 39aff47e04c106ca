//! Primitives are made, and used without waiting, where no loop runs; they serve one loop after another.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use common::{fixed, ms, run, virtual_loop};
use wheelhouse::sync::{Barrier, Condition, Event, Lock, OnceCell, Queue, RwLock, Semaphore};
use wheelhouse::{sleep, spawn, yield_now};

/// Polls once, outside any loop.
fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn nothing_but_waiting_needs_a_loop() {
    let (event, lock, semaphore) = (Event::new(), Lock::new(1), Semaphore::new(1));
    let (condition, queue, cell) = (Condition::new(1), Queue::new(1), OnceCell::new());
    let (rw, barrier) = (RwLock::new(1), Barrier::new(1));
    event.set();
    assert!(poll_once(event.wait()).is_ready());
    assert!(poll_once(lock.lock()).is_ready());
    assert!(poll_once(semaphore.acquire()).is_ready());
    assert!(poll_once(condition.lock()).is_ready());
    assert!(poll_once(queue.put(1)).is_ready());
    assert!(poll_once(queue.get()).is_ready());
    assert!(poll_once(cell.get_or_init(async || 1)).is_ready());
    assert!(poll_once(rw.read()).is_ready());
    assert!(poll_once(rw.write()).is_ready());
    assert!(poll_once(barrier.wait()).is_ready());
}

#[test]
#[should_panic(expected = "`Event::wait` was called outside a running loop")]
fn waiting_outside_a_loop_panics() {
    let _ = poll_once(Event::new().wait());
}

#[test]
fn const_primitives_in_a_thread_local() {
    thread_local! {
        static READY: Event = const { Event::new() };
    }
    READY.with(Event::set);
    assert!(READY.with(Event::is_set));
}

#[test]
fn one_loop_after_another() {
    let queue = fixed(Queue::new(1));
    for round in 0..3 {
        run(async move {
            let getter = spawn(queue.get());
            yield_now().await;
            queue.put_nowait(round).unwrap();
            assert_eq!(getter.await.unwrap(), Ok(round));
        });
    }
}

/// A waker outside the loop's run queues the step for when it runs again.
#[test]
fn woken_between_two_runs() {
    let event = fixed(Event::new());
    let mut event_loop = virtual_loop();
    let waiter = event_loop.spawn(event.wait());
    event_loop.run_until_complete(yield_now()).unwrap();
    event.set();
    event_loop.run_until_done(waiter).unwrap();
}

#[test]
fn waiting_in_two_loops_at_once_panics() {
    let event = fixed(Event::new());
    let mut first = virtual_loop();
    first.spawn(event.wait()).detach();
    first.run_until_complete(yield_now()).unwrap();
    let second = catch_unwind(AssertUnwindSafe(|| run(event.wait())));
    let message = *second.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message, "`Event::wait`: tasks of another loop are waiting here already");
    event.set();
    first.run_until_complete(yield_now()).unwrap();
    run(event.wait());
}

/// Dropping the loop frees what its tasks held, and forgets who waited.
#[test]
fn a_loop_that_is_dropped() {
    let (lock, semaphore) = (fixed(Lock::new(())), fixed(Semaphore::new(1)));
    let mut event_loop = virtual_loop();
    for _ in 0..3 {
        let task = event_loop.spawn(async {
            let _guard = lock.lock().await;
            let _permit = semaphore.acquire().await;
            sleep(ms(1000)).await;
        });
        task.detach();
    }
    event_loop.run_until_complete(sleep(ms(1))).unwrap();
    assert!(lock.is_locked() && semaphore.is_locked());
    drop(event_loop);
    assert!(!lock.is_locked() && !semaphore.is_locked());
    run(async { drop((lock.lock().await, semaphore.acquire().await)) });
}
