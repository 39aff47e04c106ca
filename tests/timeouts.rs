//! Time limits: what an expiry cancels, and who it was in the end that ended the body.

mod common;

use common::{Trace, forever, is_cancelled, me, ms, run, run_in_turns, turns};
use std::time::Duration;
use wheelhouse::{
    JoinError, RescheduleError, Task, call_at, call_soon, catch_cancel, sleep, spawn, time,
    timeout, timeout_at, timeout_with, try_spawn, wait_for, wait_for_task, yield_now,
};

#[test]
fn a_body_that_is_quick_enough_gives_its_value_and_leaves_no_timer() {
    run(async {
        assert_eq!(timeout(ms(5), async { 7 }).await, Ok(7));
        assert_eq!(
            timeout(ms(5), async {
                sleep(ms(4)).await;
                8
            })
            .await,
            Ok(8)
        );
        assert_eq!((time(), me().cancelling()), (ms(4), 0));
    });
}

#[test]
fn a_body_that_is_too_slow_is_dropped_at_its_await_point() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let elapsed = timeout(ms(5), async {
            let _guard = t.on_drop("body dropped");
            sleep(ms(60)).await;
        })
        .await
        .unwrap_err();
        // C11: the expired timeout took its own request back.
        assert_eq!((elapsed.deadline(), me().cancelling()), (Some(ms(5)), 0));
        assert_eq!(elapsed.to_string(), "timed out at 0.005 s of loop time");
        t.at("elapsed");
        sleep(ms(1)).await;
    });
    trace.expect(&["body dropped", "5 elapsed"]);
}

#[test]
fn a_timeout_at_a_time_that_has_come_is_at_once() {
    run(async {
        sleep(ms(5)).await;
        assert!(timeout_at(ms(3), forever()).await.is_err());
        assert_eq!(timeout_at(ms(3), async { 7 }).await, Ok(7));
        assert!(timeout_at(ms(9), forever()).await.is_err());
        assert_eq!((time(), me().cancelling()), (ms(9), 0));
    });
}

#[test]
fn a_body_that_suppresses_and_returns_a_value_returns_that_value() {
    run(async {
        let (ended, expired) = timeout_with(ms(5), async |limit| {
            let _ = catch_cancel(forever()).await;
            sleep(ms(5)).await;
            limit.expired()
        })
        .await
        .map(|expired| (time(), expired))
        .unwrap();
        // C11: and its own request is taken back then, too.
        assert_eq!((ended, expired, me().cancelling()), (ms(10), true, 0));
        sleep(ms(1)).await;
    });
}

#[test]
fn a_body_that_caught_the_cancel_may_let_it_go_on() {
    run(async {
        let ended = timeout(ms(5), async {
            let Err(cancelled) = catch_cancel(forever()).await else { return };
            sleep(ms(2)).await;
            cancelled.resume().await;
        });
        assert!(ended.await.is_err());
        assert_eq!((time(), me().cancelling()), (ms(7), 0));
    });
}

#[test]
fn an_external_cancel_goes_through_a_timeout_that_has_not_expired() {
    run(async {
        let task = spawn(async { timeout(ms(50), forever()).await.is_err() });
        sleep(ms(5)).await;
        task.cancel();
        assert!(is_cancelled(task.await));
        assert_eq!(time(), ms(5));
    });
}

#[test]
fn an_external_cancel_in_the_turn_of_the_expiry_goes_on_outwards() {
    for external_first in [false, true] {
        run(async move {
            let task = spawn(async move {
                let outer = catch_cancel(timeout(ms(5), forever())).await;
                (outer.is_err(), me().cancelling())
            });
            let handle = task.handle().clone();
            let cancel = move || assert!(handle.cancel());
            if external_first {
                call_at(ms(5), cancel);
            } else {
                spawn(async move {
                    // Armed after the timeout's own timer.
                    call_at(ms(5), cancel);
                })
                .detach();
            }
            // C11: the count is higher than at its entry, so it is not the timeout's alone.
            assert_eq!(task.await.unwrap(), (true, 1));
        });
    }
}

#[test]
fn a_timeout_entered_with_a_count_compares_with_that_count() {
    run(async {
        let task = spawn(async {
            let _ = catch_cancel(forever()).await;
            assert_eq!(me().cancelling(), 1);
            // C11: no higher than at its entry; comparing with zero would let this cancel out.
            let limited = timeout(ms(5), forever()).await;
            (limited.is_err(), me().cancelling())
        });
        yield_now().await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, 1));
    });
}

#[test]
fn of_nested_timeouts_that_expire_in_one_turn_the_outer_one_elapses() {
    run(async {
        let outer = timeout(ms(5), async {
            let _inner = timeout(ms(5), forever()).await;
            "the inner one elapsed"
        });
        // C11: two requests, one delivery; the inner exit leaves a count above its entry.
        assert!(outer.await.is_err());
        assert_eq!((time(), me().cancelling()), (ms(5), 0));
        sleep(ms(1)).await;
    });
}

