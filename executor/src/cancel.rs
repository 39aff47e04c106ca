//! Cancellation: requests and their delivery, the rules C1 to C9 and C13 as code.
//!
//! A **request** is one call of `cancel`. It counts at once (rule C1), and then, unless the task runs, it is
//! *offered* to what the task is suspended on, in every innermost scope below its aim:
//!
//! ```text
//!   offered to ...                      and so                                   the request is
//!   a plain wait, pending               it is given up, its scope is due         committed
//!   a future of another crate           likewise                                 committed
//!   a task, gather or shared future     that is cancelled, inside this call      committed
//!   a wait that is completing already   refused                                  pending
//!   a bare yield, a task not started    (there is no wait)                       pending
//! ```
//!
//! A pending request becomes due at the task's next step, or is offered again at its next suspension if
//! it was made while the task ran. The **delivery** of what is due is the scope's own: on its next poll it
//! drops its body and resolves to `Err(Cancelled)`.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::context;
use crate::error::{JoinError, TaskName};
use crate::lists::NIL;
use crate::scoped::{Exit, OpenScope, Scoped};
use crate::state::{Place, State};
use crate::target::{Target, What};
use crate::tasks::Flag;
use crate::wait::{OpenWait, Progress};

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
                let inside = core.with(|state| state.current != Place::NOWHERE);
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

impl State {
    /// One call of `cancel` on a task (rule C1). `false`, and nothing happens, if it has ended.
    pub(crate) fn cancel(&mut self, task: u32, reason: Option<Arc<str>>) -> bool {
        if self.tasks[task].is_done() {
            // Whoever wants it gone does not want to hear how it failed.
            self.tasks[task].set(Flag::Seen);
            return false;
        }
        match reason {
            Some(reason) => {
                self.reasons.set(task, Some(reason));
                self.tasks[task].set(Flag::Labelled);
                self.tasks[task].unset(Flag::Told);
            }
            None => self.forget_told_reason(task),
        }
        self.tasks[task].cancelling += 1;
        self.aim_request(Place::task(task));
        true
    }

    /// A reason that was told belongs to a delivery that is over: the next cancel is not for it.
    pub(crate) fn forget_told_reason(&mut self, task: u32) {
        if self.tasks[task].is(Flag::Told) {
            self.reasons.clear(task);
        }
    }

    /// Takes one request back, and returns what is left. At zero a request that is still pending is
    /// withdrawn; one that is committed is not (rule C1).
    pub(crate) fn uncancel(&mut self, task: u32) -> u32 {
        let slot = &mut self.tasks[task];
        slot.cancelling = slot.cancelling.saturating_sub(1);
        let left = slot.cancelling;
        if left == 0 && slot.is(Flag::Asked) {
            self.take_each_pending(task, |_, _, _| {});
        }
        left
    }

    /// Offers a request, counted already, that is aimed at a place: a task, or a scope in one (rule C13).
    pub(crate) fn aim_request(&mut self, aim: Place) {
        let mut forwards = Vec::new();
        self.aim_one(aim, &mut forwards);
        self.forward(forwards);
    }

    /// Cancels what offers were forwarded to, and what these forward to in turn: depth first, as nested
    /// calls would, but a chain of a million awaits needs no stack (rule C9).
    pub(crate) fn forward(&mut self, mut forwards: Vec<u32>) {
        forwards.reverse();
        while let Some(task) = forwards.pop() {
            if !self.tasks[task].is_done() {
                let rest = forwards.len();
                self.tasks[task].cancelling += 1;
                self.aim_one(Place::task(task), &mut forwards);
                forwards[rest..].reverse();
            }
        }
    }

    fn aim_one(&mut self, aim: Place, forwards: &mut Vec<u32>) {
        let depth = self.depth(aim);
        if self.tasks[aim.task].is(Flag::Running) {
            // Rule C2: it takes effect at the next suspension, in whatever scope is innermost then.
            return self.set_pending(aim, depth);
        }
        self.each_leaf(aim, |state, leaf| state.offer(leaf, depth, forwards));
    }

    /// Offers a request, aimed at `depth`, to everything the code of one innermost scope waits for.
    fn offer(&mut self, leaf: Place, depth: u16, forwards: &mut Vec<u32>) {
        let mut answers = Answers::default();
        let mut wait = self.node(leaf).waits.head;
        while wait != NIL {
            if self.is_awaited(wait) {
                answers.note(self.cancel_wait(wait, forwards));
            }
            wait = self.next_wait(wait);
        }
        let foreign = answers.none() && !self.tasks[leaf.task].is(Flag::Queued);
        if answers.given_up || foreign {
            self.mark_due(leaf, depth);
        } else if !answers.forwarded {
            self.set_pending(leaf, depth);
        }
    }

    fn cancel_wait(&mut self, index: u32, forwards: &mut Vec<u32>) -> Answer {
        if self.waits[index].progress != Progress::Pending {
            return Answer::Refused;
        }
        let accepted = match self.target(index) {
            Target::Task(task, _) => {
                let alive = !self.tasks[task].is_done();
                forwards.extend(alive.then_some(task));
                alive
            }
            Target::Forward(shared) => shared.forward(self, forwards),
            // All others are simply given up.
            _ => {
                self.waits[index].progress = Progress::Cancelled;
                return Answer::GivenUp;
            }
        };
        if !accepted {
            return Answer::Refused;
        }
        self.waits[index].forwarded = true;
        Answer::Forwarded
    }

    /// The task's step begins: its pending requests fall due.
    pub(crate) fn deliver(&mut self, task: u32) {
        self.take_each_pending(task, State::mark_due);
    }

    /// The task has suspended: requests made while it ran are offered to what it waits for now.
    pub(crate) fn offer_pending(&mut self, task: u32) {
        let mut forwards = Vec::new();
        self.take_each_pending(task, |state, leaf, depth| state.offer(leaf, depth, &mut forwards));
        self.forward(forwards);
    }

    /// Takes every pending request of a task, for each of the innermost scopes it is for.
    fn take_each_pending(&mut self, task: u32, mut visit: impl FnMut(&mut State, Place, u16)) {
        self.sink_pending(task);
        self.tasks[task].unset(Flag::Asked);
        self.each_leaf(Place::task(task), |state, leaf| {
            if let Some(depth) = state.take_pending(leaf) {
                visit(state, leaf, depth);
            }
        });
    }

    fn each_leaf(&mut self, top: Place, mut visit: impl FnMut(&mut State, Place)) {
        let mut next = Some(self.first_leaf(top));
        while let Some(leaf) = next {
            visit(self, leaf);
            next = self.next_leaf(leaf, top);
        }
    }
}

/// What one wait says to a request.
#[derive(Clone, Copy)]
enum Answer {
    GivenUp,
    Forwarded,
    Refused,
}

/// What the waits of one scope said.
#[derive(Default)]
struct Answers {
    given_up: bool,
    forwarded: bool,
    refused: bool,
}

impl Answers {
    fn note(&mut self, answer: Answer) {
        match answer {
            Answer::GivenUp => self.given_up = true,
            Answer::Forwarded => self.forwarded = true,
            Answer::Refused => self.refused = true,
        }
    }

    fn none(&self) -> bool {
        !(self.given_up || self.forwarded || self.refused)
    }
}
