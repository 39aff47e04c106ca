//! Waits that do not forward: the waiter is cancelled at once, and what it waited for runs on.
#![allow(clippy::async_yields_async, reason = "tasks are taken out of the loop to be looked at")]

mod common;

use common::{Trace, forever, is_cancelled, me, ms, run, turns, virtual_loop};
use wheelhouse::{
    ALL_COMPLETED, FIRST_COMPLETED, as_completed, catch_cancel, gather, shield, sleep, spawn, time,
    timeout, wait, yield_now,
};

#[test]
fn a_cancel_does_not_pass_a_shield() {
    run(async {
        let mut child = spawn(async {
            sleep(ms(5)).await;
            "whole"
        });
        let task = spawn(async move {
            let caught = catch_cancel(shield(&mut child)).await.is_err();
            // C10: at once; the task runs on.
            (caught, time(), child.cancelling(), child.await.unwrap())
        });
        turns(2).await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, ms(0), 0, "whole"));
    });
}

#[test]
fn a_cancelled_shield_leaves_nothing_behind_in_the_loop() {
    let mut event_loop = virtual_loop();
    let mut child = event_loop
        .run_until_complete(async {
            let mut child = spawn(sleep(ms(500)));
            for _ in 0..10 {
                assert!(timeout(ms(1), shield(&mut child)).await.is_err());
            }
            child
        })
        .unwrap();
    assert_eq!(event_loop.census().observers, 0);
    event_loop.run_until_done(&mut child).unwrap();
}

#[test]
fn a_gather_that_loses_a_race_leaves_nothing_behind_in_the_loop() {
    let mut event_loop = virtual_loop();
    let mut child = event_loop
        .run_until_complete(async {
            let child = spawn(sleep(ms(500)));
            for _ in 0..10 {
                let all = Box::pin(gather([child.handle().clone()]));
                let one_turn = Box::pin(yield_now());
                futures::future::select(all, one_turn).await;
            }
            child
        })
        .unwrap();
    assert_eq!(event_loop.census().observers, 0);
    event_loop.run_until_done(&mut child).unwrap();
}

#[test]
fn a_shield_gives_the_value_and_the_error_of_its_task() {
    run(async {
        assert_eq!(shield(spawn(async { 7 })).await.unwrap(), 7);
        let done = spawn(async { 8 });
        yield_now().await;
        assert_eq!(shield(&done).await.unwrap(), 8);
        let child = spawn(forever());
        child.cancel();
        // Nobody cancelled this waiter: a plain error.
        assert!(is_cancelled(shield(child).await));
    });
}

#[test]
fn a_cancel_does_not_pass_a_wait() {
    run(async {
        let children = [spawn(sleep(ms(5))), spawn(sleep(ms(6)))];
        let handles: Vec<_> = children.iter().map(|child| child.handle().clone()).collect();
        let task = spawn(async move { wait(children, ALL_COMPLETED).await.is_ok() });
        turns(2).await;
        task.cancel();
        // C10.
        assert!(is_cancelled(task.await));
        assert_eq!(time(), ms(0));
        assert!(handles.iter().all(|child| child.cancelling() == 0 && !child.is_done()));
        handles[1].join().await.unwrap();
    });
}

#[test]
fn a_cancel_does_not_pass_as_completed() {
    run(async {
        let child = spawn(sleep(ms(5)));
        let handle = child.handle().clone();
        let task = spawn(async move { as_completed([child]).next().await.is_some() });
        turns(2).await;
        task.cancel();
        // C10.
        assert!(is_cancelled(task.await));
        assert_eq!((time(), handle.cancelling()), (ms(0), 0));
        handle.join().await.unwrap();
    });
}

#[test]
fn dropping_a_handle_detaches() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (a, b) = (t.clone(), t.clone());
        drop(spawn(async move {
            sleep(ms(1)).await;
            a.at("dropped handle");
        }));
        spawn(async move {
            sleep(ms(2)).await;
            b.at("detached");
        })
        .detach();
        sleep(ms(3)).await;
    });
    // C10.
    trace.expect(&["1 dropped handle", "2 detached"]);
}

#[test]
fn a_wait_that_was_cancelled_and_is_polled_again_still_ends() {
    run(async {
        let child = spawn(sleep(ms(10)));
        let mut waiting = Box::pin(wait([child], FIRST_COMPLETED));
        assert!(timeout(ms(5), waiting.as_mut()).await.is_err());
        // C6: it did not happen, so it can go on.
        assert_eq!(waiting.await.unwrap().done.len(), 1);
        assert_eq!((time(), me().cancelling()), (ms(10), 0));
    });
}

#[test]
fn a_shield_that_was_cancelled_and_is_polled_again_still_ends() {
    run(async {
        let child = spawn(async {
            sleep(ms(10)).await;
            7
        });
        let mut shielded = Box::pin(shield(child));
        assert!(timeout(ms(5), shielded.as_mut()).await.is_err());
        sleep(ms(1)).await;
        assert_eq!(shielded.await.unwrap(), 7);
    });
}

#[test]
fn what_a_wait_returns_is_sorted_by_what_is_done_when_it_resumes() {
    run(async {
        let nap = |n| spawn(sleep(ms(n)));
        let waited = wait([nap(3), nap(1), nap(1), nap(9)], FIRST_COMPLETED).await.unwrap();
        let named = |tasks: &[wheelhouse::Task<()>]| {
            tasks.iter().map(|task| task.name().to_string()).collect::<Vec<_>>()
        };
        // Both naps of 1 ms ended in the turn that decided; each list keeps the order given.
        assert_eq!(named(&waited.done), ["Task-3", "Task-4"]);
        assert_eq!(named(&waited.pending), ["Task-2", "Task-5"]);
        sleep(ms(9)).await;
    });
}

#[test]
fn a_wait_with_a_limit_returns_what_has_ended_by_then() {
    run(async {
        let tasks = [spawn(sleep(ms(1))), spawn(sleep(ms(9)))];
        let waited = wait(tasks, ALL_COMPLETED).timeout(ms(5)).await.unwrap();
        assert_eq!((waited.done.len(), waited.pending.len(), time()), (1, 1, ms(5)));
        let all = wait(waited.pending, ALL_COMPLETED).timeout(ms(500)).await.unwrap();
        assert_eq!((all.done.len(), time()), (1, ms(9)));
    });
}

#[test]
fn as_completed_with_a_limit_gives_an_error_for_each_that_was_too_slow() {
    run(async {
        let nap = |n| spawn(sleep(ms(n)));
        let mut naps = as_completed([nap(1), nap(20), nap(30)]).timeout(ms(5));
        assert!(naps.next().await.unwrap().is_ok());
        for _ in 0..2 {
            let elapsed = naps.next().await.unwrap().unwrap_err();
            assert_eq!(elapsed.deadline(), Some(ms(5)));
        }
        assert!(naps.next().await.is_none());
        assert_eq!(time(), ms(5));
        sleep(ms(30)).await;
    });
}
