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
use crate::task::CellBox;
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

    /// One poll of the wait for the task's end, which gives the cell with its value, if it has one.
    pub(crate) fn poll_value(&mut self, cx: &Context<'_>) -> Joined<Option<CellBox>> {
        self.poll_joined(cx, |state, task| state.tasks[task].take_value())
    }

    /// One poll of the wait for the task's end; `look` tells what there is to be had of it then.
    #[inline]
    fn poll_joined<R>(
        &mut self,
        cx: &Context<'_>,
        look: impl FnOnce(&mut State, u32) -> R,
    ) -> Joined<R> {
        let (core, task, wait) = self.task.parts();
        let ended = core.with(|state| {
            state.tasks[task].is_done().then(|| match state.end_join(task, wait) {
                true => Joined::Ended(look(state, task)),
                false => Joined::Waits,
            })
        });
        if let Some(ended) = ended {
            return ended;
        }
        let waker = core.foreign_waker(cx);
        // Polled by a task of this loop itself, it need not ask which loop runs.
        let elsewhere = waker.is_some() && context::another_runs(core);
        match core.with(|state| state.wait_for_end(task, wait, waker, elsewhere)) {
            true => Joined::Waits,
            false => Joined::Refused,
        }
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
    /// The task has ended: lets go of the wait for that. If it ended cancelled, and by our own request, the
    /// cancel goes on in the scope that awaits, not as a value one might overlook: `false`.
    #[inline]
    fn end_join(&mut self, task: u32, wait: &mut u32) -> bool {
        if *wait == NIL {
            return true;
        }
        if self.tasks[task].life == Life::Cancelled && self.waits[*wait].forwarded {
            self.raise_from(*wait);
            return false;
        }
        self.remove_wait(self.waits.key_at(*wait));
        *wait = NIL;
        true
    }

    /// The task lives: waits for its end; `false` if the code that polls cannot.
    #[inline]
    fn wait_for_end(
        &mut self,
        task: u32,
        wait: &mut u32,
        waker: Option<Waker>,
        elsewhere: bool,
    ) -> bool {
        if *wait != NIL {
            self.touch_wait_at(*wait, waker);
            return true;
        }
        if elsewhere || self.current.task == task {
            return false;
        }
        let key = self.open_wait(&Target::Task(task, NIL), waker);
        *wait = key.index();
        let observer = self.await_task(task, key);
        if observer != NIL {
            self.note_observer(key, observer);
        }
        true
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
