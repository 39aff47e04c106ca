//! CPython's own tests of asyncio, a module for each of its files, each test under its own name and written
//! from what it asserts. `table.rs` holds them to the list of all of them.

#[path = "../common/mod.rs"]
mod common;

mod locks;
mod queues;
mod table;
mod taskgroups;

use std::fmt::Debug;

use wheelhouse::{Task, TaskHandle, call_soon};

/// Does `what`, printed, say so?
fn says(what: &impl Debug, text: &str) -> bool {
    format!("{what:?}").contains(text)
}

/// Cancels the task in the next turn.
fn cancel_soon(task: &TaskHandle) {
    let task = task.clone();
    call_soon(move || assert!(task.cancel()));
}

/// Waits for the task's end: does it end cancelled?
async fn is_cancelled<T: 'static>(task: Task<T>) -> bool {
    common::is_cancelled(task.await)
}
