//! A cancel is asked for: what a request is, when it waits, and when it comes too early or too late.

mod common;

use std::cell::Cell;
use std::future::ready;
use std::rc::Rc;

use common::{Trace, counted, forever, is_cancelled, me, ms, run, turns};
use wheelhouse::{
    JoinError, Task, TaskHandle, call_at, catch_cancel, promise, shield, sleep, spawn, try_spawn,
    yield_now,
};

#[test]
fn a_task_that_is_done_refuses_requests_and_counts_none() {
    run(async {
        let mut task = spawn(async { 7 });
        yield_now().await;
        // C1: false exactly when the task is done.
        assert!(!task.cancel());
        assert_eq!(task.cancelling(), 0);
        assert_eq!(task.try_result().unwrap().unwrap(), 7);
    });
}

/// Its cell goes with its future, however long somebody holds the handle.
#[test]
fn nothing_is_kept_of_a_cancelled_task_but_its_end() {
    run(async {
        let task = spawn(forever());
        yield_now().await;
        assert!(task.spawned_at().is_some());
        task.cancel();
        turns(1).await;
        assert!(task.is_cancelled());
        assert!(task.spawned_at().is_none());
        assert!(matches!(task.outcome(), Some(Err(JoinError::Cancelled(_)))));
    });
}

#[test]
fn a_task_inherits_neither_name_nor_reason_from_the_one_whose_slot_it_takes() {
    run(async {
        let cancelled = async |task: Task<()>| match task.await {
            Err(JoinError::Cancelled(cancelled)) => cancelled,
            ended => panic!("{ended:?}"),
        };
        let first = Task::builder().name("first").spawn(forever());
        first.cancel_with("no longer needed");
        assert_eq!(cancelled(first).await.reason(), Some("no longer needed"));

        let unnamed = spawn(async {});
        assert_eq!(unnamed.name().to_string(), "Task-3");
        unnamed.await.unwrap();

        let named = Task::builder().name("named").spawn(forever());
        named.cancel();
        assert_eq!(cancelled(named).await.reason(), None);
    });
}

#[test]
fn requests_are_counted_and_never_fewer_than_none() {
    run(async {
        let task = spawn(forever());
        yield_now().await;
        // C1: every accepted request counts, whatever becomes of it.
        assert!(task.cancel() && task.cancel() && task.cancel());
        assert_eq!(task.cancelling(), 3);
        assert_eq!(
            [task.uncancel(), task.uncancel(), task.uncancel(), task.uncancel()],
            [2, 1, 0, 0]
        );
        assert_eq!(task.cancelling(), 0);
        assert!(is_cancelled(task.await));
    });
}

#[test]
fn a_sleeper_gives_up_at_the_request_and_uncancel_comes_too_late() {
    run(async {
        let task = spawn(sleep(ms(5)));
        yield_now().await;
        task.cancel();
        // C1: the wait was given up at once, so the request is committed.
        assert_eq!(task.uncancel(), 0);
        assert!(is_cancelled(task.await));
        assert_eq!(wheelhouse::time(), ms(0));
    });
}

#[test]
fn a_wait_of_another_crate_counts_as_given_up() {
    run(async {
        let task = spawn(forever());
        yield_now().await;
        task.cancel();
        task.uncancel();
        // C1: no wait of ours is registered, which is as good as given up.
        assert!(is_cancelled(task.await));
    });
}

#[test]
fn a_request_to_a_task_that_has_not_started_can_be_taken_back() {
    run(async {
        let task = spawn(async { "ran" });
        task.cancel();
        // C1: pending while the task has not started.
        assert_eq!(task.uncancel(), 0);
        assert_eq!(task.await.unwrap(), "ran");
    });
}

#[test]
fn a_request_in_a_bare_yield_can_be_taken_back() {
    run(async {
        let task = spawn(async {
            turns(2).await;
            "ran on"
        });
        yield_now().await;
        task.cancel();
        // C1: pending while it sits in a bare yield.
        task.uncancel();
        assert_eq!(task.await.unwrap(), "ran on");
    });
}

#[test]
fn a_request_to_a_task_whose_wait_is_completing_can_be_taken_back() {
    run(async {
        let (promise, promised) = promise();
        let task = spawn(promised);
        yield_now().await;
        promise.set("kept").unwrap();
        task.cancel();
        // C1: pending while its wait is completing, so the value is still seen.
        task.uncancel();
        assert_eq!(task.await.unwrap(), Ok("kept"));
    });
}

