//! Awaiting a task: the forwarding await (rule C9), asyncio's `await task`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::context;
use crate::error::JoinError;
use crate::handle::TaskHandle;
use crate::lists::NIL;
use crate::state::State;
use crate::target::Target;
use crate::tasks::Life;

/// The future of a task's end, without its value: see [`TaskHandle::join`].
///
/// # Cancel safety
///
/// Cancel safe: a wait that is dropped leaves the task as it is. A *cancel* of the waiter, however, is
/// forwarded to the task (rule C9); [`shield`](crate::shield) is there for the rest.
#[must_use = "a join does nothing until it is awaited"]
pub struct Join {
    task: TaskHandle,
}

const _: () = assert!(size_of::<Join>() == 16);

impl Join {
    pub(crate) fn new(task: TaskHandle) -> Join {
        Join { task }
    }

    pub(crate) fn handle(&self) -> &TaskHandle {
        &self.task
    }

    /// One poll of the wait for the task's end; `look` tells what there is to be had of it then.
    #[inline]
    pub(crate) fn poll_joined<R>(
        &mut self,
        cx: &Context<'_>,
        look: impl FnOnce(&mut State, u32) -> R,
    ) -> Joined<R> {
        let (core, task, wait) = self.task.parts();
        let waker = core.foreign_waker(cx);
        let elsewhere = *wait == NIL && context::another_runs(core);
        core.with(|state| match state.poll_join(task, wait, waker, elsewhere) {
            Joined::Ended(()) => Joined::Ended(look(state, task)),
            Joined::Waits => Joined::Waits,
            Joined::Refused => Joined::Refused,
        })
    }

    /// Why the task cannot be awaited by the code that polls.
    pub(crate) fn refusal(&self) -> JoinError {
        match context::another_runs(self.task.core()) {
            true => JoinError::OtherLoop(self.task.name()),
            false => JoinError::AwaitsItself(self.task.name()),
        }
    }
}

/// What one poll of a join comes to.
pub(crate) enum Joined<R> {
    /// Suspended, or raising.
    Waits,
    Ended(R),
    /// The task cannot be awaited by the code that polls.
    Refused,
}

impl State {
    fn poll_join(
        &mut self,
        task: u32,
        wait: &mut u32,
        waker: Option<Waker>,
        elsewhere: bool,
    ) -> Joined<()> {
        if self.tasks[task].is_done() {
            return self.end_join(task, wait);
        }
        if *wait != NIL {
            self.touch_wait_at(*wait, waker);
            return Joined::Waits;
        }
        if elsewhere || self.current_task() == Some(task) {
            return Joined::Refused;
        }
        let key = self.open_wait(Target::Task(task, NIL), waker);
        *wait = key.index();
        let observer = self.await_task(task, key);
        if observer != NIL {
            self.note_observer(key, observer);
        }
        Joined::Waits
    }

    /// The task has ended. If it did so cancelled, and by our own request, the cancel goes on in the scope
    /// that awaits, not as a value one might overlook.
    #[inline]
    fn end_join(&mut self, task: u32, wait: &mut u32) -> Joined<()> {
        if *wait == NIL {
            return Joined::Ended(());
        }
        if self.tasks[task].life == Life::Cancelled && self.waits[*wait].forwarded {
            self.raise_from(*wait);
            return Joined::Waits;
        }
        self.remove_wait(self.waits.key_at(*wait));
        *wait = NIL;
        Joined::Ended(())
    }
}

impl Future for Join {
    type Output = Result<(), JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.poll_joined(cx, State::ending) {
            Joined::Waits => Poll::Pending,
            Joined::Ended(ending) => Poll::Ready(ending),
            Joined::Refused => Poll::Ready(Err(self.refusal())),
        }
    }
}

impl Drop for Join {
    fn drop(&mut self) {
        let (core, _, wait) = self.task.parts();
        if *wait != NIL {
            core.with(|state| state.remove_wait(state.waits.key_at(*wait)));
        }
    }
}

impl fmt::Debug for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("task", &self.task).finish_non_exhaustive()
    }
}
