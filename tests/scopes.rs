//! A cancel is delivered: the innermost scope drops its body, and what follows decides how it goes on.

mod common;

use common::{Trace, forever, is_cancelled, me, ms, run, turns};
use wheelhouse::{
    CancelScope, Cancelled, JoinError, Task, call_soon, catch_cancel, sleep, spawn, time, timeout,
    yield_now,
};

#[test]
fn the_innermost_scope_catches_and_the_outer_ones_do_not_hear_of_it() {
    run(async {
        let task = spawn(async {
            let outer = catch_cancel(async {
                // C3: the innermost scope open at the await point.
                let inner = catch_cancel(forever()).await;
                assert!(inner.is_err());
                "outer body runs on"
            });
            outer.await
        });
        yield_now().await;
        task.cancel();
        assert_eq!(task.await.unwrap(), Ok("outer body runs on"));
    });
}

#[test]
fn a_scope_that_has_ended_catches_nothing() {
    run(async {
        let task = spawn(async {
            catch_cancel(yield_now()).await.unwrap();
            // C3: the one scope there was is not open at this await point.
            forever().await;
        });
        turns(3).await;
        task.cancel();
        assert!(is_cancelled(task.await));
    });
}

#[test]
fn the_body_is_dropped_in_order_and_the_code_after_it_runs_in_the_same_step() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let task = spawn(async move {
            let _outside = inner.on_drop("outside dropped");
            let caught = catch_cancel(async {
                let _first = inner.on_drop("first dropped");
                let _second = inner.on_drop("second dropped");
                let nested = async {
                    let _nested = inner.on_drop("nested dropped");
                    forever().await;
                };
                nested.await;
            })
            .await;
            // C3: Rust's drop order, nothing skipped, and no step in between.
            inner.note("after the scope");
            assert!(caught.is_err());
            inner.note("end");
        });
        yield_now().await;
        let other = t.clone();
        task.cancel();
        call_soon(move || other.note("next handle"));
        t.note("asked");
        task.await.unwrap();
    });
    trace.expect(&[
        "asked",
        "nested dropped",
        "second dropped",
        "first dropped",
        "after the scope",
        "end",
        "outside dropped",
        "next handle",
    ]);
}

#[test]
fn the_body_is_dropped_before_its_scope_resolves_whoever_keeps_the_scope() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let task = spawn(async move {
            let body = async {
                let _guard = inner.on_drop("body dropped");
                forever().await;
            };
            let mut kept = Box::pin(timeout(ms(5), catch_cancel(body)));
            assert!(kept.as_mut().await.unwrap().is_err());
            // C3: its future is still there, its body is not.
            inner.note("resolved");
            drop(kept);
            inner.note("scope dropped");
        });
        task.await.unwrap();
    });
    trace.expect(&["body dropped", "resolved", "scope dropped"]);
}

#[test]
fn clean_up_may_await_and_then_pass_the_cancel_on() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let task: Task<()> = spawn(async move {
            let outer = catch_cancel(async {
                let Err(cancelled) = catch_cancel(forever()).await else { return };
                sleep(ms(3)).await;
                inner.at("flushed");
                // C3: resume unwinds to the next scope out and never returns.
                cancelled.resume().await;
            });
            let cancelled = outer.await.unwrap_err();
            inner.at("outer");
            cancelled.resume().await;
        });
        yield_now().await;
        task.cancel();
        // C4: then the task itself is reached.
        let handle = task.handle().clone();
        assert!(is_cancelled(task.await));
        assert!(handle.is_done() && handle.is_cancelled());
        t.at("joined");
    });
    trace.expect(&["3 flushed", "3 outer", "3 joined"]);
}

#[test]
fn a_cancel_during_clean_up_interrupts_the_clean_up() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let task = spawn(async move {
            if catch_cancel(forever()).await.is_err() {
                let _guard = inner.on_drop("clean-up dropped");
                sleep(ms(10)).await;
                inner.note("never");
            }
        });
        yield_now().await;
        task.cancel();
        sleep(ms(1)).await;
        task.cancel();
        // C3: clean-up runs in the enclosing scope; here that is the task (C4).
        assert!(is_cancelled(task.await));
    });
    trace.expect(&["clean-up dropped"]);
}