#[test]
fn of_nested_timeouts_the_earlier_one_elapses_alone() {
    run(async {
        let outer = timeout(ms(9), async {
            let inner = timeout(ms(5), forever()).await;
            assert!(inner.is_err());
            "runs on"
        });
        assert_eq!(outer.await, Ok("runs on"));

        let outer = timeout(ms(5), timeout(ms(9), forever())).await;
        assert!(outer.is_err());
        assert_eq!((time(), me().cancelling()), (ms(10), 0));
    });
}

#[test]
fn a_timeout_of_zero_gives_the_body_its_first_step() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let limited = timeout(Duration::ZERO, async {
            t.note("polled");
            forever().await;
        });
        // C11: a call_soon, not a timer.
        assert!(limited.await.is_err());
        assert_eq!(timeout(Duration::ZERO, async { 7 }).await, Ok(7));
        yield_now().await;
    });
    trace.expect(&["polled"]);
}

#[test]
fn a_timeout_of_zero_stands_in_the_ready_queue_and_not_among_the_timers() {
    let turns = run_in_turns(async |turns| {
        let early = turns.clone();
        turns.mark("entered");
        // A timer that is due would run behind what is ready; C11: this stands in front of it.
        let limited = timeout(Duration::ZERO, async {
            call_soon(move || early.mark("call_soon behind it"));
            forever().await;
        });
        assert!(limited.await.is_err());
        turns.mark("elapsed");
        turns
    });
    assert_eq!(turns.between("entered", "call_soon behind it"), 1);
    assert_eq!(turns.between("entered", "elapsed"), 2);
}

#[test]
fn a_timeout_of_zero_is_ahead_of_a_callback_made_after_it() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let limited = timeout_with(Duration::ZERO, async |limit| {
            let t = t.clone();
            call_soon(move || t.note(format_args!("expired: {}", limit.expired())));
            forever().await;
        });
        assert!(limited.await.is_err());
    });
    // C11: the expiry was queued first.
    trace.expect(&["expired: true"]);
}

#[test]
fn a_timeout_can_be_moved_by_its_body() {
    run(async {
        let limited = timeout_with(ms(5), async |limit| {
            assert_eq!((limit.when(), limit.expired()), (Some(ms(5)), false));
            sleep(ms(4)).await;
            limit.reschedule(ms(8)).unwrap();
            sleep(ms(3)).await;
            limit.reschedule(None).unwrap();
            assert_eq!(limit.when(), None);
            sleep(ms(50)).await;
            limit.reschedule(time() + ms(2)).unwrap();
            forever().await;
        });
        assert_eq!(limited.await.unwrap_err().deadline(), Some(ms(59)));
    });
}

#[test]
fn a_timeout_moved_into_the_past_expires_at_once() {
    run(async {
        sleep(ms(10)).await;
        let limited = timeout_with(ms(500), async |limit| {
            limit.reschedule(ms(3)).unwrap();
            forever().await;
        });
        assert!(limited.await.is_err());
        assert_eq!(time(), ms(10));
    });
}

#[test]
fn a_timeout_without_a_limit_can_be_given_one() {
    run(async {
        let limited = timeout_with(None, async |limit| {
            assert_eq!(limit.when(), None);
            sleep(ms(20)).await;
            limit.reschedule(ms(25)).unwrap();
            forever().await;
        });
        assert!(limited.await.is_err());
        assert_eq!(time(), ms(25));
    });
}

#[test]
fn a_timeout_that_was_moved_while_its_expiry_was_queued_does_not_expire() {
    run(async {
        let limited = timeout_with(Duration::ZERO, async |limit| {
            // Its first expiry stands in the ready queue already.
            limit.reschedule(ms(50)).unwrap();
            sleep(ms(10)).await;
            7
        });
        assert_eq!(limited.await, Ok(7));
    });
}

#[test]
fn a_timeout_that_is_over_or_expiring_cannot_be_moved() {
    run(async {
        let mut kept = None;
        let limited = timeout_with(ms(5), async |limit| {
            kept = Some(limit.clone());
            let _ = catch_cancel(forever()).await;
            limit.reschedule(ms(99))
        });
        assert_eq!(limited.await, Ok(Err(RescheduleError::Expiring)));
        let kept = kept.unwrap();
        assert_eq!(kept.reschedule(ms(99)), Err(RescheduleError::Expired));
        assert!(kept.expired());
        assert_eq!(kept.when(), Some(ms(5)));

        let quiet = timeout_with(ms(50), async |limit| limit).await.unwrap();
        assert!(!quiet.expired());
        assert_eq!(quiet.reschedule(None), Err(RescheduleError::Finished));
    });
}

#[test]
fn a_request_made_in_an_expired_body_goes_on_outwards() {
    run(async {
        let task = spawn(async {
            let outer = catch_cancel(timeout(ms(5), async {
                let Err(cancelled) = catch_cancel(forever()).await else { return };
                me().cancel();
                cancelled.resume().await;
            }));
            let outer = outer.await.is_err();
            // C2: it was made while the task ran, and is still to be delivered.
            let next = catch_cancel(yield_now()).await.is_err();
            (outer, next, me().cancelling())
        });
        // C11: one request is the timeout's, one is not.
        assert_eq!(task.await.unwrap(), (true, true, 1));
    });
}

