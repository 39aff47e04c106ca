//! `Ticket`: what a submitter holds of work that waits for a worker; and `Queued`, the worker's side of it.

use std::cell::OnceCell;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::{JoinError, Promised, Task, TaskHandle, promise, spawn};

/// Work that was submitted, and the future of its value.
///
/// An await forwards (rule C9): cancelling the waiter cancels the work, be it in the queue or under way.
/// Dropping the ticket lets the work be done all the same.
///
/// # Cancel safety
///
/// Cancel safe: a wait that is dropped leaves the work, and its value, as they are.
#[must_use = "dropping a ticket leaves the work to itself; await it, keep it, or say `.detach()`"]
pub struct Ticket<T> {
    stage: Stage<T>,
    task: Rc<OnceCell<TaskHandle>>,
}

enum Stage<T> {
    Waiting(Promised<Task<T>>),
    Started(Task<T>),
}

impl<T: 'static> Ticket<T> {
    /// Requests that the work be cancelled. In the queue it is never begun (it is dropped when its turn comes);
    /// under way it is cancelled as a task is. `false` if it is over.
    pub fn cancel(&self) -> bool {
        match (self.task.get(), &self.stage) {
            (Some(task), _) => task.cancel(),
            (None, Stage::Waiting(promised)) => promised.cancel(),
            (None, Stage::Started(_)) => unreachable!("a task that was started is known"),
        }
    }

    /// The task that does the work; `None` while it waits in the queue.
    #[must_use = "a handle does nothing by itself"]
    pub fn task(&self) -> Option<&TaskHandle> {
        self.task.get()
    }

    /// Lets the work be done by itself.
    pub fn detach(self) {}
}

impl<T: 'static> Future for Ticket<T> {
    type Output = Result<T, JobError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Waiting(promised) = &mut self.stage {
            match ready!(Pin::new(promised).poll(cx)) {
                Ok(task) => self.stage = Stage::Started(task),
                Err(_) => return Poll::Ready(Err(JobError::NeverBegun)),
            }
        }
        let Stage::Started(task) = &mut self.stage else { unreachable!("it was just started") };
        Pin::new(task).poll(cx).map_err(JobError::Ended)
    }
}

impl<T> fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("task", &self.task.get()).finish()
    }
}

/// Why work that was submitted has no value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum JobError {
    /// It was cancelled in the queue, or the queue was closed before its turn came.
    NeverBegun,
    /// It was cancelled while it ran, or panicked.
    Ended(JoinError),
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobError::NeverBegun => {
                f.write_str("the work was never begun: it was cancelled, or its queue was closed")
            }
            JobError::Ended(error) => error.fmt(f),
        }
    }
}

impl Error for JobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            JobError::NeverBegun => None,
            JobError::Ended(error) => error.source(),
        }
    }
}

/// Work in a queue.
pub(super) struct Queued {
    start: Box<dyn FnOnce() -> Option<TaskHandle>>,
}

impl Queued {
    /// Starts a task for the work; `None` if it was cancelled in the queue.
    pub(super) fn start(self) -> Option<TaskHandle> {
        (self.start)()
    }
}

/// Both sides of one piece of work.
pub(super) fn ticket<F: Future + 'static>(work: F) -> (Queued, Ticket<F::Output>) {
    let (promise, promised) = promise();
    let task = Rc::new(OnceCell::new());
    let ticket = Ticket { stage: Stage::Waiting(promised), task: Rc::clone(&task) };
    let start = move || {
        if promise.is_done() {
            return None;
        }
        let started = spawn(work);
        let handle = task.get_or_init(|| started.handle().clone()).clone();
        promise.set(started).expect("it was not done a moment ago");
        Some(handle)
    };
    (Queued { start: Box::new(start) }, ticket)
}
