//! `cancel` with a message, which is a reason here.

use wheelhouse::{
    ALL_COMPLETED, JoinError, RunError, Task, TaskHandle, sleep, spawn, wait, yield_now,
};

use super::LONG;
use crate::common::{run, virtual_loop};

#[test]
fn task_cancel_message_getter() {
    let mut event_loop = virtual_loop();
    let task = event_loop.spawn(async {});
    task.cancel_with("my message");
    let Err(RunError::Cancelled(error)) = event_loop.run_until_done(task) else { panic!() };
    assert_eq!(error.reason(), Some("my message"));
}

fn cancel(task: &TaskHandle, reason: Option<&'static str>) {
    match reason {
        Some(reason) => task.cancel_with(reason),
        None => task.cancel(),
    };
}

/// How a task that was cancelled, perhaps before its first step, says it ended.
async fn ended(started: bool, reason: Option<&'static str>) -> Task<()> {
    let task = spawn(sleep(LONG));
    if started {
        yield_now().await;
    }
    cancel(&task, reason);
    wait([task], ALL_COMPLETED).await.unwrap().done.remove(0)
}

const REASONS: [Option<&str>; 3] = [None, Some("my message"), Some("5")];

#[test]
fn cancel_with_message_then_future_result() {
    run(async {
        for reason in REASONS {
            let Err(JoinError::Cancelled(error)) = ended(true, reason).await.await else {
                panic!()
            };
            assert_eq!(error.reason(), reason);
        }
    });
}

#[test]
fn cancel_with_message_then_future_exception() {
    run(async {
        for reason in REASONS {
            let ending = ended(true, reason).await.ending();
            let Some(Err(JoinError::Cancelled(error))) = ending else { panic!("{ending:?}") };
            assert_eq!(error.reason(), reason);
        }
    });
}

#[test]
fn cancel_with_message_before_starting_task() {
    run(async {
        let ending = ended(false, Some("my message")).await.ending();
        let Some(Err(JoinError::Cancelled(error))) = ending else { panic!("{ending:?}") };
        assert_eq!(error.reason(), Some("my message"));
    });
}
