//! Handles: what users hold of a task. They are an index and a count; the loop owns the task itself, and
//! dropping a handle detaches, it never cancels (rule C10).

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::cancelled::Cancelled;
use crate::cell::Fault;
use crate::context::{self, Core};
use crate::error::{JoinError, TaskFailed, TaskId, TaskName, TaskPanicked};
use crate::join::{Join, Joined};
use crate::keyed::Key;
use crate::lists::NIL;
use crate::observer::Action;
use crate::state::State;
use crate::task::CellBox;
use crate::tasks::{Flag, Life};

/// A handle to a spawned task, and the future of its value: asyncio's `Task`.
///
/// Await it by value, or by `&mut` to keep it. The await *forwards*: cancelling the waiter cancels this
/// task (rule C9). Dropping the handle detaches the task, which runs on.
///
/// # Cancel safety
///
/// Cancel safe: a wait that is dropped leaves the task, and its value, as they are.
#[must_use = "dropping a task handle detaches the task; await it, keep it, or say `.detach()`"]
pub struct Task<T> {
    join: Join,
    value: PhantomData<fn() -> T>,
}

impl Task<()> {
    /// Starts a task with a name of its own, which messages and reports will show.
    pub fn builder() -> crate::spawn::Builder {
        crate::spawn::Builder::new()
    }
}

impl<T: 'static> Task<T> {
    pub(crate) fn new(handle: TaskHandle) -> Task<T> {
        Task { join: Join::new(handle), value: PhantomData }
    }

    /// The untyped handle of this task. Clone it to keep it.
    #[must_use = "a handle does nothing by itself"]
    pub fn handle(&self) -> &TaskHandle {
        self.join.handle()
    }

    /// Lets the task run on by itself.
    pub fn detach(self) {}

    /// How the task ended, with its value if there is one, for as often as one asks; `None` while it runs.
    #[must_use = "this only looks at the outcome"]
    pub fn outcome(&self) -> Option<Result<T, JoinError>>
    where
        T: Clone,
    {
        if let Err(error) = self.handle().ending()? {
            return Some(Err(error));
        }
        let value = self.handle().with_output(|output| {
            output.downcast_ref::<Option<T>>().expect("a task's type is its handle's").clone()
        });
        Some(value.flatten().ok_or_else(|| JoinError::Taken(self.name())))
    }

    /// Takes the value, or says why there is none; `None` while the task runs.
    #[must_use = "the value is taken out of the task; without a use it is lost"]
    pub fn try_result(&mut self) -> Option<Result<T, JoinError>> {
        self.handle().is_done().then(|| self.take())
    }

    /// The value of a task that has ended.
    pub(crate) fn take(&self) -> Result<T, JoinError> {
        match self.handle().take_value().and_then(value_of) {
            Some(value) => Ok(value),
            None => Err(self.handle().join_error()),
        }
    }
}

/// The value out of a cell that nobody needs any more.
pub(crate) fn value_of<T: 'static>(mut cell: CellBox) -> Option<T> {
    cell.as_mut().output()?.downcast_mut::<Option<T>>()?.take()
}

/// The calls that a task shares with its untyped handle.
impl<T> std::ops::Deref for Task<T> {
    type Target = TaskHandle;
    fn deref(&self) -> &TaskHandle {
        self.join.handle()
    }
}

impl<T: 'static> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.join.poll_end(cx) {
            Joined::Waits => Poll::Pending,
            Joined::Ended => Poll::Ready(self.take()),
            Joined::Refused => Poll::Ready(Err(self.join.refusal())),
        }
    }
}

impl<T> Unpin for Task<T> {}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.join.handle().fmt(f)
    }
}

/// A cheap, clonable, untyped handle to a task.
///
/// It keeps how the task ended, not the task running: the loop does that.
pub struct TaskHandle {
    core: Rc<Core>,
    index: u32,
    /// Of the handle in a [`Join`] that waits, where its wait lives; else [`NIL`]. It stands here as here is
    /// room for it: a join is no larger than a handle.
    wait: u32,
}

impl TaskHandle {
    /// A handle for a reference that is counted already.
    pub(crate) fn adopt(core: &Rc<Core>, index: u32) -> TaskHandle {
        TaskHandle { core: Rc::clone(core), index, wait: NIL }
    }

