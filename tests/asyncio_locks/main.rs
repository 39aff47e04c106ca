//! Python's `test_locks.py`, test by test and under its names.

#[path = "../common/mod.rs"]
mod common;

mod barrier;
mod condition;
mod event;
mod lock;
mod semaphore;

use std::fmt::Debug;

use wheelhouse::{JoinError, Task, TaskHandle, call_soon};

/// Does `what`, printed, say so?
fn says(what: &impl Debug, text: &str) -> bool {
    format!("{what:?}").contains(text)
}

fn cancel_soon<T: 'static>(task: &Task<T>) {
    let task: TaskHandle = task.handle().clone();
    call_soon(move || assert!(task.cancel()));
}

async fn is_cancelled<T: 'static>(task: Task<T>) -> bool {
    matches!(task.await, Err(JoinError::Cancelled(_)))
}
