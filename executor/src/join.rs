//! Awaiting a task: the forwarding await (rule C9), asyncio's `await task`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::context;
use crate::error::JoinError;
use crate::handle::TaskHandle;
use crate::keyed::Key;
use crate::state::State;
use crate::task::Life;
use crate::wait::Target;

/// The future of a task's end, without its value: see [`TaskHandle::join`].
///
/// # Cancel safety
///
/// Cancel safe: a wait that is dropped leaves the task as it is. A *cancel* of the waiter, however, is
/// forwarded to the task (rule C9); [`shield`](crate::shield) is there for the rest.
#[must_use = "a join does nothing until it is awaited"]
pub struct Join {
    task: TaskHandle,
    wait: Key,
}

impl Join {
    pub(crate) fn new(task: TaskHandle) -> Join {
        Join { task, wait: Key::NONE }
    }

    pub(crate) fn handle(&self) -> &TaskHandle {
        &self.task
    }

    /// Ready when the task has ended: with what `ended` makes of it, or why it cannot be awaited from here
    /// at all.
    pub(crate) fn poll_ended<R>(
        &mut self,
        cx: &Context<'_>,
        ended: impl FnOnce(&mut State, u32) -> Result<R, JoinError>,
    ) -> Poll<Result<R, JoinError>> {
        let task = self.task.index();
        let core = self.task.core();
        let foreign = core.foreign_waker(cx);
        let elsewhere = self.wait.is_none() && context::another_runs(core);
        let wait = &mut self.wait;
        let (polled, replaced) =
            core.with(|state| match state.poll_join(task, wait, foreign, elsewhere) {
                Joined::Ended => (Poll::Ready(ended(state, task)), None),
                Joined::Refused(error) => (Poll::Ready(Err(error)), None),
                Joined::Waits(replaced) => (Poll::Pending, replaced),
            });
        drop(replaced);
        polled
    }
}

/// What one poll of a join comes to.
enum Joined {
    Ended,
    /// The task cannot be awaited by the code that polls.
    Refused(JoinError),
    /// Suspended, or raising; with the waker that was replaced, whose drop is a user's code.
    Waits(Option<Waker>),
}

impl State {
    fn poll_join(
        &mut self,
        task: u32,
        wait: &mut Key,
        foreign: Option<Waker>,
        elsewhere: bool,
    ) -> Joined {
        if self.tasks[task].is_done() {
            return self.end_join(task, wait);
        }
        if !wait.is_none() {
            return Joined::Waits(self.touch_wait(*wait, foreign).1);
        }
        if self.current_task() == Some(task) {
            return Joined::Refused(JoinError::AwaitsItself(self.task_name(task)));
        }
        if elsewhere {
            return Joined::Refused(JoinError::OtherLoop(self.task_name(task)));
        }
        *wait = self.open_wait(Target::Task(task, Key::NONE), foreign);
        let observer = self.await_task(task, *wait);
        self.waits[wait.index].target = Target::Task(task, observer);
        Joined::Waits(None)
    }

    /// The task has ended. If it did so cancelled, and by our own request, the cancel goes on in the scope
    /// that awaits, not as a value one might overlook.
    fn end_join(&mut self, task: u32, wait: &mut Key) -> Joined {
        let Some(entry) = self.waits.get(*wait) else { return Joined::Ended };
        if entry.forwarded && self.tasks[task].life == Life::Cancelled {
            self.raise_from(*wait);
            return Joined::Waits(None);
        }
        let entry = self.remove_wait(std::mem::replace(wait, Key::NONE));
        debug_assert!(
            entry.is_some_and(|entry| !entry.is_foreign()),
            "a set wait has used its waker"
        );
        Joined::Ended
    }
}

impl Future for Join {
    type Output = Result<(), JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_ended(cx, State::ending)
    }
}

impl Drop for Join {
    fn drop(&mut self) {
        if !self.wait.is_none() {
            let removed = self.task.core().with(|state| state.remove_wait(self.wait));
            drop(removed);
        }
    }
}

impl fmt::Debug for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("task", &self.task).finish_non_exhaustive()
    }
}
