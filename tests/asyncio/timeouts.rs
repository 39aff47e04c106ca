//! `test_timeouts.py`. What it asserts of chains of exceptions is left out: an `Err` has none.

use std::time::Duration;

use wheelhouse::{
    Elapsed, JoinError, RescheduleError, TimeoutHandle, catch_cancel, promise, sleep, spawn,
    task_group, time, timeout, timeout_at, timeout_with, yield_now,
};

use crate::common::{me, ms, run, virtual_loop};
use crate::{is_cancelled, panics_in_a_callback};

const LONG: Duration = Duration::from_secs(10);

/// Python's `async with timeout(limit) as cm`: how it ended, and the timeout.
async fn within<F: Future>(
    limit: impl Into<Option<Duration>>,
    body: F,
) -> (Result<F::Output, Elapsed>, TimeoutHandle) {
    let mut handle = None;
    let ended = timeout_with(limit, async |cm| {
        handle = Some(cm);
        body.await
    });
    (ended.await, handle.expect("the body has begun"))
}

#[test]
fn timeout_basic() {
    run(async {
        let (ended, cm) = within(ms(10), sleep(LONG)).await;
        assert!(ended.is_err());
        assert!(cm.expired());
    });
}

#[test]
fn timeout_at_basic() {
    run(async {
        let deadline = time() + ms(10);
        let elapsed = timeout_at(deadline, sleep(LONG)).await.unwrap_err();
        assert_eq!((elapsed.deadline(), time()), (Some(deadline), deadline));
    });
}

#[test]
fn nested_timeouts() {
    run(async {
        let (mut cancelled, mut inner) = (false, None);
        let body = async {
            let body = timeout_with(ms(10), async |cm| {
                inner = Some(cm);
                sleep(LONG).await;
            });
            // Only the outermost one elapses.
            let error = catch_cancel(body).await.expect_err("the inner one does not elapse");
            cancelled = true;
            error.resume().await;
        };
        let (ended, outer): (Result<(), _>, _) = within(ms(10), body).await;
        assert!(ended.is_err());
        assert!(cancelled && outer.expired() && inner.unwrap().expired());
    });
}

#[test]
fn waiter_cancelled() {
    run(async {
        let mut cancelled = false;
        let ended = timeout(ms(10), async {
            let Err(error) = catch_cancel(sleep(LONG)).await else { return };
            cancelled = true;
            error.resume().await;
        });
        assert!(ended.await.is_err());
        assert!(cancelled);
    });
}

#[test]
fn timeout_not_called() {
    run(async {
        let (ended, cm) = within(LONG, sleep(ms(10))).await;
        assert!(ended.is_ok());
        assert!(!cm.expired());
        assert!(cm.when().unwrap() > time());
    });
}

#[test]
fn timeout_disabled() {
    run(async {
        let (ended, cm) = within(None, sleep(ms(10))).await;
        assert!(ended.is_ok());
        assert_eq!((cm.expired(), cm.when()), (false, None));
    });
}

async fn assert_elapses_at_once<F: Future>(body: F) {
    let start = time();
    let (ended, cm) = within(Duration::ZERO, body).await;
    assert!(ended.is_err());
    assert!(cm.expired());
    assert_eq!((cm.when(), time()), (Some(start), start));
}

#[test]
fn timeout_zero() {
    run(assert_elapses_at_once(sleep(LONG)));
}

#[test]
fn timeout_zero_sleep_zero() {
    run(assert_elapses_at_once(sleep(Duration::ZERO)));
}

#[test]
fn timeout_in_the_past_sleep_zero() {
    run(async {
        sleep(ms(20)).await;
        let elapsed = timeout_at(ms(9), sleep(Duration::ZERO)).await.unwrap_err();
        assert_eq!((elapsed.deadline(), time()), (Some(ms(9)), ms(20)));
    });
}

#[test]
fn foreign_exception_passed() {
    run(async {
        let (ended, cm) = within(ms(10), async { Err::<(), _>("a key error") }).await;
        assert_eq!(ended, Ok(Err("a key error")));
        assert!(!cm.expired());
    });
}

#[test]
fn foreign_exception_on_timeout() {
    run(async {
        let crash = async {
            assert!(catch_cancel(sleep(ms(1000))).await.is_err());
            Err::<(), _>("a division by zero")
        };
        let (ended, cm) = within(ms(10), crash).await;
        assert_eq!(ended, Ok(Err("a division by zero")));
        assert!(cm.expired());
    });
}

#[test]
fn foreign_exception_on_timeout_2() {
    run(async {
        let cleans_up = async {
            let Err(error) = catch_cancel(sleep(ms(1000))).await else { return };
            error.resume().await;
        };
        let crash = async {
            assert!(catch_cancel(cleans_up).await.is_err());
            Err::<(), _>("a division by zero")
        };
        assert_eq!(timeout(ms(10), crash).await, Ok(Err("a division by zero")));
    });
}

#[test]
fn foreign_cancel_doesnt_timeout_if_not_expired() {
    run(async {
        let mut cm = None;
        let limited = timeout_with(LONG, async |handle| {
            cm = Some(handle);
            me().cancel();
            sleep(LONG).await;
        });
        assert!(catch_cancel(limited).await.is_err());
        assert!(!cm.unwrap().expired());
    });
}