    /// Requests that the task be cancelled (rules C1, C2): it takes effect at an await point, and the
    /// task may catch it. `false` if the task has ended; should it have failed, that counts as looked at.
    pub fn cancel(&self) -> bool {
        self.core.with(|state| state.cancel(self.index, None))
    }

    /// [`cancel`](TaskHandle::cancel) with a reason, which the [`Cancelled`] of the task will carry.
    pub fn cancel_with(&self, reason: impl Into<Arc<str>>) -> bool {
        let reason = reason.into();
        self.core.with(|state| state.cancel(self.index, Some(reason)))
    }

    /// How many requests were made and not taken back.
    #[must_use = "this only reads the count"]
    pub fn cancelling(&self) -> u32 {
        self.core.peek(|state| state.tasks[self.index].cancelling)
    }

    /// Takes one request back and returns how many are left. At zero, a request that has not reached its
    /// await point yet is withdrawn (rule C1).
    pub fn uncancel(&self) -> u32 {
        self.core.with(|state| state.uncancel(self.index))
    }

    /// Drops the whole task at its await point, on its next turn; no scope is asked (rule C14). The last
    /// resort that always works. `false` if the task has ended.
    pub fn abort(&self) -> bool {
        self.core.with(|state| state.abort(self.index))
    }

    /// Has the task ended, in whatever way?
    #[must_use = "this only looks at the task"]
    pub fn is_done(&self) -> bool {
        self.core.peek(|state| state.tasks[self.index].is_done())
    }

    /// Did the task end cancelled?
    #[must_use = "this only looks at the task"]
    pub fn is_cancelled(&self) -> bool {
        self.core.peek(|state| state.tasks[self.index].life == Life::Cancelled)
    }

    /// The task's id.
    #[must_use = "this only reads the id"]
    pub fn id(&self) -> TaskId {
        TaskId(self.core.peek(|state| state.tasks[self.index].id))
    }

    /// What the task is called: the name it was given, else `Task-` and its id.
    #[must_use = "this only reads the name"]
    pub fn name(&self) -> TaskName {
        self.core.peek(|state| state.task_name(self.index))
    }

    /// Where the task was spawned; `None` once it was cancelled, or its value was taken.
    #[must_use = "this only reads the location"]
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.core.peek(|state| state.tasks[self.index].spawned_at())
    }

    /// How the task ended, without its value; `None` while it runs.
    #[must_use = "this only looks at the outcome"]
    pub fn ending(&self) -> Option<Result<(), JoinError>> {
        self.core.with(|state| state.tasks[self.index].is_done().then(|| state.ending(self.index)))
    }

    /// Waits for the task's end, as an await of the task itself would: forwarding (rule C9).
    pub fn join(&self) -> Join {
        Join::new(self.clone())
    }

    /// Calls `callback` from the loop after the task has ended, in the order in which callbacks were
    /// added (rule T3). On a task that has ended it is called in the next turn.
    pub fn add_done_callback(&self, callback: impl FnOnce(&TaskHandle) + 'static) -> DoneCallback {
        let action = Action::Call(Box::new(callback));
        DoneCallback { key: self.core.with(|state| state.observe(self.index, action)) }
    }

    /// Takes a callback back; `false` if it is queued already, or has run.
    pub fn remove_done_callback(&self, callback: DoneCallback) -> bool {
        self.unobserve(callback.key)
    }

    /// Why the task failed, if it has.
    pub(crate) fn failure(&self) -> Option<JoinError> {
        self.core.with(|state| {
            let failed = state.tasks[self.index].life == Life::Failed;
            failed.then(|| state.join_error(self.index))
        })
    }

    /// How the task ended. One that has not is of another loop than the combinator that asks.
    pub(crate) fn ended(&self) -> Result<(), JoinError> {
        self.ending().unwrap_or_else(|| Err(JoinError::OtherLoop(self.name())))
    }

    /// The cell with the task's value, unless it was taken, or the task has none.
    pub(crate) fn take_value(&self) -> Option<CellBox> {
        self.core.with(|state| state.tasks[self.index].take_value())
    }

    /// Why there is no value.
    #[cold]
    pub(crate) fn join_error(&self) -> JoinError {
        self.core.with(|state| state.join_error(self.index))
    }

    pub(crate) fn core(&self) -> &Rc<Core> {
        &self.core
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// The loop, the task, and where the wait of the join that holds this handle lives.
    #[inline]
    pub(crate) fn parts(&mut self) -> (&Rc<Core>, u32, &mut u32) {
        (&self.core, self.index, &mut self.wait)
    }

    pub(crate) fn observe(&self, action: Action) -> Key {
        self.core.with(|state| state.observe(self.index, action))
    }

    /// Takes an observer back; `false` if it is queued already, or has run.
    pub(crate) fn unobserve(&self, key: Key) -> bool {
        self.core.with(|state| state.remove_observer(self.index, key))
    }

    /// Shows the task's output, an `Option<T>`. The cell is out of its slot meanwhile: what `look` does
    /// may be a user's code.
    fn with_output<R>(&self, look: impl FnOnce(&mut dyn Any) -> R) -> Option<R> {
        let mut cell = self.core.with(|state| state.tasks[self.index].take_cell())?;
        let result = catch_unwind(AssertUnwindSafe(|| cell.as_mut().output().map(look)));
        self.core.with(|state| state.tasks[self.index].put_cell(cell));
        result.unwrap_or_else(|payload| resume_unwind(payload))
    }
}

