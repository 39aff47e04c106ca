//! What groups refuse.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::common::virtual_loop;

/// A group that is over.
async fn finished() -> TaskGroup {
    task_group(async |g| g).await.unwrap()
}

#[test]
fn taskgroup_finished() {
    let trace = Trace::default();
    let dropped = trace.on_drop("dropped");
    run(async move {
        let refused = finished().await.spawn(async move { drop(dropped) });
        assert_eq!(refused.unwrap_err(), GroupClosed::Finished);
    });
    trace.expect(&["dropped"]);
}

#[test]
fn coro_closed_when_tg_closed() {
    let trace = Trace::default();
    let dropped = trace.on_drop("dropped");
    let mut event_loop = virtual_loop();
    let group = event_loop.run_until_complete(finished()).unwrap();
    let refused = group.spawn(async move { drop(dropped) });
    assert_eq!(refused.unwrap_err(), GroupClosed::Finished);
    trace.expect(&["dropped"]);
}

#[test]
fn taskgroup_without_parent_task() {
    let mut event_loop = virtual_loop();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    event_loop.set_exception_handler(move |context| list.borrow_mut().push(context.to_string()));
    event_loop.call_soon(|| {
        let group = std::pin::pin!(task_group(async |_| ()));
        let _ = group.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    });
    event_loop.run_until_complete(yield_now()).unwrap();
    let reports = reports.take();
    assert!(
        reports[0].contains("outside a task of its own loop: spawn a task for it"),
        "{reports:?}"
    );
}