#[test]
fn a_suppressed_cancel_leaves_its_request_counted() {
    run(async {
        let task = spawn(async {
            let caught = catch_cancel(sleep(ms(9))).await;
            assert!(caught.is_err());
            let counted = me().cancelling();
            sleep(ms(2)).await;
            (counted, time())
        });
        yield_now().await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (1, ms(2)));
    });
}

#[test]
fn a_cancel_that_no_scope_catches_ends_the_task() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let guard = t.on_drop("future dropped");
        let task = spawn(async move {
            let _guard = guard;
            sleep(ms(5)).await;
        });
        yield_now().await;
        task.cancel();
        assert!(!task.is_done());
        yield_now().await;
        // C4: its future is gone, it is done and cancelled, and its joiner is told.
        t.note("a turn later");
        assert!(task.is_done() && task.is_cancelled());
        let Err(JoinError::Cancelled(cancelled)) = task.await else { panic!("it was cancelled") };
        assert_eq!(cancelled.to_string(), "task `Task-2` was cancelled");
    });
    trace.expect(&["future dropped", "a turn later"]);
}

#[test]
fn raise_without_a_request_goes_to_the_innermost_scope() {
    run(async {
        let task: Task<()> = spawn(async {
            let caught = catch_cancel(async { Cancelled::raise().await }).await;
            assert!(caught.is_err());
            assert_eq!(me().cancelling(), 0);
            Cancelled::new().resume().await;
        });
        // C4: and from a task without a scope it ends the task.
        assert!(is_cancelled(task.await));
    });
}

#[test]
fn raise_drops_the_body_in_the_same_step() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let other = t.clone();
        call_soon(move || other.note("next handle"));
        let caught = catch_cancel(async {
            let _guard = t.on_drop("dropped");
            Cancelled::raise().await
        });
        // C3.
        assert!(caught.await.is_err());
        t.note("caught");
    });
    trace.expect(&["dropped", "caught", "next handle"]);
}

#[test]
fn a_reason_travels_with_the_cancel() {
    run(async {
        let task = Task::builder().name("worker").spawn(async {
            let Err(cancelled) = catch_cancel(forever()).await else { panic!("cancelled") };
            assert_eq!(cancelled.reason(), Some("shutting down"));
            assert_eq!(cancelled.to_string(), "task `worker` was cancelled: shutting down");
            cancelled.resume().await
        });
        yield_now().await;
        assert!(task.cancel_with("shutting down"));
        let Err(JoinError::Cancelled(cancelled)) = task.await else { panic!("cancelled") };
        assert_eq!(cancelled.reason(), Some("shutting down"));
        assert_eq!(cancelled.task().unwrap().to_string(), "worker");
    });
}

#[test]
fn the_last_reason_is_the_one_that_is_told() {
    run(async {
        let task = spawn(forever());
        yield_now().await;
        task.cancel_with("first");
        task.cancel_with("second");
        task.cancel();
        let Err(JoinError::Cancelled(cancelled)) = task.await else { panic!("cancelled") };
        assert_eq!(cancelled.reason(), Some("second"));
    });
}

#[test]
fn a_reason_that_was_told_is_not_that_of_the_next_cancel() {
    run(async {
        let task = spawn(async {
            let first = catch_cancel(forever()).await.unwrap_err();
            let second = catch_cancel(forever()).await.unwrap_err();
            (first.reason().map(str::to_owned), second.reason().map(str::to_owned))
        });
        yield_now().await;
        task.cancel_with("the first");
        yield_now().await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (Some("the first".to_owned()), None));
    });
}

#[test]
fn a_reason_that_was_told_is_not_that_of_a_timeout_or_a_raise() {
    run(async {
        let task = spawn(async {
            let told = catch_cancel(forever()).await.unwrap_err();
            let expired = timeout(ms(1), catch_cancel(forever())).await.unwrap().unwrap_err();
            let raised = catch_cancel(async { Cancelled::raise().await }).await.unwrap_err();
            [told, expired, raised].map(|cancelled| cancelled.reason().is_some())
        });
        yield_now().await;
        task.cancel_with("a reason");
        assert_eq!(task.await.unwrap(), [true, false, false]);
    });
}

