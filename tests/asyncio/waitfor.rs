//! `test_waitfor.py`. A `Duration` is never negative: what it tries with a timeout of -1 is left out.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use ::futures::FutureExt;
use wheelhouse::{
    ALL_COMPLETED, JoinError, Task, call_soon, catch_cancel, promise, shield, sleep, sleep_until,
    spawn, time, try_spawn, wait, wait_for, wait_for_task, yield_now,
};

use crate::common::{forever, ms, run, turns};
use crate::{cancel_soon, is_cancelled};

const LONG: Duration = Duration::from_secs(10);
const TASK_TIMEOUT: Duration = Duration::from_millis(200);

/// Ends after [`TASK_TIMEOUT`], whatever is asked of it.
async fn slow(exited: Rc<Cell<bool>>) {
    let exit_at = time() + TASK_TIMEOUT;
    while time() < exit_at {
        let _ = catch_cancel(sleep_until(exit_at)).await;
    }
    exited.set(true);
}

#[test]
fn asyncio_wait_for_cancelled() {
    run(async {
        let exited = Rc::new(Cell::new(false));
        let waiting = spawn(wait_for(slow(Rc::clone(&exited)), 2 * TASK_TIMEOUT));
        yield_now().await;
        waiting.cancel();
        assert_eq!(wait([waiting], ALL_COMPLETED).await.unwrap().done.len(), 1);
        assert!(exited.get());
    });
}

#[test]
fn asyncio_wait_for_timeout() {
    run(async {
        let exited = Rc::new(Cell::new(false));
        let _ = wait_for(slow(Rc::clone(&exited)), TASK_TIMEOUT / 2).await;
        assert!(exited.get());
    });
}

#[test]
fn wait_for_timeout_less_then_0_or_0_future_done() {
    run(async {
        let done = spawn(async { "done" });
        yield_now().await;
        let at_once = wait_for_task(done, Duration::ZERO).now_or_never();
        assert_eq!(at_once.expect("no turn").unwrap().unwrap(), "done");
    });
}

#[test]
fn wait_for_timeout_less_then_0_or_0_coroutine_do_not_started() {
    run(async {
        let mut started = false;
        assert!(wait_for(async { started = true }, Duration::ZERO).await.is_err());
        assert!(!started);
    });
}

/// A task that says whether it is inside its sleep.
fn sleeper(length: Duration) -> (Task<&'static str>, Rc<Cell<bool>>) {
    struct Leaves(Rc<Cell<bool>>);
    impl Drop for Leaves {
        fn drop(&mut self) {
            self.0.set(false);
        }
    }
    let running = Rc::new(Cell::new(false));
    let inside = Leaves(Rc::clone(&running));
    let task = spawn(async move {
        inside.0.set(true);
        sleep(length).await;
        "done"
    });
    (task, running)
}

#[test]
fn wait_for_timeout_less_then_0_or_0() {
    run(async {
        let (mut task, running) = sleeper(LONG);
        yield_now().await;
        assert!(running.get());
        assert!(wait_for_task(&mut task, Duration::ZERO).await.is_err());
        assert!(task.is_done() && task.is_cancelled());
        assert!(!running.get());
    });
}

#[test]
fn wait_for_runs_out() {
    run(async {
        let (mut task, running) = sleeper(LONG);
        assert!(wait_for_task(&mut task, ms(100)).await.is_err());
        assert!(task.is_done() && task.is_cancelled());
        assert!(!running.get());
        assert_eq!(time(), ms(100));
    });
}

#[test]
fn wait_for_blocking() {
    run(async { assert_eq!(wait_for(async { "done" }, None).await, Ok("done")) });
}

#[test]
fn wait_for_race_condition() {
    run(async {
        let (promise, promised) = promise();
        let waits = wait_for(promised, ms(200));
        call_soon(move || promise.set("ok").unwrap());
        assert_eq!(waits.await, Ok(Ok("ok")));
    });
}

#[test]
fn wait_for_cancellation_race_condition() {
    run(async {
        let inner = async {
            assert!(catch_cancel(sleep(ms(1000))).await.is_err());
            1
        };
        assert_eq!(wait_for(inner, ms(10)).await, Ok(1));
    });
}

