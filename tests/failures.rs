//! Tasks that fail: what counts as a failure, who is told, and what is reported when nobody looks.
#![allow(clippy::async_yields_async, reason = "tasks are taken out of the loop to be looked at")]

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{forever, ms, run, turns, virtual_loop};
use wheelhouse::{
    ALL_COMPLETED, Census, EventLoop, FIRST_EXCEPTION, JoinError, Task, TaskHandle, catch_cancel,
    gather, shield, sleep, spawn, time, try_gather, try_spawn, wait, yield_now,
};

#[derive(Debug, PartialEq)]
struct OutOfTea(u8);

impl std::fmt::Display for OutOfTea {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "out of tea, {} biscuits left", self.0)
    }
}

impl std::error::Error for OutOfTea {}

/// Runs `main` in a loop that notes its reports.
fn reports_of<F: Future + 'static>(main: F) -> Vec<String> {
    let mut event_loop = virtual_loop();
    let reports = note_reports(&event_loop);
    event_loop.run_until_complete(main).unwrap();
    assert_eq!(event_loop.census(), Census::default());
    reports.take()
}

fn note_reports(event_loop: &EventLoop) -> Rc<RefCell<Vec<String>>> {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    event_loop.set_exception_handler(move |context| list.borrow_mut().push(context.to_string()));
    reports
}

#[test]
fn an_err_is_a_value_for_spawn_and_a_failure_for_try_spawn() {
    run(async {
        let value = spawn(async { Err::<(), _>(OutOfTea(3)) });
        assert_eq!(value.await.unwrap(), Err(OutOfTea(3)));
        let failed = try_spawn(async { Err::<(), _>(OutOfTea(4)) }).await.unwrap_err();
        // C17.
        assert!(failed.is_failure() && !failed.is_cancelled());
        assert_eq!(failed.downcast_ref::<OutOfTea>(), Some(&OutOfTea(4)));
        assert_eq!(failed.to_string(), "task `Task-3` failed: out of tea, 4 biscuits left");
        assert_eq!(try_spawn(async { Ok::<_, OutOfTea>(7) }).await.unwrap(), 7);
    });
}

#[test]
fn a_task_ends_in_one_of_three_ways() {
    run(async {
        let finished = spawn(async {});
        let failed = try_spawn(async { Err::<(), _>("broken") });
        let cancelled = spawn(forever());
        cancelled.cancel();
        turns(2).await;
        // C17.
        let ended =
            |task: &TaskHandle| (task.is_done(), task.is_cancelled(), task.ending().unwrap());
        assert!(matches!(ended(&finished), (true, false, Ok(()))));
        assert!(matches!(ended(&failed), (true, false, Err(JoinError::Failed(_)))));
        assert!(matches!(ended(&cancelled), (true, true, Err(JoinError::Cancelled(_)))));
    });
}

#[test]
fn a_failure_trips_first_exception_and_a_cancelled_task_does_not() {
    run(async {
        let cancelled = spawn(forever());
        let failing = try_spawn(async {
            sleep(ms(3)).await;
            Err::<(), _>("broken")
        });
        let slow = spawn(sleep(ms(9)));
        let tasks = [&cancelled, &failing, &slow].map(|task: &Task<()>| task.handle().clone());
        cancelled.cancel();
        let waited = wait(tasks, FIRST_EXCEPTION).await.unwrap();
        // C17.
        assert_eq!((waited.done.len(), waited.pending.len(), time()), (2, 1, ms(3)));
        assert!(failing.await.is_err());
        slow.await.unwrap();
    });
}

#[test]
fn a_panic_trips_first_exception_too() {
    run(async {
        let failing: Task<()> = spawn(async { panic!("broken") });
        let slow = spawn(sleep(ms(9)));
        let waited = wait([&failing, &slow], FIRST_EXCEPTION).await.unwrap();
        assert_eq!(waited.pending.len(), 1);
        assert!(failing.await.is_err());
        slow.await.unwrap();
    });
}

#[test]
fn first_exception_without_a_failure_waits_for_all() {
    run(async {
        let values = [
            spawn(async { Err::<(), _>("a value") }),
            spawn(async {
                sleep(ms(3)).await;
                Ok(())
            }),
        ];
        let waited = wait(values, FIRST_EXCEPTION).await.unwrap();
        assert_eq!((waited.done.len(), time()), (2, ms(3)));
    });
}

#[test]
fn try_gather_ends_at_the_first_failure_and_the_others_run_on() {
    run(async {
        let slow = try_spawn(async {
            sleep(ms(9)).await;
            Ok::<_, String>(1)
        });
        let handle = slow.handle().clone();
        let failing = try_spawn(async {
            sleep(ms(3)).await;
            Err::<i32, _>("broken")
        });
        let failed = try_gather([slow, failing]).await.unwrap_err();
        // C17.
        assert!(matches!(failed, JoinError::Failed(_)));
        assert_eq!((time(), handle.is_done(), handle.cancelling()), (ms(3), false, 0));
        handle.join().await.unwrap();
    });
}

#[test]
fn try_gather_ends_at_a_child_cancelled_by_somebody_else() {
    run(async {
        let child = spawn(forever());
        let handle = child.handle().clone();
        let waiter = spawn(async move {
            // A plain error: nobody cancelled this waiter.
            catch_cancel(try_gather([child])).await.unwrap().unwrap_err().is_cancelled()
        });
        turns(2).await;
        handle.cancel();
        assert!(waiter.await.unwrap());
    });
}