#[test]
fn a_timeout_that_expires_as_its_body_returns_takes_its_pending_request_back() {
    run(async {
        let limited = timeout_with(None, async |limit| {
            limit.reschedule(Duration::ZERO).unwrap();
            yield_now().await;
            // The expiry ran in this turn, before this step: it is delivered here, at no suspension.
            limit.expired()
        });
        // C11: whichever way it ended, nothing is left to hit the next await.
        let _ = limited.await;
        assert_eq!(me().cancelling(), 0);
        turns(2).await;
        sleep(ms(1)).await;
    });
}

#[test]
fn a_timeout_dropped_before_its_end_leaves_neither_timer_nor_request() {
    run(async {
        let limited = timeout(ms(5), forever());
        let mut limited = Box::pin(limited);
        assert!(futures::poll!(limited.as_mut()).is_pending());
        drop(limited);
        sleep(ms(9)).await;
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn wait_for_polls_a_future_in_place() {
    run(async {
        let outer = me();
        assert!(wait_for(async move { me() == outer }, ms(5)).await.unwrap());
        assert!(wait_for(forever(), ms(5)).await.is_err());
        assert_eq!(time(), ms(5));
    });
}

#[test]
fn wait_for_with_no_time_never_starts_the_future() {
    run(async {
        let (body, polls) = common::counted(async { 7 });
        // C11: not even one that would be ready at once.
        let elapsed = wait_for(body, Duration::ZERO).await.unwrap_err();
        assert_eq!((polls.get(), elapsed.deadline()), (0, None));
        assert_eq!(elapsed.to_string(), "timed out at once");
    });
}

#[test]
fn wait_for_task_cancels_the_task_and_waits_for_its_end() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let mut task: Task<()> = spawn(async move {
            let Err(cancelled) = catch_cancel(forever()).await else { return };
            sleep(ms(3)).await;
            inner.at("cleaned up");
            cancelled.resume().await;
        });
        // C11.
        assert!(wait_for_task(&mut task, ms(5)).await.is_err());
        t.at("elapsed");
        assert!(task.is_cancelled());
        assert_eq!(me().cancelling(), 0);
    });
    trace.expect(&["8 cleaned up", "8 elapsed"]);
}

#[test]
fn wait_for_task_gives_what_the_task_made_of_the_cancel() {
    run(async {
        let mut stubborn = spawn(async {
            let _ = catch_cancel(forever()).await;
            "survived"
        });
        assert_eq!(wait_for_task(&mut stubborn, ms(5)).await.unwrap().unwrap(), "survived");
        let failing: Task<()> = try_spawn(async {
            let _ = catch_cancel(forever()).await;
            Err("broken")
        });
        let failed = wait_for_task(failing, ms(5)).await.unwrap();
        assert!(matches!(failed, Err(JoinError::Failed(_))));
    });
}

#[test]
fn wait_for_task_with_no_time_gives_the_outcome_of_a_task_that_is_done() {
    run(async {
        let done = spawn(async { 7 });
        yield_now().await;
        // C11.
        assert_eq!(wait_for_task(done, Duration::ZERO).await.unwrap().unwrap(), 7);
    });
}

#[test]
fn wait_for_task_with_no_time_cancels_and_waits() {
    run(async {
        let mut task = spawn(forever());
        turns(1).await;
        // C11.
        assert!(wait_for_task(&mut task, Duration::ZERO).await.is_err());
        assert!(task.is_cancelled());
        let mut stubborn = spawn(async {
            let _ = catch_cancel(forever()).await;
            sleep(ms(3)).await;
            "survived"
        });
        turns(1).await;
        let value = wait_for_task(&mut stubborn, Duration::ZERO).await.unwrap().unwrap();
        assert_eq!((value, time()), ("survived", ms(3)));
    });
}

#[test]
fn a_limit_that_is_moved_before_the_body_exists_stays_moved() {
    run(async {
        let limited = timeout_with(ms(1), |limit| {
            assert_eq!(limit.when(), Some(ms(1)));
            limit.reschedule(ms(9)).unwrap();
            sleep(ms(5))
        });
        assert_eq!((limited.await, time()), (Ok(()), ms(5)));
    });
}

#[test]
fn wait_for_task_with_no_time_does_not_forward_while_it_waits() {
    run(async {
        let child = spawn(async {
            let _ = catch_cancel(forever()).await;
            sleep(ms(3)).await;
        });
        let handle = child.handle().clone();
        turns(1).await;
        let waiter = spawn(async move { wait_for_task(child, Duration::ZERO).await.is_ok() });
        turns(2).await;
        assert_eq!(handle.cancelling(), 1);
        waiter.cancel();
        // C11: cancelled at once, without a second request to the child.
        assert!(is_cancelled(waiter.await));
        assert_eq!((handle.cancelling(), time()), (1, ms(0)));
        handle.join().await.unwrap();
    });
}
