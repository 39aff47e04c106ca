//! Python's own tests of asyncio, a module for each of its test files, each test under its own name and written
//! from what it asserts. `table.rs` holds them to the list of all of them.

#[path = "../common/mod.rs"]
mod common;

mod base_events;
mod eager_task_factory;
mod events;
mod futures;
mod locks;
mod queues;
mod runners;
mod table;
mod taskgroups;
mod tasks;
mod threads;
mod timeouts;
mod waitfor;

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

use ::futures::FutureExt;
use wheelhouse::{EventLoop, Task, TaskHandle, call_soon};

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

/// The report of the panic that polling `future` in a callback, outside any task, ends in.
fn panics_in_a_callback<F: Future>(future: impl FnOnce() -> F + 'static) -> String {
    let reports = reports_of(async {
        call_soon(move || drop(future().now_or_never()));
        common::turns(1).await;
    });
    reports.concat()
}

/// What the exception handler is told while `main` runs, and in the turns after it.
fn reports_of<F: Future + 'static>(main: F) -> Vec<String> {
    let mut event_loop = common::virtual_loop();
    let reports = listen(&event_loop);
    event_loop.run_until_complete(main).expect("main ends by itself");
    event_loop.run_until_complete(common::turns(2)).expect("the loop goes on");
    reports.take()
}

/// What the loop's exception handler is told from now on.
fn listen(event_loop: &EventLoop) -> Rc<RefCell<Vec<String>>> {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    event_loop.set_exception_handler(move |context| list.borrow_mut().push(context.to_string()));
    reports
}

/// Does the loop report a step that takes its time? asyncio's `get_debug`.
fn reports_slow(event_loop: &mut EventLoop) -> bool {
    let reports = listen(event_loop);
    event_loop.run_until_complete(async {}).expect("nothing stops it");
    !reports.take().is_empty()
}
