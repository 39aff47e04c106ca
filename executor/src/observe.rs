//! What a loop tells about itself: the report of a turn, and what only the exception handler can be told.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use crate::error::{JoinError, panic_message};

/// What one turn of the loop did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a turn reports whether there is more to do"]
#[non_exhaustive]
pub struct Turn {
    /// Handles taken from the ready queue.
    pub handles: usize,
    /// Tasks stepped.
    pub steps: u64,
    /// Tasks that ended.
    pub finished: u64,
    /// Timers that expired.
    pub expired: u64,
    /// Loop time of the next timer, exactly.
    pub next_deadline: Option<Duration>,
    /// Nothing is ready to run.
    pub idle: bool,
    /// `stop` was called; the host should stop turning.
    pub stopped: bool,
}

/// Something went wrong where nobody awaits: asyncio's `call_exception_handler` context.
#[non_exhaustive]
pub struct ExceptionContext<'a> {
    /// What happened.
    pub message: &'a str,
    /// The task's failure, if it is a task's.
    pub error: Option<&'a JoinError>,
    /// Where that task was spawned.
    pub spawned_at: Option<&'static Location<'static>>,
    /// The payload of a panic in a callback, a waker or a `Drop`.
    pub panic: Option<&'a (dyn Any + Send)>,
}

pub(crate) type ExceptionHandler = Rc<dyn Fn(&ExceptionContext<'_>)>;

impl<'a> ExceptionContext<'a> {
    pub(crate) fn panic(message: &'a str, payload: &'a (dyn Any + Send)) -> Self {
        ExceptionContext { message, error: None, spawned_at: None, panic: Some(payload) }
    }

    pub(crate) fn never_retrieved(error: &'a JoinError, at: &'static Location<'static>) -> Self {
        let message = "a task's failure was never looked at";
        ExceptionContext { message, error: Some(error), spawned_at: Some(at), panic: None }
    }

    pub(crate) fn task_failed(message: &'a str, error: &'a JoinError) -> Self {
        ExceptionContext { message, error: Some(error), spawned_at: None, panic: None }
    }
}

impl fmt::Display for ExceptionContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)?;
        if let Some(error) = self.error {
            write!(f, ": {error}")?;
        }
        if let Some(payload) = self.panic {
            write!(f, ": {}", panic_message(payload))?;
        }
        match self.spawned_at {
            Some(at) => write!(f, " (spawned at {at})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ExceptionContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExceptionContext({self})")
    }
}

/// What happens to reports nobody asked for.
pub(crate) fn print_exception(context: &ExceptionContext<'_>) {
    eprintln!("wheelhouse: {context}");
}
