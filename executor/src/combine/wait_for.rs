//! `wait_for`: asyncio's `wait_for`, for a future and for a task.

use std::future::Future;
use std::time::Duration;

use super::Joinable;
use crate::error::{Elapsed, JoinError};
use crate::handle::TaskHandle;
use crate::spawn::spawn;
use crate::target::What;
use crate::timeout::timeout;
use crate::wait_once::TaskEnd;

/// Polls `future` in place for at most `limit`, for as long as it takes if that is `None`; it is
/// [`timeout`](crate::timeout), but that a limit of zero never starts the future. It still suspends, for
/// three turns as in asyncio.
///
/// # Errors
///
/// [`Elapsed`], if the future was cancelled by the timeout and let that happen.
///
/// # Cancel safety
///
/// As cancel safe as `future`.
pub async fn wait_for<F: Future>(
    future: F,
    limit: impl Into<Option<Duration>>,
) -> Result<F::Output, Elapsed> {
    match limit.into() {
        None => Ok(future.await),
        Some(Duration::ZERO) => {
            // As asyncio, where a task is made of it and cancelled before its first step.
            let never_started = spawn(async {});
            cancel_and_wait(never_started.handle()).await;
            Err(Elapsed { deadline: None })
        }
        Some(limit) => timeout(limit, future).await,
    }
}

/// Waits for a task for at most `limit` (`None`: for as long as it takes), then cancels it **and waits for
/// its end**. A task that suppresses the cancel and returns a value still gives that value.
///
/// With a limit of zero a task that is done gives its outcome; another one is cancelled at once.
///
/// # Errors
///
/// [`Elapsed`], if the task ended cancelled by the timeout.
///
/// # Cancel safety
///
/// Cancel safe with a handle or a reference. Cancelling the waiter cancels the task, too (rule C9).
pub async fn wait_for_task<K: Joinable>(
    task: K,
    limit: impl Into<Option<Duration>>,
) -> Result<Result<K::Value, JoinError>, Elapsed> {
    let joined = match limit.into() {
        None => task.task().join().await,
        Some(Duration::ZERO) => {
            if !task.task().is_done() {
                cancel_and_wait(task.task()).await;
                if task.task().is_cancelled() {
                    return Err(Elapsed { deadline: None });
                }
            }
            Ok(())
        }
        Some(limit) => timeout(limit, task.task().join()).await?,
    };
    Ok(match joined {
        Err(refusal) if !task.task().is_done() => Err(refusal),
        _ => task.into_result(),
    })
}

/// Cancels a task and waits for its end, without forwarding: asyncio's `_cancel_and_wait`.
async fn cancel_and_wait(task: &TaskHandle) {
    let ended = TaskEnd::new(task, What::CancelledTask);
    task.cancel();
    ended.await;
}