#[test]
fn gather_gives_every_end_in_the_order_of_the_tasks() {
    run(async {
        let cancelled = spawn(forever());
        cancelled.cancel();
        let failed = try_spawn(async { Err::<(), _>("broken") });
        let slow = spawn(sleep(ms(2)));
        let ends = gather([slow, cancelled, failed]).await;
        assert!(ends[0].is_ok());
        assert!(matches!(ends[1], Err(JoinError::Cancelled(_))));
        assert!(matches!(ends[2], Err(JoinError::Failed(_))));
    });
}

#[test]
fn a_failure_that_nobody_looks_at_is_reported_with_name_and_place() {
    const LINE: u32 = line!() + 2;
    let reports = reports_of(async {
        drop(Task::builder().name("teapot").try_spawn(async { Err::<(), _>(OutOfTea(0)) }));
        drop(spawn(async { panic!("boom") }));
        sleep(ms(1)).await;
    });
    let place = |line: u32, column: u32| format!("(spawned at tests/failures.rs:{line}:{column})");
    // C17.
    assert_eq!(
        reports,
        [
            format!(
                "a task's failure was never looked at: task `teapot` failed: out of tea, 0 biscuits \
                 left {}",
                place(LINE, 45)
            ),
            format!(
                "a task's failure was never looked at: task `Task-3` panicked: boom {}",
                place(LINE + 1, 14)
            ),
        ]
    );
}

#[test]
fn a_failure_is_reported_when_the_last_handle_goes() {
    let mut event_loop = virtual_loop();
    let reports = note_reports(&event_loop);
    let task = event_loop
        .run_until_complete(async {
            let task = try_spawn(async { Err::<(), _>("broken") });
            turns(3).await;
            task
        })
        .unwrap();
    let handle = task.handle().clone();
    drop(task);
    assert!(reports.borrow().is_empty());
    drop(handle);
    assert_eq!(reports.borrow().len(), 1);
}

#[test]
fn a_failure_is_reported_when_the_loop_goes() {
    let mut event_loop = virtual_loop();
    let reports = note_reports(&event_loop);
    let task = event_loop
        .run_until_complete(async {
            let task = try_spawn(async { Err::<(), _>("broken") });
            turns(3).await;
            task
        })
        .unwrap();
    drop(event_loop);
    assert_eq!(reports.borrow().len(), 1);
    drop(task);
    assert_eq!(reports.borrow().len(), 1);
}

#[test]
fn a_failure_that_somebody_looked_at_is_not_reported() {
    let failing = || try_spawn(async { Err::<(), _>("broken") });
    let reports = reports_of(async move {
        // C17: every way to look.
        let _ = failing().await;
        let _ = failing().join().await;
        let looked = failing();
        let mut taken = failing();
        let outcome = failing();
        turns(2).await;
        let _ = looked.ending();
        let _ = taken.try_result();
        let _ = outcome.outcome();
        let _ = gather([failing()]).await;
        let _ = try_gather([failing(), failing()]).await;
        let _ = shield(failing()).await;
        sleep(ms(1)).await;
    });
    assert!(reports.is_empty(), "{reports:?}");
}

#[test]
fn looking_whether_a_task_is_done_is_not_looking_at_its_failure() {
    let reports = reports_of(async {
        let task = try_spawn(async { Err::<(), _>("broken") });
        let waited = wait([task], ALL_COMPLETED).await.unwrap();
        assert!(waited.done[0].is_done() && !waited.done[0].is_cancelled());
        drop(waited);
        yield_now().await;
    });
    // C17.
    assert_eq!(reports.len(), 1);
}

#[test]
fn a_value_or_a_cancel_that_nobody_looks_at_is_no_failure() {
    let reports = reports_of(async {
        drop(spawn(async { Err::<(), _>("a value") }));
        let cancelled = spawn(forever());
        cancelled.cancel();
        drop(cancelled);
        sleep(ms(1)).await;
    });
    assert!(reports.is_empty(), "{reports:?}");
}

#[test]
fn the_failure_of_a_shielded_task_whose_waiter_went_away_is_reported() {
    let reports = reports_of(async {
        let task = try_spawn(async {
            sleep(ms(3)).await;
            Err::<(), _>("broken")
        });
        let waiter = spawn(async move { drop(shield(task).await) });
        turns(2).await;
        waiter.cancel();
        assert!(waiter.await.is_err());
        sleep(ms(5)).await;
    });
    assert_eq!(reports.len(), 1);
}

#[test]
fn an_outcome_can_be_asked_for_as_often_as_one_likes_and_a_value_taken_once() {
    run(async {
        let mut task = spawn(async { String::from("tea") });
        assert!(task.outcome().is_none() && task.try_result().is_none());
        yield_now().await;
        assert_eq!(task.outcome().unwrap().unwrap(), "tea");
        assert_eq!(task.ending().map(|end| end.is_ok()), Some(true));
        assert_eq!(task.outcome().unwrap().unwrap(), "tea");
        assert_eq!(task.try_result().unwrap().unwrap(), "tea");
        assert!(matches!(task.outcome(), Some(Err(JoinError::Taken(_)))));
        let taken = task.await.unwrap_err();
        assert_eq!(taken.to_string(), "the value of task `Task-2` was already taken");
    });
}
