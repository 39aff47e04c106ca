//! Cancelling tasks and what they wait for.

use std::cell::Cell;
use std::rc::Rc;

use wheelhouse::{
    ALL_COMPLETED, RunError, Task, call_later, catch_cancel, promise, sleep, spawn, time, wait,
    yield_now,
};

use super::{LONG, run_briefly, value_of};
use crate::common::{Trace, me, ms, run, turns, virtual_loop};
use crate::{cancel_soon, is_cancelled};

#[test]
fn cancel() {
    run(async {
        let task = spawn(async {
            sleep(LONG).await;
            12
        });
        let handle = task.handle().clone();
        cancel_soon(&task);
        assert!(is_cancelled(task).await);
        assert!(handle.is_done() && handle.is_cancelled());
        assert!(!handle.cancel());
        assert_eq!(time(), ms(0));
    });
}

#[test]
fn cancel_yield() {
    let mut event_loop = virtual_loop();
    let task = event_loop.spawn(async {
        yield_now().await;
        yield_now().await;
        12
    });
    run_briefly(&mut event_loop);
    task.cancel();
    assert!(matches!(event_loop.run_until_done(&task), Err(RunError::Cancelled(_))));
    assert!(task.is_done() && task.is_cancelled());
    assert!(!task.cancel());
}

#[test]
fn cancel_inner_future() {
    run(async {
        let (promise, promised) = promise::<()>();
        let task = spawn(value_of(promised));
        yield_now().await;
        promise.cancel();
        assert!(is_cancelled(task).await);
        assert!(promise.is_cancelled());
    });
}

#[test]
fn cancel_both_task_and_inner_future() {
    run(async {
        let (promise, promised) = promise::<()>();
        let task = spawn(value_of(promised));
        yield_now().await;
        assert!(promise.cancel());
        assert!(task.cancel());
        assert!(is_cancelled(task).await);
        assert!(promise.is_cancelled());
    });
}

#[test]
fn cancel_task_catching() {
    run(async {
        let ((set_first, first), (second_side, second)) = (promise(), promise::<()>());
        let task = spawn(async {
            first.await.unwrap();
            match catch_cancel(second).await {
                Ok(_) => 0,
                Err(_) => 42,
            }
        });
        yield_now().await;
        set_first.set(()).unwrap();
        yield_now().await;
        task.cancel();
        assert!(second_side.is_cancelled(), "inside the very call");
        assert_eq!(task.await.unwrap(), 42);
    });
}

#[test]
fn cancel_task_ignoring() {
    run(async {
        let (set_first, first) = promise();
        let ((second_side, second), (set_third, third)) = (promise::<()>(), promise());
        let task = spawn(async {
            first.await.unwrap();
            assert!(catch_cancel(second).await.is_err());
            third.await.unwrap()
        });
        yield_now().await;
        set_first.set(()).unwrap();
        yield_now().await;
        task.cancel();
        assert!(second_side.is_cancelled());
        yield_now().await;
        assert!(!task.is_done() && !set_third.is_done(), "it waits for the third");
        set_third.set(42).unwrap();
        assert_eq!(task.await.unwrap(), 42);
        assert!(!set_third.is_cancelled());
    });
}

#[test]
fn cancel_current_task() {
    run(async {
        let task = spawn(async {
            me().cancel();
            sleep(ms(100_000)).await;
            12
        });
        let handle = task.handle().clone();
        assert!(!handle.is_cancelled());
        assert!(is_cancelled(task).await);
        assert!(handle.is_done() && !handle.cancel());
        assert_eq!(time(), ms(0));
    });
}

#[test]
fn cancel_at_end() {
    run(async {
        let task = spawn(async {
            me().cancel();
            12
        });
        let handle = task.handle().clone();
        assert!(!handle.is_cancelled());
        assert!(is_cancelled(task).await);
        assert!(handle.is_done() && !handle.cancel());
    });
}

#[test]
fn cancel_awaited_task() {
    run(async {
        let (promise, promised) = promise::<()>();
        let nested = spawn(value_of(promised));
        let nested_handle = nested.handle().clone();
        let task: Task<()> = spawn(async {
            yield_now().await;
            me().cancel();
            // This cancels the nested task at once.
            let _ = nested.await;
            unreachable!("the cancel goes on here");
        });
        assert!(is_cancelled(task).await);
        assert!(nested_handle.is_cancelled());
        assert!(promise.is_cancelled());
    });
}

#[test]
fn task_cancel_sleeping_task() {
    run(async {
        let sleeper = spawn(sleep(ms(5_000_000)));
        let handle = sleeper.handle().clone();
        call_later(ms(100), move || assert!(handle.cancel()));
        assert!(is_cancelled(sleeper).await);
        assert_eq!(time(), ms(100));
    });
}

#[test]
fn task_cancel_waiter_future() {
    run(async {
        let (promise, promised) = promise::<()>();
        let task = spawn(promised);
        yield_now().await;
        task.cancel();
        assert!(promise.is_cancelled());
        yield_now().await;
        assert!(task.is_done());
        assert!(is_cancelled(task).await);
    });
}

#[test]
fn yield_future_passes_cancel() {
    run(async {
        let (trace, (promise, promised)) = (Trace::default(), promise::<()>());
        let t = trace.clone();
        let inner = async move {
            let Err(cancelled) = catch_cancel(promised).await else { panic!("got past it") };
            t.note("inner");
            cancelled.resume().await;
        };
        let t = trace.clone();
        let task = spawn(async move {
            assert!(catch_cancel(inner).await.is_err());
            t.note("outer");
        });
        yield_now().await;
        task.cancel();
        task.await.unwrap();
        trace.expect(&["inner", "outer"]);
        assert!(promise.is_cancelled());
    });
}

#[test]
fn yield_wait_does_not_shield_cancel() {
    run(async {
        let (proof, (promise, promised)) = (Rc::new(Cell::new(0)), promise());
        let count = Rc::clone(&proof);
        let inner = spawn(async move {
            promised.await.unwrap();
            count.set(count.get() + 1);
        });
        let count = Rc::clone(&proof);
        let outer = spawn(async move {
            let _ = wait([inner], ALL_COMPLETED).await;
            count.set(count.get() + 100);
        });
        turns(2).await;
        outer.cancel();
        assert!(is_cancelled(outer).await);
        promise.set(()).unwrap();
        turns(2).await;
        assert_eq!(proof.get(), 1);
    });
}
