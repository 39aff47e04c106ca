//! Why a loop could not bring a future to its end; the report of a deadlock.

use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;

use crate::cancelled::Cancelled;
use crate::error::{JoinError, TaskName};

/// A task that was still waiting when nothing could wake it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingTask {
    pub(crate) task: TaskName,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) waits_for: Vec<String>,
}

impl WaitingTask {
    /// The task.
    #[must_use = "reading a name does nothing by itself"]
    pub fn task(&self) -> &TaskName {
        &self.task
    }

    /// Where it was spawned.
    #[must_use = "reading a location does nothing by itself"]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// What it waits for, as far as the loop knows: a future of another crate is not known.
    #[must_use = "reading the waits does nothing by itself"]
    pub fn waits_for(&self) -> &[String] {
        &self.waits_for
    }
}

impl fmt::Display for WaitingTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = InWords(&self.waits_for);
        write!(f, "task `{}` (spawned at {}) waits for {waits}", self.task, self.spawned_at)
    }
}

/// What a task waits for, in a report.
pub(crate) struct InWords<'a>(pub(crate) &'a [String]);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("something unknown to the loop"),
            [first, others @ ..] => {
                f.write_str(first)?;
                others.iter().try_for_each(|other| write!(f, ", {other}"))
            }
        }
    }
}

/// Nothing is ready, no timer is armed and nobody outside could wake the loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    pub(crate) waiting: Vec<WaitingTask>,
}

impl Deadlock {
    /// The tasks that wait for ever, in order of creation.
    #[must_use = "reading the tasks does nothing by itself"]
    pub fn waiting(&self) -> &[WaitingTask] {
        &self.waiting
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deadlock: {} task(s) wait and nothing can wake them", self.waiting.len())?;
        self.waiting.iter().try_for_each(|task| write!(f, "\n  {task}"))
    }
}

impl Error for Deadlock {}

/// Why the loop could not bring a future to its end.
#[non_exhaustive]
pub enum RunError {
    /// The main task was cancelled.
    Cancelled(Cancelled),
    /// Ctrl-C cancelled the main task, in [`run`](crate::run) or a [`Runner`](crate::Runner); asyncio's
    /// `KeyboardInterrupt`. Other tasks may not have ended yet. With `signal::die_of` the process ends as it
    /// would have without anybody listening.
    Interrupted,
    /// `stop` was called before the main task was done.
    Stopped,
    /// The main task failed: it was started with `try_spawn` and returned an `Err`.
    Failed(JoinError),
    /// Nothing can ever happen again (virtual clock only).
    Deadlock(Deadlock),
    /// A loop already runs on this thread; the second field is the task that made the call, if any.
    AlreadyRunning {
        /// The call that was refused.
        call: &'static str,
        /// The task that made it.
        task: Option<TaskName>,
    },
    /// The operating system refused something the loop needs.
    Io(io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Cancelled(cancelled) => write!(f, "the main task was cancelled: {cancelled}"),
            RunError::Interrupted => f.write_str("interrupted by Ctrl-C"),
            RunError::Stopped => f.write_str("the loop was stopped before the main task was done"),
            RunError::Failed(error) => error.fmt(f),
            RunError::Deadlock(deadlock) => deadlock.fmt(f),
            RunError::AlreadyRunning { call, task: Some(task) } => {
                write!(
                    f,
                    "`{call}` was called inside a running loop, by task `{task}`: spawn a task instead"
                )
            }
            RunError::AlreadyRunning { call, task: None } => {
                write!(
                    f,
                    "`{call}` was called inside a running loop, by a callback: spawn a task instead"
                )
            }
            RunError::Io(error) => write!(f, "the loop could not wait: {error}"),
        }
    }
}

/// What `unwrap` and a `main` that returns an error show: the message.
impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunError({self})")
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RunError::Io(error) => Some(error),
            RunError::Deadlock(deadlock) => Some(deadlock),
            _ => None,
        }
    }
}

impl From<Deadlock> for RunError {
    fn from(deadlock: Deadlock) -> Self {
        RunError::Deadlock(deadlock)
    }
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        RunError::Io(error)
    }
}