#[test]
fn outer_task_is_not_cancelled() {
    run(async {
        let mut task = spawn(async { assert!(timeout(ms(1), sleep(LONG)).await.is_err()) });
        (&mut task).await.unwrap();
        assert!(task.is_done() && !task.is_cancelled());
    });
}

/// Runs a body whose first step takes `busy`.
fn run_busy<F: Future + 'static>(busy: Duration, body: F) -> (F::Output, Duration) {
    let mut event_loop = virtual_loop();
    let task = event_loop.spawn(body);
    assert_eq!(event_loop.run_once(None).unwrap().steps, 1);
    event_loop.advance(busy);
    (event_loop.run_until_done(task).unwrap(), event_loop.time())
}

#[test]
fn nested_timeouts_concurrent() {
    let body = timeout(ms(2), async {
        let _inner = timeout(ms(100), sleep(ms(1000))).await;
        panic!("the outer cancel goes through the inner timeout");
    });
    let (ended, time): (Result<(), _>, _) = run_busy(ms(10), body);
    assert_eq!((ended.unwrap_err().deadline(), time), (Some(ms(2)), ms(10)));
}

#[test]
fn nested_timeouts_loop_busy() {
    let body = timeout(ms(100), async {
        let _inner = timeout(ms(10), sleep(ms(1000))).await;
        sleep(LONG).await;
    });
    let (ended, time) = run_busy(ms(100), body);
    assert_eq!((ended.unwrap_err().deadline(), time), (Some(ms(100)), ms(100)));
}

#[test]
fn reschedule() {
    run(async {
        let (started, handle) = promise();
        let first = time() + LONG;
        let task = spawn(timeout_with(LONG, async move |cm| {
            started.set(cm).unwrap();
            sleep(Duration::from_secs(50)).await;
        }));
        let cm = handle.await.unwrap();
        assert_eq!(cm.when(), Some(first));
        cm.reschedule(first + 2 * LONG).unwrap();
        assert_eq!(cm.when(), Some(first + 2 * LONG));
        cm.reschedule(None).unwrap();
        assert_eq!(cm.when(), None);
        task.cancel();
        assert!(is_cancelled(task).await);
        assert!(!cm.expired());
    });
}

#[test]
fn nested_timeout_in_finally() {
    run(async {
        let ended = timeout(ms(10), async {
            let Err(error) = catch_cancel(sleep(ms(1000))).await else { return };
            let inner = timeout(ms(10), sleep(LONG)).await;
            assert_eq!(inner.unwrap_err().deadline(), Some(ms(20)));
            error.resume().await;
        });
        assert_eq!(ended.await.unwrap_err().deadline(), Some(ms(10)));
        assert_eq!(time(), ms(20));
    });
}

#[test]
fn timeout_after_cancellation() {
    run(async {
        me().cancel();
        assert!(catch_cancel(sleep(ms(1000))).await.is_err());
        assert!(timeout(Duration::ZERO, sleep(ms(1000))).await.is_err());
        assert_eq!((me().cancelling(), time()), (1, ms(0)));
    });
}

#[test]
fn cancel_in_timeout_after_cancellation() {
    run(async {
        me().cancel();
        assert!(catch_cancel(sleep(ms(1000))).await.is_err());
        let limited = timeout(ms(1000), async {
            me().cancel();
            sleep(ms(2000)).await;
        });
        assert!(catch_cancel(limited).await.is_err(), "cancelled, not elapsed");
    });
}

#[test]
fn timeout_finished() {
    run(async {
        let (_, cm) = within(ms(10), async {}).await;
        assert_eq!(cm.reschedule(ms(20)), Err(RescheduleError::Finished));
    });
}

#[test]
fn timeout_expired() {
    run(async {
        let (_, cm) = within(ms(10), sleep(ms(1000))).await;
        assert_eq!(cm.reschedule(ms(20)), Err(RescheduleError::Expired));
    });
}

#[test]
fn timeout_expiring() {
    run(async {
        let ended = timeout_with(ms(10), async |cm| {
            assert!(catch_cancel(sleep(ms(1000))).await.is_err());
            cm.reschedule(ms(20))
        });
        assert_eq!(ended.await, Ok(Err(RescheduleError::Expiring)));
    });
}

#[test]
fn timeout_without_task() {
    let panic = panics_in_a_callback(|| timeout(ms(10), sleep(LONG)));
    assert!(panic.contains("a scope was polled outside a task of its own loop"), "{panic}");
}

#[test]
fn timeout_taskgroup() {
    run(async {
        let crashes = async {
            let Err(_) = catch_cancel(sleep(ms(2000))).await else { return Ok(()) };
            Err("a division by zero")
        };
        let group = task_group(async |group| {
            group.try_spawn(crashes).unwrap().detach();
            sleep(ms(1000)).await;
        });
        let ended = timeout(ms(10), group).await.expect("the errors win over the timeout");
        let errors = ended.expect_err("a child has failed");
        assert!(matches!(errors.errors(), [JoinError::Failed(_)]));
        yield_now().await;
    });
}
