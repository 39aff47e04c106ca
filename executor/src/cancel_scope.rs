//! A scope with a handle that can be cancelled from outside, as trio's `CancelScope`.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::cancelled::Cancelled;
use crate::scoped::{Aimed, OpenScope, ScopeRef, Scoped};

/// A part of a task that can be cancelled by itself.
///
/// A cancel of the scope drops the body that [`run`](CancelScope::run) was given at its await point, and
/// only that; a cancel of the whole task goes through it and on outwards.
///
/// ```
/// use wheelhouse::{CancelScope, call_soon, run, sleep};
/// use std::time::Duration;
///
/// run(async {
///     let scope = CancelScope::new();
///     let handle = scope.handle();
///     call_soon(move || drop(handle.cancel()));
///     assert!(scope.run(sleep(Duration::from_secs(60))).await.is_err());
/// })
/// .unwrap();
/// ```
#[must_use = "a scope does nothing until something is run in it"]
pub struct CancelScope {
    scope: OpenScope,
}

impl CancelScope {
    /// A scope of the running loop.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "it needs a running loop")]
    pub fn new() -> CancelScope {
        CancelScope { scope: OpenScope::new("CancelScope::new") }
    }

    /// A scope that is cancelled when `limit` has passed from now.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[track_caller]
    pub fn with_timeout(limit: Duration) -> CancelScope {
        let scope = CancelScope::new();
        scope.handle().set_deadline(crate::time().saturating_add(limit));
        scope
    }

    /// A handle to cancel it by, from anywhere on the loop's thread.
    pub fn handle(&self) -> ScopeHandle {
        ScopeHandle { scope: self.scope.refer() }
    }

    /// Runs `body` in the scope. `Err` if the scope's own cancel ended it.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], if the scope was cancelled and the body did not suppress it.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as `body`.
    pub async fn run<F: Future>(self, body: F) -> Result<F::Output, Cancelled> {
        let scoped = Scoped::with_scope(body, self.scope);
        Aimed::new(scoped).await.map_err(|_| Cancelled::of_current_task())
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScope").field("handle", &self.handle()).finish()
    }
}

/// Cancels a [`CancelScope`].
#[derive(Clone)]
pub struct ScopeHandle {
    scope: ScopeRef,
}

impl ScopeHandle {
    /// Requests that the scope be cancelled; a scope that has not begun is cancelled at its first
    /// suspension. `false` if it was cancelled before, or has ended.
    pub fn cancel(&self) -> bool {
        self.scope.core().with(|state| state.call_scope(self.scope.key()))
    }

    /// Was the scope cancelled, by a handle or by its deadline?
    #[must_use = "this only looks"]
    pub fn is_cancelled(&self) -> bool {
        self.scope.is_called()
    }

    /// Sets, moves or (with `None`) removes the loop time at which the scope is cancelled. Without effect
    /// on a scope that has ended.
    pub fn set_deadline(&self, when: impl Into<Option<Duration>>) {
        self.scope.set_deadline(when.into());
    }
}

impl fmt::Debug for ScopeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeHandle").field("cancelled", &self.is_cancelled()).finish()
    }
}
