//! `once_after` and `once_at`: work that waits for its time, and can be taken back until then; Python's
//! `threading.Timer` and `loop.call_later`, for work that awaits.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::{JoinError, Task, TaskHandle, sleep_until, spawn, time};

/// Does `job` once `delay` has passed from now, in a task of its own.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{EventLoop, schedule::once_after, time};
///
/// let mut event_loop = EventLoop::builder().virtual_clock().build()?;
/// event_loop.run_until_complete(async {
///     let tea = once_after(Duration::from_secs(240), async { "ready" });
///     let coffee = once_after(Duration::from_secs(60), async { "ready" });
///     assert!(coffee.cancel()); // it had not begun
///     assert_eq!(tea.await.unwrap(), "ready");
///     assert_eq!(time(), Duration::from_secs(240));
/// })?;
/// # Ok::<(), wheelhouse::RunError>(())
/// ```
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn once_after<F: Future + 'static>(delay: Duration, job: F) -> Once<F::Output> {
    once_at(time().saturating_add(delay), job)
}

/// Does `job` when the loop's [`time`] is `when`, in a task of its own. A time that has come is at once,
/// a bare turn after the task's first step.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn once_at<F: Future + 'static>(when: Duration, job: F) -> Once<F::Output> {
    let begun = Rc::new(Cell::new(false));
    let begins = Rc::clone(&begun);
    let task = spawn(async move {
        sleep_until(when).await;
        begins.set(true);
        job.await
    });
    Once { task, when, begun }
}

/// Work that waits for its time, and the future of its value: see [`once_after`]. Dropping it lets the work
/// be done all the same.
///
/// # Cancel safety
///
/// As a [`Task`]: an await forwards, and so cancelling the waiter cancels the work (rule C9).
#[must_use = "dropping it detaches the task; await it, keep it, or say `.detach()`"]
pub struct Once<T> {
    task: Task<T>,
    when: Duration,
    begun: Rc<Cell<bool>>,
}

impl<T: 'static> Once<T> {
    /// Takes the work back; `false`, and nothing happens, if it has begun. The work is then dropped unpolled.
    ///
    /// What has begun can be cancelled as every task can, by its [`task`](Once::task).
    pub fn cancel(&self) -> bool {
        !self.has_begun() && self.task.cancel()
    }

    /// Has the work begun?
    #[must_use = "this only looks"]
    pub fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Is it over: done, failed or taken back?
    #[must_use = "this only looks"]
    pub fn is_done(&self) -> bool {
        self.task.is_done()
    }

    /// The loop time at which it begins.
    #[must_use = "this only reads the time"]
    pub fn when(&self) -> Duration {
        self.when
    }

    /// The task that waits, and then does the work.
    #[must_use = "a handle does nothing by itself"]
    pub fn task(&self) -> &TaskHandle {
        self.task.handle()
    }

    /// Lets the work be done by itself.
    pub fn detach(self) {}
}

impl<T: 'static> Future for Once<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl<T> fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once")
            .field("task", &self.task)
            .field("when", &self.when)
            .field("begun", &self.begun.get())
            .finish()
    }
}
