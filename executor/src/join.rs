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

    /// One poll of the wait for the task's end.
    pub(crate) fn poll_end(&mut self, cx: &Context<'_>) -> Joined {
        let (core, task, wait) = self.task.parts();
        if let Some(ended) = core.with(|state| state.end_join(task, wait)) {
            return ended;
        }
        let waker = core.foreign_waker(cx);
        // Polled by a task of this loop itself, it need not ask which loop runs.
        let elsewhere = waker.is_some() && context::another_runs(core);
        core.with(|state| state.wait_for_end(task, wait, waker, elsewhere))
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
pub(crate) enum Joined {
    /// Suspended, or raising.
    Waits,
    Ended,
    /// The task cannot be awaited by the code that polls.
    Refused,
}

impl State {
    /// Lets go of the wait for a task that has ended; `None` if it lives. If it ended cancelled, and by our
    /// own request, the cancel goes on in the scope that awaits, not as a value one might overlook.
    fn end_join(&mut self, task: u32, wait: &mut u32) -> Option<Joined> {
        let slot = &self.tasks[task];
        if !slot.is_done() {
            return None;
        }
        if *wait == NIL {
            return Some(Joined::Ended);
        }
        if slot.life == Life::Cancelled && self.waits[*wait].forwarded {
            self.raise_from(*wait);
            return Some(Joined::Waits);
        }
        self.remove_wait(self.waits.key_at(*wait));
        *wait = NIL;
        Some(Joined::Ended)
    }

    /// Waits for the end of a task that lives.
    fn wait_for_end(
        &mut self,
        task: u32,
        wait: &mut u32,
        waker: Option<Waker>,
        elsewhere: bool,
    ) -> Joined {
        if *wait != NIL {
            self.touch_wait_at(*wait, waker);
            return Joined::Waits;
        }
        if elsewhere || self.current.task == task {
            return Joined::Refused;
        }
        let key = self.open_wait(&Target::Task(task, NIL), waker);
        *wait = key.index();
        let observer = self.await_task(task, key);
        if observer != NIL {
            self.note_observer(key, observer);
        }
        Joined::Waits
    }
}

impl Future for Join {
    type Output = Result<(), JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.poll_end(cx) {
            Joined::Waits => Poll::Pending,
            Joined::Ended => Poll::Ready(self.task.ended()),
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
