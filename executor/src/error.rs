//! The errors of tasks and what waits for them. Each names the task or the call it is about, and carries the
//! numbers. Those of a loop as a whole are in `run_error.rs`.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cancelled::Cancelled;
use crate::clock::InSeconds;
use crate::remote::unpoisoned;

/// A number no other task of its loop has, given in order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What a task is called in messages: its name if it was given one, else `Task-7`.
#[derive(Clone, PartialEq, Eq)]
pub struct TaskName {
    pub(crate) id: TaskId,
    pub(crate) name: Option<Arc<str>>,
}

impl TaskName {
    /// The task's id.
    #[must_use = "reading an id does nothing by itself"]
    pub fn id(&self) -> TaskId {
        self.id
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "Task-{}", self.id.0),
        }
    }
}

impl fmt::Debug for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", self.id)
    }
}

/// The error type a failing task may return; anything `?` can turn into a box fits.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a task has no value for its joiner (rule C17).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum JoinError {
    /// The task was cancelled. [`Cancelled::resume`] passes the cancel on in the joiner.
    Cancelled(Cancelled),
    /// The task was started with `try_spawn` and returned an `Err`.
    Failed(TaskFailed),
    /// The task panicked.
    Panicked(TaskPanicked),
    /// The task's loop was dropped before the task ended, or with its value still inside.
    LoopClosed(TaskName),
    /// The value was already taken by an earlier await or `try_result`.
    Taken(TaskName),
    /// The task is being awaited by itself: it could never end.
    AwaitsItself(TaskName),
    /// The task belongs to another loop than the one that awaits it.
    OtherLoop(TaskName),
}

impl JoinError {
    /// Was the task cancelled?
    #[must_use = "this only looks at the error"]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, JoinError::Cancelled(_))
    }

    /// Did the task fail: an `Err` or a panic, not a cancel?
    #[must_use = "this only looks at the error"]
    pub fn is_failure(&self) -> bool {
        matches!(self, JoinError::Failed(_) | JoinError::Panicked(_))
    }

    /// The task's own error, if it failed with one of type `E`.
    #[must_use = "this only looks at the error"]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            JoinError::Failed(failed) => failed.error.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Cancelled(cancelled) => cancelled.fmt(f),
            JoinError::Failed(failed) => failed.fmt(f),
            JoinError::Panicked(panicked) => panicked.fmt(f),
            JoinError::LoopClosed(task) => {
                write!(f, "task `{task}` ended with its loop: the loop was dropped")
            }
            JoinError::Taken(task) => {
                write!(f, "the value of task `{task}` was already taken")
            }
            JoinError::AwaitsItself(task) => {
                write!(f, "task `{task}` awaits itself and would never end")
            }
            JoinError::OtherLoop(task) => {
                write!(
                    f,
                    "task `{task}` belongs to another loop: await it on its own loop, or use `spawn_threadsafe`"
                )
            }
        }
    }
}

impl Error for JoinError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            JoinError::Failed(failed) => Some(&*failed.error),
            _ => None,
        }
    }
}

/// A task's `Err`, and which task it was.
#[derive(Clone, Debug)]
pub struct TaskFailed {
    pub(crate) task: TaskName,
    pub(crate) error: Arc<dyn Error + Send + Sync>,
}

impl TaskFailed {
    /// The task that failed.
    #[must_use = "reading a name does nothing by itself"]
    pub fn task(&self) -> &TaskName {
        &self.task
    }

    /// The error it returned.
    #[must_use = "reading an error does nothing by itself"]
    pub fn error(&self) -> &Arc<dyn Error + Send + Sync> {
        &self.error
    }
}

impl fmt::Display for TaskFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task `{}` failed: {}", self.task, self.error)
    }
}

/// A task's panic, and which task it was.
#[derive(Clone)]
pub struct TaskPanicked {
    pub(crate) task: TaskName,
    pub(crate) panic: Arc<Panic>,
}