#[test]
fn a_request_to_a_sleeper_whose_timer_has_fired_can_be_taken_back() {
    run(async {
        let task = spawn(async {
            sleep(ms(5)).await;
            "slept"
        });
        let handle = task.handle().clone();
        yield_now().await;
        // Armed after the sleep, so it runs right behind the sleep's own timer.
        call_at(ms(5), move || {
            assert!(handle.cancel());
            // C1: the sleep was over, so the request is pending.
            assert_eq!(handle.uncancel(), 0);
        });
        assert_eq!(task.await.unwrap(), "slept");
    });
}

#[test]
fn a_request_of_a_running_task_to_itself_can_be_taken_back() {
    run(async {
        let task = spawn(async {
            me().cancel();
            assert_eq!(me().uncancel(), 0);
            // C1: withdrawn, so neither this await nor the end of the task notices.
            sleep(ms(1)).await;
            "slept"
        });
        assert_eq!(task.await.unwrap(), "slept");
    });
}

#[test]
fn a_pending_request_stays_until_the_last_one_is_taken_back() {
    run(async {
        let task = spawn(async {});
        task.cancel();
        task.cancel();
        // C1: only a count of zero withdraws.
        assert_eq!(task.uncancel(), 1);
        assert!(is_cancelled(task.await));
    });
}

#[test]
fn a_forwarded_request_is_committed() {
    run(async {
        let child = spawn(sleep(ms(1)));
        let inner = child.handle().clone();
        let parent = spawn(child);
        turns(2).await;
        parent.cancel();
        // C1: forwarded at once; taking back the parent's leaves the child's.
        assert_eq!((parent.uncancel(), inner.cancelling()), (0, 1));
        assert!(is_cancelled(parent.await));
        assert!(inner.is_cancelled());
    });
}

#[test]
fn code_between_two_awaits_is_never_interrupted() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let task = spawn(async move {
            me().cancel();
            inner.note("runs on");
            // C2: an await that does not suspend is no await point.
            ready(()).await;
            catch_cancel(ready(())).await.unwrap();
            inner.note("and on");
            let _dropped = inner.on_drop("dropped at the first real suspension");
            sleep(ms(1)).await;
            inner.note("never");
        });
        assert!(is_cancelled(task.await));
    });
    trace.expect(&["runs on", "and on", "dropped at the first real suspension"]);
}

#[test]
fn an_await_of_a_task_that_is_done_does_not_notice_a_request() {
    run(async {
        let done = spawn(async { 7 });
        yield_now().await;
        let task = spawn(async move {
            me().cancel();
            // C2: awaiting a done task does not suspend.
            let seven = done.await.unwrap();
            let caught = catch_cancel(yield_now()).await.is_err();
            me().uncancel();
            (seven, caught)
        });
        assert_eq!(task.await.unwrap(), (7, true));
    });
}

#[test]
fn a_request_made_while_running_is_forwarded_by_the_next_forwarding_await() {
    run(async {
        let child = spawn(async {
            let caught = catch_cancel(sleep(ms(5))).await.is_err();
            me().uncancel();
            caught
        });
        let parent = spawn(async move {
            yield_now().await;
            me().cancel();
            // C2: forwarded where the task suspends; the child suppresses, so this goes on.
            let caught = child.await.unwrap();
            (caught, me().cancelling())
        });
        assert_eq!(parent.await.unwrap(), (true, 1));
    });
}

#[test]
fn a_request_made_by_what_the_task_calls_waits_for_the_next_suspension() {
    run(async {
        let child = spawn(sleep(ms(1)));
        let handle: Rc<Cell<Option<TaskHandle>>> = Rc::default();
        let own = Rc::clone(&handle);
        let parent = spawn(async move {
            let cancel_me = move || own.take().map(|me| me.cancel());
            assert_eq!(cancel_me(), Some(true));
            // C2: it is the task that was cancelled, not the code that asked.
            shield(child).await.unwrap();
        });
        handle.set(Some(parent.handle().clone()));
        assert!(is_cancelled(parent.await));
        sleep(ms(2)).await;
    });
}

#[test]
fn a_request_belongs_to_the_task_and_not_to_the_scope_it_was_made_in() {
    run(async {
        let task = spawn(async {
            // C2: the scope that was open at the request ends without suspending ...
            let inside = catch_cancel(async { me().cancel() }).await;
            assert!(inside.unwrap());
            // ... and whatever scope is innermost at the next suspension gets the cancel.
            let next = catch_cancel(sleep(ms(1))).await;
            next.is_err()
        });
        assert!(task.await.unwrap());
    });
}

