//! Counting requests, and taking them back.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use wheelhouse::{RunError, call_later, catch_cancel, promise, sleep, spawn, yield_now};

use super::LONG;
use crate::common::{me, ms, run, virtual_loop};
use crate::is_cancelled;

#[test]
fn cancelling() {
    run(async {
        let task = spawn(sleep(LONG));
        assert_eq!(task.cancelling(), 0);
        assert!(task.cancel());
        assert_eq!(task.cancelling(), 1);
        assert!(task.cancel());
        assert!(is_cancelled(task).await);
    });
}

#[test]
fn uncancel_basic() {
    let mut event_loop = virtual_loop();
    let task = event_loop.spawn(async {
        assert!(catch_cancel(sleep(LONG)).await.is_err());
        me().uncancel();
        sleep(LONG).await;
    });
    event_loop.run_until_complete(sleep(ms(10))).unwrap();
    assert!(task.cancel());
    assert_eq!((task.cancelling(), task.is_cancelled()), (1, false));
    event_loop.run_until_complete(sleep(ms(10))).unwrap();
    assert_eq!((task.cancelling(), task.is_cancelled()), (0, false));
    assert!(task.cancel());
    assert_eq!((task.cancelling(), task.is_cancelled()), (1, false));
    assert!(matches!(event_loop.run_until_done(&task), Err(RunError::Cancelled(_))));
    assert!(task.is_cancelled() && task.is_done());
    task.uncancel();
    assert!(task.is_cancelled() && task.is_done());
}

/// A timeout written by hand: did it time out, did the block end, and was the code after it reached?
async fn make_request_with_timeout(length: Duration, limit: Duration) -> (bool, bool, bool) {
    let (task, timed_out) = (me(), Rc::new(Cell::new(false)));
    let (handle, flag) = (task.clone(), Rc::clone(&timed_out));
    let timer = call_later(limit, move || {
        flag.set(true);
        handle.cancel();
    });
    let block = catch_cancel(sleep(length)).await;
    timer.cancel();
    let finished = block.is_ok();
    // Only our own request was counted: this becomes a timeout.
    if !(timed_out.get() && task.uncancel() == 0) {
        if let Err(cancelled) = block {
            cancelled.resume().await;
        }
    }
    yield_now().await;
    (timed_out.get(), finished, true)
}

#[test]
fn uncancel_structured_blocks() {
    run(async {
        let late = spawn(make_request_with_timeout(LONG, ms(100)));
        let handle = late.handle().clone();
        assert_eq!(late.await.unwrap(), (true, false, true));
        assert_eq!(handle.cancelling(), 0);
        let in_time = spawn(make_request_with_timeout(Duration::ZERO, LONG));
        let handle = in_time.handle().clone();
        assert_eq!(in_time.await.unwrap(), (false, true, true));
        assert_eq!(handle.cancelling(), 0);
    });
}

#[test]
fn uncancel_resets_must_cancel() {
    run(async {
        let (promise, promised) = promise();
        let task = spawn(async {
            promised.await.unwrap();
            42
        });
        yield_now().await;
        promise.set(()).unwrap();
        task.cancel();
        assert_eq!(task.cancelling(), 1);
        assert_eq!(task.uncancel(), 0);
        assert_eq!(task.cancelling(), 0);
        assert_eq!(task.await.unwrap(), 42);
    });
}
