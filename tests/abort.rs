//! A task is aborted: the last resort that asks no scope and always works.

mod common;

use common::{Trace, counted, forever, is_cancelled, me, ms, run, turns};
use wheelhouse::{all_tasks, catch_cancel, promise, sleep, spawn, time, yield_now};

#[test]
fn an_abort_asks_no_scope_and_drops_everything_on_the_next_turn() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let task = spawn(async move {
            let _outer = inner.on_drop("outer dropped");
            loop {
                let _inner = inner.on_drop("inner dropped");
                let _ = catch_cancel(forever()).await;
                inner.note("never");
            }
        });
        yield_now().await;
        // C14.
        assert!(task.abort() && task.abort());
        assert_eq!(task.cancelling(), 0);
        t.note("asked");
        assert!(!task.is_done());
        yield_now().await;
        assert!(task.is_cancelled() && !task.abort());
        assert!(is_cancelled(task.await));
    });
    trace.expect(&["asked", "inner dropped", "outer dropped"]);
}

#[test]
fn a_task_that_has_not_started_is_aborted_without_a_poll() {
    run(async {
        let (body, polls) = counted(forever());
        let task = spawn(body);
        task.abort();
        assert!(is_cancelled(task.await));
        assert_eq!(polls.get(), 0);
    });
}

#[test]
fn an_aborted_waiter_takes_nobody_with_it() {
    run(async {
        let mut child = spawn(sleep(ms(3)));
        let handle = child.handle().clone();
        let waiter = spawn(async move { (&mut child).await.unwrap() });
        turns(2).await;
        waiter.abort();
        assert!(is_cancelled(waiter.await));
        // C14: an abort is not forwarded.
        assert_eq!(handle.cancelling(), 0);
        handle.join().await.unwrap();
    });
}

#[test]
fn an_aborted_task_is_plainly_cancelled_for_its_joiner() {
    run(async {
        let child = spawn(forever());
        let handle = child.handle().clone();
        let waiter = spawn(async move { is_cancelled(catch_cancel(child).await.unwrap()) });
        turns(2).await;
        handle.abort();
        assert!(waiter.await.unwrap());
    });
}

#[test]
fn a_task_that_aborts_itself_goes_at_its_next_suspension() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let task = spawn(async move {
            let _guard = inner.on_drop("dropped");
            me().abort();
            inner.note("runs on");
            let _ = catch_cancel(sleep(ms(5))).await;
            inner.note("never");
        });
        assert!(is_cancelled(task.await));
        // C14: on its next turn, not when what it waits for is over.
        assert_eq!(time(), ms(0));
        let finishing = spawn(async {
            me().abort();
            7
        });
        // It did not suspend again, so there was no await point to be dropped at.
        assert_eq!(finishing.await.unwrap(), 7);
    });
    trace.expect(&["runs on", "dropped"]);
}

#[test]
fn an_abort_wins_over_a_clean_up_and_over_a_completion() {
    run(async {
        let cleaning = spawn(async {
            let _ = catch_cancel(forever()).await;
            sleep(ms(50)).await;
        });
        yield_now().await;
        cleaning.cancel();
        turns(2).await;
        cleaning.abort();
        assert!(is_cancelled(cleaning.await));

        let (promise, promised) = promise();
        let kept = promise.promised();
        let completing = spawn(promised);
        yield_now().await;
        promise.set(7).unwrap();
        completing.abort();
        // C14, C6: what it did not see stays.
        assert!(is_cancelled(completing.await));
        assert_eq!(kept.await, Ok(7));
        assert_eq!(all_tasks().len(), 1);
    });
}
