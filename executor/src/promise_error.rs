//! Why a promised value is not to be had, and why a promise cannot be kept twice.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::cancelled::Cancelled;

/// Why a [`Promised`](crate::Promised) has no value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PromiseError {
    /// It was cancelled by the promise or by another waiter.
    Cancelled(Cancelled),
    /// It was set to an error.
    Failed(Arc<dyn Error + Send + Sync>),
    /// Every promise was dropped, and none had been set.
    Dropped,
    /// The value was received before, and could not be copied.
    Taken,
}

impl PromiseError {
    /// Was it cancelled?
    #[must_use = "this only looks at the error"]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, PromiseError::Cancelled(_))
    }
}

impl PartialEq for PromiseError {
    /// Errors that were set are equal when they are the same one.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (PromiseError::Failed(a), PromiseError::Failed(b)) => Arc::ptr_eq(a, b),
            (PromiseError::Cancelled(a), PromiseError::Cancelled(b)) => a == b,
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

impl fmt::Display for PromiseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PromiseError::Cancelled(cancelled) => write!(f, "the promised value: {cancelled}"),
            PromiseError::Failed(error) => write!(f, "the promised value failed: {error}"),
            PromiseError::Dropped => f.write_str("every promise of the value was dropped unset"),
            PromiseError::Taken => f.write_str("the promised value was received before"),
        }
    }
}

impl Error for PromiseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            PromiseError::Failed(error) => Some(&**error),
            _ => None,
        }
    }
}

/// A promise was completed a second time; what it was given is returned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AlreadyDone<T>(pub T);

impl<T> fmt::Debug for AlreadyDone<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlreadyDone")
    }
}

impl<T> fmt::Display for AlreadyDone<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the promise was already set, failed or cancelled")
    }
}

impl<T> Error for AlreadyDone<T> {}
