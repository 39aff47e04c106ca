//! Timeouts: a scope, and a timer whose expiry is a cancel aimed at it (rule C11); asyncio's
//! `timeouts.Timeout`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::delay::End;
use crate::error::{Elapsed, RescheduleError};
use crate::scoped::{Aimed, OpenScope, ScopeRef, Scoped};

/// Gives `body` at most `limit`, counted from the first poll. When it runs out, `body` is cancelled at its
/// await point; if it lets that happen, the result is [`Elapsed`].
///
/// A body that catches the cancel and returns a value returns that value; an await that forwards, such as
/// that of a task, is waited for until the task has ended. A cancel from elsewhere goes on outwards.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{run, sleep, timeout};
///
/// run(async {
///     let quick = timeout(Duration::from_secs(5), async { 7 }).await;
///     assert_eq!(quick, Ok(7));
///     let slow = timeout(Duration::from_millis(1), sleep(Duration::from_secs(60))).await;
///     assert!(slow.is_err());
/// })
/// .unwrap();
/// ```
///
/// # Cancel safety
///
/// As cancel safe as `body`.
pub fn timeout<F: Future>(limit: Duration, body: F) -> Timeout<F> {
    Timeout::new(body, End::After(limit))
}

/// As [`timeout`], until the loop's [`time`](crate::time) is `when`.
///
/// # Cancel safety
///
/// As cancel safe as `body`.
pub fn timeout_at<F: Future>(when: Duration, body: F) -> Timeout<F> {
    Timeout::new(body, End::At(when))
}

/// As [`timeout`], for a body that gets a handle to its own timeout: to look at it, to move it, or to set
/// it in the first place (`None` is no limit).
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{run, sleep, time, timeout_with};
///
/// let spent = run(async {
///     let limit = Duration::from_millis(1);
///     timeout_with(limit, async |deadline| {
///         deadline.reschedule(time() + Duration::from_secs(60)).unwrap();
///         sleep(Duration::from_millis(2)).await;
///     })
///     .await
/// });
/// assert_eq!(spent.unwrap(), Ok(()));
/// ```
///
/// # Cancel safety
///
/// As cancel safe as the body.
///
/// # Panics
///
/// Outside a running loop, when it is polled.
pub async fn timeout_with<B, F>(
    limit: impl Into<Option<Duration>>,
    body: B,
) -> Result<F::Output, Elapsed>
where
    B: FnOnce(TimeoutHandle) -> F,
    F: Future,
{
    let scope = OpenScope::with_end("timeout_with", limit.into().map(End::After));
    let body = body(TimeoutHandle { scope: scope.refer() });
    Timeout { body: Aimed::new(Scoped::with_scope(body, scope)), limit: None }.await
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[must_use = "a timeout does nothing until it is awaited"]
    pub struct Timeout<F> {
        #[pin]
        body: Aimed<F>,
        // `None` once the scope is open, and its timer armed.
        limit: Option<End>,
    }
}

impl<F: Future> Timeout<F> {
    fn new(body: F, limit: End) -> Self {
        Timeout { body: Aimed::new(Scoped::new(body)), limit: Some(limit) }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(limit) = this.limit.take() {
            this.body.as_mut().scoped().open(|| OpenScope::with_end("timeout", Some(limit)));
        }
        this.body.poll(cx).map_err(|own| Elapsed { deadline: own.when })
    }
}

impl<F: Future> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("entered", &self.body.is_open()).finish_non_exhaustive()
    }
}

/// A timeout, as its own body sees it; clonable, and still readable after the body's end.
#[derive(Clone)]
pub struct TimeoutHandle {
    scope: ScopeRef,
}

impl TimeoutHandle {
    /// The loop time at which the timeout runs, or ran, out; `None` for never.
    #[must_use = "this only reads the time"]
    pub fn when(&self) -> Option<Duration> {
        self.scope.when()
    }

    /// Has it run out? Its cancel may still be on its way.
    #[must_use = "this only looks"]
    pub fn expired(&self) -> bool {
        self.scope.is_called()
    }

    /// Moves the timeout to another loop time; `None` is never, a time that has come is at once.
    ///
    /// # Errors
    ///
    /// If it has run out already, or its body has ended.
    pub fn reschedule(&self, when: impl Into<Option<Duration>>) -> Result<(), RescheduleError> {
        match (self.scope.is_called(), self.scope.is_left()) {
            (true, false) => Err(RescheduleError::Expiring),
            (true, true) => Err(RescheduleError::Expired),
            (false, true) => Err(RescheduleError::Finished),
            (false, false) => {
                self.scope.set_deadline(when.into());
                Ok(())
            }
        }
    }
}

impl fmt::Debug for TimeoutHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutHandle")
            .field("when", &self.when())
            .field("expired", &self.expired())
            .finish()
    }
}