/// A panic, shared by everybody who asks how the task ended.
pub(crate) struct Panic {
    message: Box<str>,
    /// Until the first of them goes on with it.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Panic {
        Panic { message: panic_message(&*payload).into(), payload: Mutex::new(Some(payload)) }
    }
}

impl TaskPanicked {
    /// The task that panicked.
    #[must_use = "reading a name does nothing by itself"]
    pub fn task(&self) -> &TaskName {
        &self.task
    }

    /// The panic's message, if it had a textual one.
    #[must_use = "reading a message does nothing by itself"]
    pub fn message(&self) -> &str {
        &self.panic.message
    }

    /// Goes on with the panic in the caller. The first call carries the payload itself, later ones
    /// its message.
    pub fn resume_panic(self) -> ! {
        let payload = unpoisoned(self.panic.payload.lock()).take();
        std::panic::resume_unwind(payload.unwrap_or_else(|| Box::new(self.message().to_owned())))
    }
}

impl fmt::Display for TaskPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task `{}` panicked: {}", self.task, self.message())
    }
}

impl fmt::Debug for TaskPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskPanicked")
            .field("task", &self.task)
            .field("message", &self.message())
            .finish_non_exhaustive()
    }
}

/// The text of a panic payload.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text")
}

/// A timeout ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed {
    pub(crate) deadline: Option<Duration>,
}

impl Elapsed {
    /// The loop time at which it ran out; `None` from `wait_for` and `wait_for_task` with no time at all,
    /// which ask no clock.
    #[must_use = "reading a deadline does nothing by itself"]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.deadline {
            Some(deadline) => {
                write!(f, "timed out at {} of loop time", InSeconds(deadline))
            }
            None => f.write_str("timed out at once"),
        }
    }
}

impl Error for Elapsed {}

/// The errors of a task group's children in the order they came, the body's own last (rule C12).
#[derive(Clone, Debug)]
pub struct GroupError {
    pub(crate) errors: Vec<JoinError>,
}

impl GroupError {
    /// Every error; there is at least one.
    #[must_use = "reading the errors does nothing by itself"]
    pub fn errors(&self) -> &[JoinError] {
        &self.errors
    }
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.errors {
            [error] => write!(f, "in a task group, {error}"),
            errors => {
                write!(f, "{} errors in a task group", errors.len())?;
                errors.iter().enumerate().try_for_each(|(n, e)| write!(f, "; [{}] {e}", n + 1))
            }
        }
    }
}

impl Error for GroupError {}

/// A task could not be started: its group is aborting or has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupClosed {
    /// A child or the body failed; the group is cancelling what is left of it.
    Aborting,
    /// The group has returned.
    Finished,
}

impl fmt::Display for GroupClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            GroupClosed::Aborting => "is aborting",
            GroupClosed::Finished => "has finished",
        };
        write!(f, "nothing can be spawned into a task group that {why}")
    }
}

impl Error for GroupClosed {}

/// `wait` was given nothing to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmptyWait;

impl fmt::Display for EmptyWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`wait` was given no task: it would wait for ever")
    }
}

impl Error for EmptyWait {}

/// A timeout could not be rescheduled: it is over, or its cancel is already on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RescheduleError {
    /// It has run out; its cancel is on its way.
    Expiring,
    /// It has run out, and its block has been left.
    Expired,
    /// Its block has been left in time.
    Finished,
}

impl fmt::Display for RescheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RescheduleError::Expiring => {
                f.write_str("the timeout is expiring and cannot be moved any more")
            }
            RescheduleError::Expired => {
                f.write_str("the timeout has expired, and its block was left")
            }
            RescheduleError::Finished => f.write_str("the timeout's block was already left"),
        }
    }
}

impl Error for RescheduleError {}

/// The loop a handle belonged to has been dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopClosed {
    pub(crate) call: &'static str,
}

impl fmt::Display for LoopClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: the loop has been dropped", self.call)
    }
}

impl Error for LoopClosed {}
