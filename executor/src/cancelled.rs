//! A cancel as code meets it: caught by [`catch_cancel`], carried by [`Cancelled`], raised anew.
//!
//! It mirrors Python's `CancelledError` and the `try` around it. What leads to a delivery is in `cancel.rs`.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::context;
use crate::error::{JoinError, TaskName};
use crate::scoped::{Exit, OpenScope, Scoped};
use crate::state::{Place, State};
use crate::target::{Target, What};
use crate::tasks::Flag;
use crate::wait::OpenWait;

/// Runs `body` in a scope of its own: the place where a cancel that reaches it stops (rule C3).
///
/// When the task is cancelled inside `body`, `body` is dropped at its await point and this resolves to
/// `Err(Cancelled)`, in the same step. What follows may await, suppress the cancel by going on, or pass it
/// on with [`Cancelled::resume`]. It mirrors Python's `try: .. except CancelledError: ..`.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{JoinError, catch_cancel, run, sleep, spawn, yield_now};
///
/// run(async {
///     let worker = spawn(async {
///         match catch_cancel(sleep(Duration::from_secs(60))).await {
///             Ok(()) => "slept",
///             Err(cancelled) => {
///                 yield_now().await; // clean-up may await
///                 cancelled.resume().await
///             }
///         }
///     });
///     yield_now().await;
///     assert!(worker.cancel());
///     assert!(matches!(worker.await, Err(JoinError::Cancelled(_))));
/// })
/// .unwrap();
/// ```
pub fn catch_cancel<F: Future>(body: F) -> CatchCancel<F> {
    CatchCancel { scoped: Scoped::new(body) }
}

pin_project! {
    /// The future of [`catch_cancel`].
    #[must_use = "a scope does nothing until it is awaited"]
    pub struct CatchCancel<F> {
        #[pin]
        scoped: Scoped<F>,
    }
}

impl<F: Future> Future for CatchCancel<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut scoped = self.project().scoped;
        scoped.as_mut().open(|| OpenScope::new("catch_cancel"));
        let (exit, _) = ready!(scoped.poll_exit(cx));
        Poll::Ready(match exit {
            Exit::Value(value) => Ok(value),
            Exit::Cancelled => Err(Cancelled::of_current_task()),
        })
    }
}

impl<F: Future> fmt::Debug for CatchCancel<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchCancel").field("entered", &self.scoped.is_open()).finish()
    }
}

/// A cancel that was delivered: to a scope, or to a task whose joiner is told.
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a cancel that is neither resumed nor meant to be suppressed is a cancel lost"]
pub struct Cancelled {
    pub(crate) task: Option<TaskName>,
    pub(crate) reason: Option<Arc<str>>,
}

impl Cancelled {
    /// A cancel of nobody's making, to be raised with [`resume`](Cancelled::resume): Python's
    /// `raise CancelledError()`.
    pub fn new() -> Cancelled {
        Cancelled { task: None, reason: None }
    }

    /// Raises a cancel here without any request: the innermost scope drops its body at this await point,
    /// and a task without a scope ends cancelled. Never returns.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn raise() -> ! {
        context::try_current(|core| {
            core.with(|state| state.current_task().map(|task| state.forget_told_reason(task)))
        });
        match Raise::new().await {}
    }

    /// Passes the cancel on to the next scope out, as Python's `raise` at the end of an `except` block.
    /// Never returns: the code that awaits this is dropped.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn resume(self) -> ! {
        match Raise::new().await {}
    }

    /// The reason given to `cancel_with`, if one was.
    #[must_use = "reading a reason does nothing by itself"]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The task that was cancelled.
    #[must_use = "reading a name does nothing by itself"]
    pub fn task(&self) -> Option<&TaskName> {
        self.task.as_ref()
    }

    pub(crate) fn of_task(state: &State, task: u32) -> Cancelled {
        let reason = match state.tasks[task].is(Flag::Labelled) {
            true => state.reasons.get(task),
            false => None,
        };
        Cancelled { task: Some(state.task_name(task)), reason }
    }

    pub(crate) fn of_current_task() -> Cancelled {
        context::try_current(|core| {
            core.with(|state| {
                let task = state.current_task()?;
                state.tasks[task].set(Flag::Told);
                Some(Cancelled::of_task(state, task))
            })
        })
        .flatten()
        .unwrap_or_default()
    }
}

impl Default for Cancelled {
    fn default() -> Self {
        Cancelled::new()
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Some(task) => write!(f, "task `{task}` was cancelled")?,
            None => f.write_str("cancelled")?,
        }
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancelled({self})")
    }
}

impl std::error::Error for Cancelled {}

/// What a join gave, with a cancel of the task raised here instead of returned: asyncio's way, where
/// awaiting a cancelled task is being cancelled.
///
/// ```
/// use wheelhouse::{JoinError, or_raise, run, spawn};
///
/// run(async {
///     let inner = spawn(std::future::pending::<()>());
///     inner.cancel();
///     let outer = spawn(async { or_raise(inner.await).await });
///     assert!(matches!(outer.await, Err(JoinError::Cancelled(_))));
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// The join's error, if it is no cancel.
pub async fn or_raise<T>(joined: Result<T, JoinError>) -> Result<T, JoinError> {
    match joined {
        Err(JoinError::Cancelled(cancelled)) => cancelled.resume().await,
        joined => joined,
    }
}

/// Marks the innermost scope as raised and never ends; that scope drops it, in the same poll. Dropped by
/// anyone else before that, it takes the raise back (rule C13).
pub(crate) struct Raise {
    raised: Option<OpenWait>,
}

impl Raise {
    pub(crate) fn new() -> Raise {
        Raise { raised: None }
    }
}

impl Future for Raise {
    type Output = Infallible;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Infallible> {
        if self.raised.is_none() {
            self.raised = Some(context::current("Cancelled::resume", |core| {
                let inside = core.peek(|state| state.current != Place::NOWHERE);
                assert!(
                    inside,
                    "`Cancelled::resume` was awaited outside a task: there is nothing to unwind"
                );
                let wait = OpenWait::new(core, &Target::Plain(What::Cancel), cx);
                wait.raise();
                wait
            }));
        }
        Poll::Pending
    }
}
