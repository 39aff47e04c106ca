//! The errors of the synchronisation primitives.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A lock was to be released that [`acquire`](super::Lock::acquire) has not taken, or a condition used
/// that is not locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotLocked {
    pub(super) call: &'static str,
    pub(super) lock: Option<Arc<str>>,
    pub(super) by_guard: bool,
}

impl fmt::Display for NotLocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: the lock ", self.call)?;
        if let Some(lock) = &self.lock {
            write!(f, "`{lock}` ")?;
        }
        f.write_str(match self.by_guard {
            true => "is held by a guard, which alone can release it",
            false => "is not held",
        })
    }
}

impl Error for NotLocked {}

/// A bounded semaphore was released more often than it was acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverRelease {
    pub(super) bound: usize,
}

impl fmt::Display for OverRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a semaphore bounded to {} has all its permits already", self.bound)
    }
}

impl Error for OverRelease {}

/// A barrier was aborted, or reset while tasks waited at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenBarrier {
    pub(super) parties: usize,
}

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the barrier for {} tasks was aborted, or reset while they waited", self.parties)
    }
}

impl Error for BrokenBarrier {}

/// Why an item could not be put at once; it comes back with the error.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutError<T> {
    /// The queue is full.
    Full(T),
    /// The queue was shut down.
    ShutDown(T),
}

impl<T> PutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            PutError::Full(item) | PutError::ShutDown(item) => item,
        }
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PutError::Full(_) => f.write_str("Full(..)"),
            PutError::ShutDown(_) => f.write_str("ShutDown(..)"),
        }
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PutError::Full(_) => f.write_str("the queue is full"),
            PutError::ShutDown(_) => f.write_str(SHUT_DOWN),
        }
    }
}

impl<T> Error for PutError<T> {}

/// Why there was no item to be got at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GetError {
    /// The queue is empty.
    Empty,
    /// The queue is empty and was shut down: no item will come.
    ShutDown,
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GetError::Empty => f.write_str("the queue is empty"),
            GetError::ShutDown => f.write_str(SHUT_DOWN),
        }
    }
}

impl Error for GetError {}

/// The queue was shut down; a put item comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct QueueShutDown<T = ()>(pub T);

const SHUT_DOWN: &str = "the queue was shut down";

impl<T> fmt::Debug for QueueShutDown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueueShutDown")
    }
}

impl<T> fmt::Display for QueueShutDown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHUT_DOWN)
    }
}

impl<T> Error for QueueShutDown<T> {}

/// `task_done` was called more often than items were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyTaskDone;

impl fmt::Display for TooManyTaskDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`task_done` was called more often than items were put into the queue")
    }
}

impl Error for TooManyTaskDone {}
