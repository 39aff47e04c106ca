//! `retry`: attempts, with pauses between them; in Python a loop around `try`, or the package `tenacity`.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::backoff::Backoff;
use crate::{Cancelled, JoinError, sleep, time, timeout_at};

/// Attempts something until it succeeds, with the pauses of `backoff` between the attempts; for ever, unless
/// [`attempts`](Retry::attempts) or [`within`](Retry::within) say for how long.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{EventLoop, schedule::{Backoff, retry}, time};
///
/// let mut event_loop = EventLoop::builder().virtual_clock().build()?;
/// event_loop.run_until_complete(async {
///     let mut answers = ["refused", "refused", "hello"].into_iter();
///     let patient = retry(Backoff::exponential(Duration::from_secs(1))).attempts(5);
///     let answer = patient.run(async || match answers.next() {
///         Some("hello") => Ok("hello"),
///         other => Err(format!("{other:?}")),
///     });
///     assert_eq!(answer.await.unwrap(), "hello");
///     assert_eq!(time(), Duration::from_secs(3)); // after pauses of 1 and 2 s
/// })?;
/// # Ok::<(), wheelhouse::RunError>(())
/// ```
pub fn retry(backoff: Backoff) -> Retry {
    Retry { backoff, attempts: None, within: None }
}

/// How to attempt something again: see [`retry`]. It can be kept and used any number of times; jitter begins
/// anew with each clone.
#[derive(Clone, Debug)]
#[must_use = "nothing is attempted until `run` or `run_if` is awaited"]
pub struct Retry {
    backoff: Backoff,
    attempts: Option<u32>,
    within: Option<Duration>,
}

impl Retry {
    /// Gives up after so many attempts, the first one included. The first is always made.
    pub fn attempts(mut self, most: u32) -> Retry {
        self.attempts = Some(most);
        self
    }

    /// Gives up once so much time has passed since the first attempt began. An attempt that still runs then is
    /// cancelled, as by [`timeout`](crate::timeout); a pause that would end then, or later, is not waited for.
    pub fn within(mut self, limit: Duration) -> Retry {
        self.within = Some(limit);
        self
    }

    /// Runs `attempt` until it succeeds.
    ///
    /// # Errors
    ///
    /// As [`run_if`](Retry::run_if), which this is, with every error worth another attempt.
    ///
    /// # Cancel safety
    ///
    /// As [`run_if`](Retry::run_if).
    pub async fn run<T, E: 'static>(
        self,
        attempt: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<T, RetryError<E>> {
        self.run_if(|_| true, attempt).await
    }

    /// Runs `attempt` until it succeeds, or fails with an error that `worth_it` says is not worth another
    /// attempt.
    ///
    /// A cancel is never answered with another attempt: one of the waiting task goes its way, and an error that
    /// is a cancel ([`Cancelled`], [`JoinError::Cancelled`]) comes back without `worth_it` being asked.
    ///
    /// # Errors
    ///
    /// [`RetryError`], with the last attempt's error, and why there was no other attempt.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as `attempt`: a cancel in a pause loses nothing.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub async fn run_if<T, E: 'static>(
        self,
        mut worth_it: impl FnMut(&E) -> bool,
        mut attempt: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<T, RetryError<E>> {
        let deadline = self.within.map(|limit| time().saturating_add(limit));
        let mut last = None;
        for (made, pause) in (1..).zip(self.backoff) {
            let outcome = match deadline {
                Some(when) => timeout_at(when, attempt()).await,
                None => Ok(attempt().await),
            };
            let error = match outcome {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => return Err(RetryError::OutOfTime { attempts: made, last }),
            };
            if is_cancel(&error) || !worth_it(&error) {
                return Err(RetryError::NotWorthIt { attempts: made, error });
            }
            if self.attempts.is_some_and(|most| made >= most) {
                return Err(RetryError::OutOfAttempts { attempts: made, error });
            }
            last = Some(error);
            if deadline.is_some_and(|when| time().saturating_add(pause) >= when) {
                return Err(RetryError::OutOfTime { attempts: made, last });
            }
            sleep(pause).await;
        }
        unreachable!("a back-off has no end")
    }
}

fn is_cancel(error: &dyn Any) -> bool {
    error.is::<Cancelled>() || error.downcast_ref().is_some_and(JoinError::is_cancelled)
}

/// Why there was no other attempt; with the error of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryError<E> {
    /// As many attempts were made as were allowed.
    OutOfAttempts {
        /// How many were made.
        attempts: u32,
        /// The error of the last one.
        error: E,
    },
    /// The time was over, or would have been before the next attempt.
    OutOfTime {
        /// How many attempts were made, or begun.
        attempts: u32,
        /// The error of the last attempt that ended; `None` if the time was over during the first one.
        last: Option<E>,
    },
    /// The error was not worth another attempt, or was a cancel.
    NotWorthIt {
        /// How many attempts were made.
        attempts: u32,
        /// The error of the last one.
        error: E,
    },
}

impl<E> RetryError<E> {
    /// How many attempts were made.
    #[must_use = "this only reads the number"]
    pub fn attempts(&self) -> u32 {
        match self {
            RetryError::OutOfAttempts { attempts, .. }
            | RetryError::OutOfTime { attempts, .. }
            | RetryError::NotWorthIt { attempts, .. } => *attempts,
        }
    }

    /// The error of the last attempt that ended.
    #[must_use = "this only gives the error"]
    pub fn into_last(self) -> Option<E> {
        match self {
            RetryError::OutOfAttempts { error, .. } | RetryError::NotWorthIt { error, .. } => {
                Some(error)
            }
            RetryError::OutOfTime { last, .. } => last,
        }
    }
}

impl<E: fmt::Display> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RetryError::OutOfAttempts { attempts, error } => {
                write!(f, "gave up after {attempts} attempts; the last one: {error}")
            }
            RetryError::OutOfTime { attempts, last: Some(error) } => {
                write!(
                    f,
                    "out of time in attempt {attempts}, or before the next; the last error: {error}"
                )
            }
            RetryError::OutOfTime { attempts, last: None } => {
                write!(f, "out of time in attempt {attempts}")
            }
            RetryError::NotWorthIt { attempts, error } => {
                write!(f, "attempt {attempts} failed with an error not worth another: {error}")
            }
        }
    }
}

impl<E: Error + 'static> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RetryError::OutOfAttempts { error, .. } | RetryError::NotWorthIt { error, .. } => {
                Some(error)
            }
            RetryError::OutOfTime { last, .. } => last.as_ref().map(|error| error as _),
        }
    }
}
