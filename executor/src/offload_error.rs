//! Why an offloaded job has no value, and what is told of jobs that do not end.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{Location, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::InSeconds;
use crate::error::panic_message;

/// Why an [`Offload`](crate::Offload) has no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum OffloadError {
    /// The job panicked.
    Panicked(JobPanicked),
    /// The loop is shutting down, or gone.
    LoopClosed,
    /// There was no thread for the job, and the system refused to start one.
    NoThread(io::Error),
    /// The value was already taken by an earlier await.
    Taken,
    /// It is awaited in another loop than the one that it was offloaded from.
    OtherLoop,
}

impl fmt::Display for OffloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OffloadError::Panicked(panicked) => panicked.fmt(f),
            OffloadError::LoopClosed => {
                f.write_str("the job's loop is shutting down, or was dropped")
            }
            OffloadError::NoThread(error) => {
                write!(f, "no thread could be started for the job: {error}")
            }
            OffloadError::Taken => f.write_str("the value of the job was already taken"),
            OffloadError::OtherLoop => {
                f.write_str("the job belongs to another loop: await it where it was offloaded")
            }
        }
    }
}

impl Error for OffloadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            OffloadError::NoThread(error) => Some(error),
            _ => None,
        }
    }
}

/// A job's panic, and which job it was.
pub struct JobPanicked {
    offloaded_at: &'static Location<'static>,
    message: String,
    /// In a mutex only to be `Sync`, which a payload need not be.
    payload: Mutex<Box<dyn Any + Send>>,
}

impl JobPanicked {
    pub(crate) fn new(at: &'static Location<'static>, payload: Box<dyn Any + Send>) -> Self {
        let message = panic_message(&*payload).to_owned();
        JobPanicked { offloaded_at: at, message, payload: Mutex::new(payload) }
    }

    /// Where the job was offloaded.
    #[must_use = "reading a location does nothing by itself"]
    pub fn offloaded_at(&self) -> &'static Location<'static> {
        self.offloaded_at
    }

    /// The panic's message, if it had a textual one.
    #[must_use = "reading a message does nothing by itself"]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Goes on with the panic in the caller.
    pub fn resume_panic(self) -> ! {
        resume_unwind(self.payload.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Display for JobPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the job offloaded at {} panicked: {}", self.offloaded_at, self.message)
    }
}

impl fmt::Debug for JobPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobPanicked({self})")
    }
}

/// A job that had not ended when the loop stopped waiting: see
/// [`EventLoop::shutdown_offload`](crate::EventLoop::shutdown_offload).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedJob {
    pub(crate) offloaded_at: &'static Location<'static>,
    pub(crate) running_for: Option<Duration>,
}

impl UnfinishedJob {
    /// Where it was offloaded.
    #[must_use = "reading a location does nothing by itself"]
    pub fn offloaded_at(&self) -> &'static Location<'static> {
        self.offloaded_at
    }

    /// For how long it has run; `None` if it has not begun.
    #[must_use = "reading a duration does nothing by itself"]
    pub fn running_for(&self) -> Option<Duration> {
        self.running_for
    }
}

impl fmt::Display for UnfinishedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the job offloaded at {} ", self.offloaded_at)?;
        match self.running_for {
            Some(time) => write!(f, "still runs, since {}", InSeconds(time)),
            None => f.write_str("has not begun"),
        }
    }
}