#[test]
fn a_reason_does_not_pass_to_the_next_task_of_the_slot() {
    run(async {
        let first = spawn(forever());
        first.cancel_with("of the first");
        assert!(is_cancelled(first.await));
        let second = spawn(forever());
        second.cancel();
        let Err(JoinError::Cancelled(cancelled)) = second.await else { panic!("cancelled") };
        assert_eq!(cancelled.reason(), None);
    });
}

#[test]
fn a_scope_handle_cancels_its_scope_alone() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scope = CancelScope::new();
        let handle = scope.handle();
        let canceller = handle.clone();
        call_soon(move || assert!(canceller.cancel()));
        let body = async {
            let _guard = t.on_drop("body dropped");
            forever().await;
        };
        assert!(scope.run(body).await.is_err());
        // The scope takes its own request back.
        assert_eq!(me().cancelling(), 0);
        assert!(handle.is_cancelled() && !handle.cancel());
        yield_now().await;
        t.note("runs on");
    });
    trace.expect(&["body dropped", "runs on"]);
}

#[test]
fn a_scope_cancelled_before_it_began_is_cancelled_at_its_first_suspension() {
    run(async {
        let scope = CancelScope::new();
        assert!(scope.handle().cancel());
        let mut began = false;
        let ended = scope.run(async {
            began = true;
            yield_now().await;
        });
        assert!(ended.await.is_err());
        assert!(began);
        assert_eq!(me().cancelling(), 0);

        let scope = CancelScope::new();
        scope.handle().cancel();
        assert_eq!(scope.run(async { 7 }).await, Ok(7));
        yield_now().await;
    });
}

#[test]
fn a_scope_lets_the_cancel_of_its_task_through() {
    run(async {
        let scope = CancelScope::new();
        let handle = scope.handle();
        let task = spawn(async move { scope.run(forever()).await.is_err() });
        yield_now().await;
        task.cancel();
        assert!(is_cancelled(task.await));
        assert!(!handle.is_cancelled());
    });
}

#[test]
fn a_scope_with_a_deadline_can_be_moved() {
    run(async {
        let scope = CancelScope::with_timeout(ms(5));
        let handle = scope.handle();
        let moved = handle.clone();
        call_soon(move || moved.set_deadline(ms(20)));
        assert!(scope.run(forever()).await.is_err());
        assert_eq!(time(), ms(20));
        handle.set_deadline(ms(30));

        let scope = CancelScope::with_timeout(ms(5));
        scope.handle().set_deadline(None);
        scope.run(sleep(ms(50))).await.unwrap();

        // A scope that is never run takes its timer with it.
        drop(CancelScope::with_timeout(ms(5)));
    });
}

#[test]
fn a_scope_inside_the_aimed_one_hears_the_cancel_first() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scope = CancelScope::new();
        let handle = scope.handle();
        call_soon(move || assert!(handle.cancel()));
        let ended = scope.run(async {
            let Err(cancelled) = catch_cancel(forever()).await else { return };
            t.note("inner scope");
            turns(2).await;
            cancelled.resume().await;
        });
        // C3: delivered at the innermost scope below the aim, and passed on by it.
        assert!(ended.await.is_err());
        t.note("aimed scope");
    });
    trace.expect(&["inner scope", "aimed scope"]);
}

#[test]
fn four_hundred_nested_scopes_unwind_one_by_one() {
    fn nest(depth: usize) -> std::pin::Pin<Box<dyn Future<Output = usize>>> {
        Box::pin(async move {
            if depth == 0 {
                forever().await;
                return 0;
            }
            match catch_cancel(nest(depth - 1)).await {
                Ok(unwound) => unwound,
                Err(cancelled) if depth == 300 => {
                    drop(cancelled);
                    depth
                }
                Err(cancelled) => cancelled.resume().await,
            }
        })
    }
    run(async {
        let task = spawn(nest(400));
        yield_now().await;
        task.cancel();
        assert_eq!(task.await.unwrap(), 300);
    });
}

#[test]
fn a_timeout_and_a_catch_share_one_task_without_meeting() {
    run(async {
        let slow = timeout(ms(5), async {
            let first = catch_cancel(timeout(ms(1), forever())).await;
            // The inner timeout caught its own cancel before the scope could.
            assert!(first.unwrap().is_err());
            catch_cancel(forever()).await.is_err()
        });
        assert_eq!(slow.await, Ok(true));
        assert_eq!(time(), ms(5));
    });
}