/// A task that needs a while to clean up once it is cancelled.
fn cleans_up(done: &Rc<Cell<bool>>) -> Task<()> {
    let done = Rc::clone(done);
    spawn(async move {
        let Err(error) = catch_cancel(sleep(LONG)).await else { return };
        sleep(ms(1)).await;
        done.set(true);
        error.resume().await;
    })
}

#[test]
fn wait_for_waits_for_task_cancellation() {
    run(async {
        let done = Rc::new(Cell::new(false));
        assert!(wait_for_task(cleans_up(&done), ms(1)).await.is_err());
        assert!(done.get());
        assert_eq!(time(), ms(2));
    });
}

#[test]
fn wait_for_waits_for_task_cancellation_w_timeout_0() {
    run(async {
        let done = Rc::new(Cell::new(false));
        let inner = cleans_up(&done);
        sleep(ms(1)).await;
        assert!(wait_for_task(inner, Duration::ZERO).await.is_err());
        assert!(done.get());
        assert_eq!(time(), ms(2));
    });
}

#[test]
fn wait_for_reraises_exception_during_cancellation() {
    run(async {
        let inner = try_spawn(async {
            let _ = catch_cancel(sleep(ms(200))).await;
            Err::<(), _>("foo")
        });
        let ended = wait_for_task(inner, ms(1)).await.expect("the error wins over the timeout");
        let Err(JoinError::Failed(failed)) = ended else { panic!("{ended:?}") };
        assert_eq!(failed.error().to_string(), "foo");
    });
}

async fn assert_cancel_reaches_the_task(limit: Option<Duration>) {
    let task = spawn(forever());
    let handle = task.handle().clone();
    let waiting = spawn(wait_for_task(task, limit));
    cancel_soon(&waiting);
    assert!(is_cancelled(waiting).await);
    assert!(handle.is_cancelled());
}

#[test]
fn cancel_blocking_wait_for() {
    run(assert_cancel_reaches_the_task(None));
}

#[test]
fn cancel_wait_for() {
    run(assert_cancel_reaches_the_task(Some(ms(60_000))));
}

#[test]
fn wait_for_cancel_suppressed() {
    run(async {
        let inner = async { if catch_cancel(sleep(LONG)).await.is_err() { 42 } else { 0 } };
        assert_eq!(wait_for(inner, ms(100)).await, Ok(42));
    });
}

#[test]
fn wait_for_issue86296() {
    run(async {
        let inner = spawn(async { "done" });
        let (handle, reached_end) = (inner.handle().clone(), Rc::new(Cell::new(false)));
        let reached = Rc::clone(&reached_end);
        let task = spawn(async move {
            wait_for_task(handle, ms(100_000)).await.unwrap().unwrap();
            sleep(ms(1000)).await;
            reached.set(true);
        });
        assert!(!task.is_done());
        yield_now().await;
        task.cancel();
        assert!(is_cancelled(task).await);
        assert!(inner.is_done());
        assert_eq!(inner.await.unwrap(), "done");
        assert!(!reached_end.get());
    });
}

#[test]
fn zero_timeout() {
    run(async {
        let (task, _) = sleeper(ms(10));
        assert!(wait_for(shield(task.handle().clone()), Duration::ZERO).await.is_err());
        assert!(!task.is_done() && !task.is_cancelled());
        sleep(ms(100)).await;
        assert!(task.is_done());
    });
}

#[test]
fn none_timeout() {
    run(async {
        let (mut task, _) = sleeper(ms(100));
        wait_for(shield(task.handle().clone()), None).await.unwrap().unwrap();
        assert!(task.is_done());
        assert_eq!((&mut task).await.unwrap(), "done");
    });
}

#[test]
fn shielded_timeout() {
    run(async {
        let (task, _) = sleeper(ms(100));
        assert!(wait_for(shield(task.handle().clone()), ms(10)).await.is_err());
        assert!(!task.is_done() && !task.is_cancelled());
        assert_eq!(task.await.unwrap(), "done");
        turns(1).await;
    });
}
