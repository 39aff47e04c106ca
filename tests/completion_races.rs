//! A wait completes and its task is cancelled before it resumes: the cancel wins, and nothing is lost.

mod common;

use common::{Trace, is_cancelled, me, ms, run, turns};
use wheelhouse::{
    MissedTicks, as_completed, call_at, call_soon, catch_cancel, interval, promise, sleep, spawn,
    time, timeout, yield_now,
};

#[test]
fn a_cancel_after_the_timer_fired_still_wins() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let woken = t.clone();
        let sleeper = spawn(async move {
            sleep(ms(5)).await;
            woken.note("never");
        });
        yield_now().await;
        let handle = sleeper.handle().clone();
        let asked = t.clone();
        // Armed after the sleep, so it runs right behind the sleep's own timer.
        call_at(ms(5), move || {
            asked.at("asked");
            assert!(handle.cancel());
        });
        // C6: the sleep was over, its task had not resumed.
        assert!(is_cancelled(sleeper.await));
        t.at("joined");
    });
    trace.expect(&["5 asked", "5 joined"]);
}

#[test]
fn a_value_that_a_cancelled_waiter_did_not_see_stays_for_the_next() {
    run(async {
        let (promise, promised) = promise();
        let second = promise.promised();
        let first = spawn(promised);
        yield_now().await;
        promise.set(String::from("kept")).unwrap();
        first.cancel();
        // C6: cancelled means it did not happen.
        assert!(is_cancelled(first.await));
        let third = second.clone();
        assert_eq!(second.await, Ok("kept".into()));
        assert_eq!(third.await, Ok("kept".into()));
    });
}

#[test]
fn a_task_value_that_a_cancelled_joiner_did_not_see_stays_in_the_task() {
    run(async {
        let child = spawn(async {
            yield_now().await;
            "kept"
        });
        let handle = child.handle().clone();
        let joiner = spawn(async move {
            let mut child = child;
            let caught = catch_cancel(&mut child).await.is_err();
            (caught, child.try_result().unwrap().unwrap())
        });
        // The child ends in the second turn, before this task runs; its joiner is then woken.
        turns(2).await;
        assert!(handle.is_done() && joiner.cancel());
        // C6.
        assert_eq!(joiner.await.unwrap(), (true, "kept"));
    });
}

#[test]
fn a_cancelled_waiter_whose_wait_is_completing_is_caught_by_its_scope() {
    run(async {
        let (promise, promised) = promise();
        let task = spawn(async move { catch_cancel(promised).await.is_err() });
        yield_now().await;
        promise.set(7).unwrap();
        task.cancel();
        // C6, C3.
        assert!(task.await.unwrap());
    });
}

#[test]
fn a_completion_after_the_request_changes_nothing() {
    run(async {
        let task = spawn(async {
            let caught = catch_cancel(sleep(ms(5))).await.is_err();
            (caught, time())
        });
        let handle = task.handle().clone();
        // Armed before the sleep: it runs just before the sleep's own timer does.
        call_at(ms(5), move || assert!(handle.cancel()));
        // C6: from the request on the wait is given up.
        assert_eq!(task.await.unwrap(), (true, ms(5)));
    });
}

#[test]
fn a_timeout_that_expires_as_its_body_completes_wins() {
    run(async {
        let (promise, promised) = promise();
        call_at(ms(5), move || promise.set(7).unwrap());
        let mut limited = Box::pin(timeout(ms(5), promised));
        // C6, C11: the value came first, the body had not resumed.
        assert!(limited.as_mut().await.is_err());
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn a_sleep_that_a_timeout_gave_up_can_be_slept_to_its_end() {
    run(async {
        let mut nap = sleep(ms(10));
        assert!(timeout(ms(4), &mut nap).await.is_err());
        // C6: the given up wait did not happen; the sleep is as it was.
        nap.await;
        assert_eq!(time(), ms(10));
    });
}

#[test]
fn a_sleep_whose_end_came_after_it_was_given_up_is_over_when_it_is_polled_again() {
    run(async {
        let mut nap = sleep(ms(10));
        assert!(timeout(ms(4), &mut nap).await.is_err());
        sleep(ms(20)).await;
        nap.await;
        assert_eq!(time(), ms(24));
    });
}

#[test]
fn a_sleep_that_expired_between_the_request_and_the_delivery_is_over() {
    run(async {
        let mut nap = Box::pin(sleep(ms(5)));
        let task = me();
        // Asked for just before the sleep's own timer fires.
        call_at(ms(5), move || assert!(task.cancel()));
        assert!(catch_cancel(nap.as_mut()).await.is_err());
        nap.await;
        assert_eq!(time(), ms(5));
    });
}

#[test]
fn an_interval_keeps_its_beat_when_ticks_are_given_up() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut beat = interval(ms(10)).missed_ticks(MissedTicks::Burst);
        for _ in 0..5 {
            // C6: a tick that was not returned comes again.
            match timeout(ms(7), beat.tick()).await {
                Ok(due) => t.at(format_args!("tick {}", due.as_millis())),
                Err(_) => t.at("given up"),
            }
        }
    });
    trace.expect(&["0 tick 0", "7 given up", "10 tick 10", "17 given up", "20 tick 20"]);
}

#[test]
fn as_completed_goes_on_after_a_wait_for_the_next_was_given_up() {
    run(async {
        let nap = |n| {
            spawn(async move {
                sleep(ms(n)).await;
                n
            })
        };
        let mut naps = as_completed([nap(20), nap(10)]);
        assert!(timeout(ms(5), naps.next()).await.is_err());
        // C6.
        assert_eq!(naps.next().await.unwrap().unwrap().await.unwrap(), 10);
        assert!(timeout(ms(5), naps.next()).await.is_err());
        sleep(ms(30)).await;
        assert_eq!(naps.next().await.unwrap().unwrap().await.unwrap(), 20);
        assert!(naps.next().await.is_none());
    });
}

#[test]
fn a_wait_that_is_woken_and_cancelled_steps_once() {
    run(async {
        let (promise, promised) = promise();
        let (body, polls) = common::counted(async { catch_cancel(promised).await.is_err() });
        let task = spawn(body);
        yield_now().await;
        promise.set(7).unwrap();
        task.cancel();
        task.cancel();
        assert!(task.await.unwrap());
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_cancel_in_the_same_turn_but_after_the_resume_is_a_new_one() {
    run(async {
        let (promise, promised) = promise();
        let task = spawn(async move {
            let seen = promised.await.unwrap();
            (seen, catch_cancel(yield_now()).await.is_err())
        });
        yield_now().await;
        promise.set("seen").unwrap();
        let handle = task.handle().clone();
        // Queued behind the step that sees the value.
        call_soon(move || assert!(handle.cancel()));
        assert_eq!(task.await.unwrap(), ("seen", true));
    });
}