#[test]
fn a_request_made_in_a_scope_takes_effect_outside_of_it() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let task = spawn(async move {
            catch_cancel(async { me().cancel() }).await.unwrap();
            t.note("after the scope");
            // C2: no scope is open here, so the task itself ends.
            sleep(ms(1)).await;
            t.note("never");
        });
        assert!(is_cancelled(task.await));
    });
    trace.expect(&["after the scope"]);
}

#[test]
fn requests_that_pile_up_are_one_delivery() {
    run(async {
        let task = spawn(async {
            let first = catch_cancel(sleep(ms(9))).await.is_err();
            // C5: three requests, one delivery, and this await works normally.
            let second = catch_cancel(sleep(ms(1))).await.is_err();
            (first, second, me().cancelling())
        });
        yield_now().await;
        task.cancel();
        task.cancel();
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, false, 3));
    });
}

#[test]
fn pending_requests_that_pile_up_are_one_delivery() {
    run(async {
        let task = spawn(async {
            me().cancel();
            me().cancel();
            let first = catch_cancel(yield_now()).await.is_err();
            // C5: also where the requests were pending.
            turns(3).await;
            (first, me().cancelling())
        });
        assert_eq!(task.await.unwrap(), (true, 2));
    });
}

#[test]
fn each_request_after_a_delivery_is_delivered_anew() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let task = spawn(async move {
            for round in 1..=3 {
                // C5: an edge, not a level.
                if catch_cancel(sleep(ms(10))).await.is_err() {
                    t.at(format_args!("cancel {round}"));
                }
            }
            t.at("end");
        });
        sleep(ms(2)).await;
        task.cancel();
        sleep(ms(2)).await;
        task.cancel();
        task.await.unwrap();
    });
    trace.expect(&["2 cancel 1", "4 cancel 2", "14 end"]);
}

#[test]
fn a_task_cancelled_before_its_first_step_is_never_polled() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let kept = t.on_drop("dropped");
        let (body, polls) = counted(async move {
            let _kept = kept;
            catch_cancel(yield_now()).await
        });
        let task = spawn(body);
        task.cancel();
        t.note("asked");
        assert!(!task.is_done());
        assert!(is_cancelled(task.await));
        // C7: dropped without ever being polled, in its own step and not in the request.
        assert_eq!(polls.get(), 0);
    });
    trace.expect(&["asked", "dropped"]);
}

#[test]
fn a_task_that_returns_in_the_step_it_was_cancelled_in_is_cancelled() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let value = t.on_drop("value dropped");
        let task = spawn(async move {
            me().cancel();
            value
        });
        let handle = task.handle().clone();
        // C8: its value is dropped.
        assert!(is_cancelled(task.await));
        assert!(handle.is_cancelled());
        t.note("joined");
    });
    trace.expect(&["value dropped", "joined"]);
}

#[test]
fn a_late_cancel_that_was_taken_back_leaves_the_value() {
    run(async {
        let task = spawn(async {
            me().cancel();
            me().uncancel();
            7
        });
        // C8 decides only for a request that is still pending.
        assert_eq!(task.await.unwrap(), 7);
    });
}

#[test]
fn a_late_cancel_inside_the_last_scope_counts_too() {
    run(async {
        let task = spawn(catch_cancel(async {
            me().cancel();
            7
        }));
        // C8: the scope ended with a value, the task has not.
        assert!(is_cancelled(task.await));
    });
}

#[test]
fn a_failure_wins_over_a_late_cancel() {
    run(async {
        let task = try_spawn(async {
            me().cancel();
            "x".parse::<u8>()
        });
        // C8, C17: the error is kept.
        assert!(matches!(task.await, Err(JoinError::Failed(_))));
    });
}

#[test]
fn a_panic_wins_over_a_late_cancel() {
    run(async {
        let task = spawn(async {
            me().cancel();
            panic!("kept");
        });
        let Err(JoinError::Panicked(panicked)) = task.await else { panic!("a panic is kept") };
        // C8, C17.
        assert_eq!(panicked.message(), "kept");
    });
}

#[test]
fn a_delivered_and_caught_cancel_does_not_make_the_end_a_late_one() {
    run(async {
        let task = spawn(async {
            let _ = catch_cancel(forever()).await;
            "suppressed"
        });
        yield_now().await;
        task.cancel();
        // C8 is about requests that found no suspension; this one was delivered.
        assert_eq!(task.await.unwrap(), "suppressed");
    });
}
