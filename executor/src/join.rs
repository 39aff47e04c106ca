//! Awaiting a task: the forwarding await (rule C9), asyncio's `await task`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::context;
use crate::error::JoinError;
use crate::handle::TaskHandle;
use crate::keyed::Key;
use crate::observer::Action;
use crate::wait::{OpenWait, Target};

/// The future of a task's end, without its value: see [`TaskHandle::join`].
///
/// # Cancel safety
///
/// Cancel safe: a wait that is dropped leaves the task as it is. A *cancel* of the waiter, however, is
/// forwarded to the task (rule C9); [`shield`](crate::shield) is there for the rest.
#[must_use = "a join does nothing until it is awaited"]
pub struct Join {
    task: TaskHandle,
    wait: Option<OpenWait>,
}

impl Join {
    pub(crate) fn new(task: TaskHandle) -> Join {
        Join { task, wait: None }
    }

    pub(crate) fn handle(&self) -> &TaskHandle {
        &self.task
    }

    /// Ready when the task has ended; an error if it cannot be awaited from here at all.
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), JoinError>> {
        if self.task.is_done() {
            return self.poll_done();
        }
        match &self.wait {
            Some(wait) => drop(wait.touch(cx)),
            None => match self.refusal() {
                Some(error) => return Poll::Ready(Err(error)),
                None => self.register(cx),
            },
        }
        Poll::Pending
    }

    fn poll_done(&mut self) -> Poll<Result<(), JoinError>> {
        let Some(wait) = self.wait.take() else { return Poll::Ready(Ok(())) };
        if wait.forwarded() && self.task.is_cancelled() {
            // It ended by our own request: the cancel goes on here, not as a value one might overlook.
            wait.raise();
            self.wait = Some(wait);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn register(&mut self, cx: &mut Context<'_>) {
        let target = Target::Task(self.task.index(), Key::NONE);
        let wait = OpenWait::new(self.task.core(), target, cx);
        let observer = self.task.observe(Action::Wake(wait.key()));
        self.task.core().with(|state| {
            state.waits[wait.key().index].target = Target::Task(self.task.index(), observer);
        });
        self.wait = Some(wait);
    }

    /// Why the task cannot be awaited by the code that polls.
    fn refusal(&self) -> Option<JoinError> {
        let core = self.task.core();
        if core.with(|state| state.current_task()) == Some(self.task.index()) {
            return Some(JoinError::AwaitsItself(self.task.name()));
        }
        if core.remote.is_closed() {
            return Some(JoinError::LoopClosed(self.task.name()));
        }
        context::try_current(|running| !Rc::ptr_eq(running, core))
            .unwrap_or(false)
            .then(|| JoinError::OtherLoop(self.task.name()))
    }
}

impl Future for Join {
    type Output = Result<(), JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.poll_ended(cx) {
            Poll::Ready(Ok(())) => {
                Poll::Ready(self.task.ending().expect("the task has ended"))
            }
            other => other,
        }
    }
}

impl fmt::Debug for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("task", &self.task).finish_non_exhaustive()
    }
}
