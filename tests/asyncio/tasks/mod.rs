//! `test_tasks.py`.

mod as_completed;
mod cancel;
mod gather;
mod life;
mod messages;
mod shield;
mod sleep;
mod threadsafe;
mod uncancel;
mod wait;

use std::time::Duration;

use wheelhouse::{EventLoop, PromiseError, Promised, Task, spawn};

use crate::common::ms;

const LONG: Duration = Duration::from_secs(10);

/// Python's `run_briefly`: lets what is ready run.
fn run_briefly(event_loop: &mut EventLoop) {
    event_loop.run_until_complete(async {}).expect("the loop goes on");
}

/// A task that sleeps, and then returns `value`.
fn nap<T: 'static>(millis: u64, value: T) -> Task<T> {
    spawn(async move {
        wheelhouse::sleep(ms(millis)).await;
        value
    })
}

/// Python's `await future`, where a cancelled future cancels its waiter.
async fn value_of<T: 'static>(promised: Promised<T>) -> T {
    match promised.await {
        Ok(value) => value,
        Err(PromiseError::Cancelled(cancelled)) => cancelled.resume().await,
        Err(error) => panic!("{error}"),
    }
}