impl Clone for TaskHandle {
    fn clone(&self) -> Self {
        self.core.with(|state| state.tasks[self.index].refs += 1);
        TaskHandle::adopt(&self.core, self.index)
    }
}

impl Drop for TaskHandle {
    fn drop(&mut self) {
        self.core.with(|state| state.release(self.index));
    }
}

impl PartialEq for TaskHandle {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && Rc::ptr_eq(&self.core, &other.core)
    }
}

impl Eq for TaskHandle {}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, life) =
            self.core.peek(|state| (state.task_name(self.index), state.tasks[self.index].life));
        f.debug_struct("Task").field("name", &name).field("state", &life).finish()
    }
}

/// Names a done callback, so that it can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoneCallback {
    key: Key,
}

impl State {
    /// How a task that has ended did so, without its value.
    pub(crate) fn ending(&mut self, task: u32) -> Result<(), JoinError> {
        match self.tasks[task].life {
            Life::Finished => Ok(()),
            _ => Err(self.join_error(task)),
        }
    }

    /// Why a task has no value to give, since it has ended, or belongs to another loop than the one that
    /// asks; from now on somebody has looked.
    pub(crate) fn join_error(&mut self, task: u32) -> JoinError {
        if self.tasks[task].is_done() {
            self.tasks[task].set(Flag::Seen);
        }
        let slot = &self.tasks[task];
        let name = || self.task_name(task);
        match (slot.life, slot.cell().and_then(|cell| cell.fault())) {
            (Life::Cancelled, _) => JoinError::Cancelled(Cancelled::of_task(self, task)),
            (Life::Failed, Some(fault)) => fault.clone().into_join_error(name()),
            (Life::Finished, _) if !self.closed => JoinError::Taken(name()),
            (Life::Alive, _) => JoinError::OtherLoop(name()),
            _ => JoinError::LoopClosed(name()),
        }
    }
}

impl Fault {
    pub(crate) fn into_join_error(self, task: TaskName) -> JoinError {
        match self {
            Fault::Error(error) => JoinError::Failed(TaskFailed { task, error }),
            Fault::Panic(panic) => JoinError::Panicked(TaskPanicked { task, panic }),
        }
    }
}

/// The task that runs right now; `None` in callbacks and outside a loop.
#[must_use = "this only looks"]
pub fn current_task() -> Option<TaskHandle> {
    context::try_current(|core| {
        let index = core.with(|state| {
            let task = state.current_task()?;
            state.tasks[task].refs += 1;
            Some(task)
        })?;
        Some(TaskHandle::adopt(core, index))
    })
    .flatten()
}

/// The tasks of the running loop that have not ended, in order of creation.
///
/// # Panics
///
/// Outside a running loop.
#[must_use = "this only looks"]
#[track_caller]
pub fn all_tasks() -> Vec<TaskHandle> {
    context::current("all_tasks", living_tasks)
}

pub(crate) fn living_tasks(core: &Rc<Core>) -> Vec<TaskHandle> {
    core.with(|state| {
        let mut handles = Vec::new();
        for task in state.tasks.living() {
            state.tasks[task].refs += 1;
            handles.push(TaskHandle::adopt(core, task));
        }
        handles
    })
}
