//! What groups refuse.

use super::*;
use crate::common::virtual_loop;
use crate::panics_in_a_callback;

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
    let report = panics_in_a_callback(|| task_group(async |_| ()));
    assert!(report.contains("outside a task of its own loop: spawn a task for it"), "{report}");
}
