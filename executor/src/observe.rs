//! What a loop tells about itself: the report of a turn, and what only the exception handler can be told.

use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use crate::error::{JoinError, panic_message};
use crate::promise_error::PromiseError;

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

/// Something went wrong where nobody awaits, or took too long: asyncio's `call_exception_handler` context.
#[non_exhaustive]
pub struct ExceptionContext<'a> {
    /// What happened.
    pub message: &'a str,
    /// The task's failure, if it is a task's.
    pub error: Option<&'a JoinError>,
    /// Where that task was spawned.
    pub spawned_at: Option<&'static Location<'static>>,
    /// Where the callback was asked for, if it is one of `call_soon`, `call_later` or `call_at`.
    pub called_at: Option<&'static Location<'static>>,
    /// The error that a promise was set to, if it is a promise's.
    pub promise_error: Option<&'a PromiseError>,
    /// The payload of a panic in a callback, a waker or a `Drop`.
    pub panic: Option<&'a (dyn Any + Send)>,
}

pub(crate) type ExceptionHandler = Rc<dyn Fn(&ExceptionContext<'_>)>;

impl<'a> ExceptionContext<'a> {
    pub(crate) fn panic(message: &'a str, payload: &'a (dyn Any + Send)) -> Self {
        ExceptionContext { panic: Some(payload), ..ExceptionContext::of(message) }
    }

    pub(crate) fn callback_panicked(
        payload: &'a (dyn Any + Send),
        at: &'static Location<'static>,
    ) -> Self {
        ExceptionContext {
            called_at: Some(at),
            ..ExceptionContext::panic("a callback panicked", payload)
        }
    }

    pub(crate) fn never_retrieved(error: &'a JoinError, at: &'static Location<'static>) -> Self {
        let message = "a task's failure was never looked at";
        ExceptionContext { spawned_at: Some(at), ..ExceptionContext::task_failed(message, error) }
    }

    pub(crate) fn task_failed(message: &'a str, error: &'a JoinError) -> Self {
        ExceptionContext { error: Some(error), ..ExceptionContext::of(message) }
    }

    pub(crate) fn promise_failed(error: &'a PromiseError) -> Self {
        let message = "a promise's error was never looked at";
        ExceptionContext { promise_error: Some(error), ..ExceptionContext::of(message) }
    }

    /// A report that has a message only, so far.
    pub(crate) fn of(message: &'a str) -> Self {
        ExceptionContext {
            message,
            error: None,
            spawned_at: None,
            called_at: None,
            promise_error: None,
            panic: None,
        }
    }
}

impl fmt::Display for ExceptionContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)?;
        if let Some(error) = self.error {
            write!(f, ": {error}")?;
        }
        if let Some(error) = self.promise_error {
            write!(f, ": {error}")?;
        }
        if let Some(payload) = self.panic {
            write!(f, ": {}", panic_message(payload))?;
        }
        match (self.spawned_at, self.called_at) {
            (Some(at), _) => write!(f, " (spawned at {at})"),
            (None, Some(at)) => write!(f, " (asked for at {at})"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for ExceptionContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExceptionContext({self})")
    }
}

/// What a loop without a handler of its own does: prints to standard error. A handler can leave to it what it
/// does not want to hear of, and `set_exception_handler(default_exception_handler)` takes a handler back.
pub fn default_exception_handler(context: &ExceptionContext<'_>) {
    print(format_args!("{context}"));
}

/// Prints a line to standard error, if it can: that nobody reads there must not stop a loop.
#[cold]
pub(crate) fn print(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "wheelhouse: {line}");
}
