//! Futures that are scopes: the machinery that `catch_cancel`, `timeout`, `CancelScope` and `task_group`
//! share.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::cancel::Raise;
use crate::clock::to_nanos;
use crate::context::{self, Core};
use crate::keyed::Key;
use crate::scope::{Leaving, Phase};
use crate::state::{Place, State};

/// A reference to a scope, counted, so that it can be asked how it ended.
pub(crate) struct ScopeRef {
    core: Rc<Core>,
    key: Key,
}

impl ScopeRef {
    pub(crate) fn core(&self) -> &Rc<Core> {
        &self.core
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Loop time at which its timer fires or fired.
    pub(crate) fn when(&self) -> Option<Duration> {
        self.core.with(|state| state.scopes[self.key.index].when).map(Duration::from_nanos)
    }

    pub(crate) fn is_called(&self) -> bool {
        self.core.with(|state| state.is_called(self.key))
    }

    pub(crate) fn is_left(&self) -> bool {
        self.core.with(|state| state.phase(self.key) == Phase::Left)
    }

    pub(crate) fn set_deadline(&self, when: Option<Duration>) {
        let (when, now) = (when.map(to_nanos), self.core.clock.now());
        self.core.with(|state| state.set_deadline(self.key, when, now));
    }
}

impl Clone for ScopeRef {
    fn clone(&self) -> Self {
        self.core.with(|state| state.hold_scope(self.key));
        ScopeRef { core: Rc::clone(&self.core), key: self.key }
    }
}

impl Drop for ScopeRef {
    fn drop(&mut self) {
        self.core.with(|state| state.release_scope(self.key));
    }
}

/// A scope held by its future: dropping it leaves the scope, whoever drops it.
pub(crate) struct OpenScope {
    scope: ScopeRef,
}

impl OpenScope {
    #[track_caller]
    pub(crate) fn new(call: &str) -> OpenScope {
        context::current(call, |core| OpenScope {
            scope: ScopeRef { core: Rc::clone(core), key: core.with(State::add_scope) },
        })
    }

    pub(crate) fn scope(&self) -> &ScopeRef {
        &self.scope
    }

    pub(crate) fn core(&self) -> &Rc<Core> {
        &self.scope.core
    }

    pub(crate) fn key(&self) -> Key {
        self.scope.key
    }

    /// Notes that the scope's future is being polled, here and with this waker. `true` if a delivery is
    /// due: the body is to be dropped instead of polled.
    ///
    /// # Panics
    ///
    /// Outside a task of the scope's loop.
    fn poll_begins(&self, cx: &Context<'_>) -> bool {
        let waker = self.core().foreign_waker(cx);
        self.core().with(|state| state.enter_scope(self.key(), waker))
    }

    /// Polls the body with this scope as the innermost one. `None` if the body raised: it is to be
    /// dropped, in this very poll.
    fn poll_body<F: Future>(
        &self,
        body: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Option<Poll<F::Output>> {
        let inside = Inside::enter(self.core(), self.key().index);
        let polled = body.poll(cx);
        drop(inside);
        match polled {
            Poll::Pending if self.core().with(|state| state.take_raise(self.key())) => None,
            polled => Some(polled),
        }
    }

    pub(crate) fn leave(&self) -> Leaving {
        self.core().with(|state| state.leave_scope(self.key()))
    }
}

impl Drop for OpenScope {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A body is being polled: its scope is the innermost one until this is dropped, by a panic too.
struct Inside<'a> {
    core: &'a Core,
    outer: Place,
}

impl<'a> Inside<'a> {
    fn enter(core: &'a Core, scope: u32) -> Self {
        let outer = core.with(|state| {
            let outer = state.current;
            state.current.scope = scope;
            outer
        });
        Inside { core, outer }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.core.with(|state| state.current = self.outer);
    }
}

pin_project! {
    /// A body and the scope around it. The body goes before the scope: what it opened inside is closed
    /// first.
    pub(crate) struct Scoped<F> {
        #[pin]
        body: Option<F>,
        scope: Option<OpenScope>,
    }
}

/// How a scope's body ended. The scope is still open: its owner leaves it.
pub(crate) enum Exit<T> {
    Value(T),
    /// It was dropped at its await point.
    Cancelled,
}

impl<F: Future> Scoped<F> {
    pub(crate) fn new(body: F) -> Self {
        Scoped { body: Some(body), scope: None }
    }

    /// A body for a scope that is known already.
    pub(crate) fn with_scope(body: F, scope: OpenScope) -> Self {
        Scoped { body: Some(body), scope: Some(scope) }
    }

    pub(crate) fn is_entered(&self) -> bool {
        self.scope.is_some()
    }

    /// The scope; opened now, in the running loop, if this is the first that is heard of it.
    pub(crate) fn scope(self: Pin<&mut Self>, call: &str) -> &OpenScope {
        self.project().scope.get_or_insert_with(|| OpenScope::new(call))
    }

    pub(crate) fn poll_exit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit<F::Output>> {
        let this = self.project();
        let scope = this.scope.as_ref().expect("a scope is opened before its body is polled");
        poll_exit(scope, this.body, cx)
    }
}

/// One poll of a body inside its scope; or its drop, if that is due.
fn poll_exit<F: Future>(
    scope: &OpenScope,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Exit<F::Output>> {
    if !scope.poll_begins(cx) {
        let running = body.as_mut().as_pin_mut().expect("a scope was polled after it ended");
        if let Some(polled) = scope.poll_body(running, cx) {
            return polled.map(Exit::Value);
        }
    }
    body.set(None);
    Poll::Ready(Exit::Cancelled)
}

pin_project! {
    /// One of several bodies that run in the same scope, one after the other.
    pub(crate) struct InScope<'a, F> {
        #[pin]
        body: Option<F>,
        scope: &'a OpenScope,
    }
}

impl<'a, F: Future> InScope<'a, F> {
    pub(crate) fn new(scope: &'a OpenScope, body: F) -> Self {
        InScope { body: Some(body), scope }
    }
}

impl<F: Future> Future for InScope<'_, F> {
    type Output = Exit<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        poll_exit(this.scope, this.body, cx)
    }
}

pin_project! {
    /// A scope that requests can be aimed at (rule C13): it catches its own cancel and lets every other
    /// one go on outwards.
    pub(crate) struct Aimed<F> {
        #[pin]
        scoped: Scoped<F>,
        #[pin]
        outwards: Option<Raise>,
    }
}

/// A body was ended by the cancel aimed at its scope.
pub(crate) struct OwnCancel;

impl<F: Future> Aimed<F> {
    pub(crate) fn new(scoped: Scoped<F>) -> Self {
        Aimed { scoped, outwards: None }
    }

    pub(crate) fn scoped(self: Pin<&mut Self>) -> Pin<&mut Scoped<F>> {
        self.project().scoped
    }

    pub(crate) fn is_entered(&self) -> bool {
        self.scoped.is_entered()
    }
}

impl<F: Future> Future for Aimed<F> {
    type Output = Result<F::Output, OwnCancel>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.outwards.is_none() {
            let exit = ready!(this.scoped.as_mut().poll_exit(cx));
            let left = this.scoped.scope("a scope").leave();
            match exit {
                Exit::Value(value) => return Poll::Ready(Ok(value)),
                Exit::Cancelled if left.own => return Poll::Ready(Err(OwnCancel)),
                Exit::Cancelled => this.outwards.set(Some(Raise::new())),
            }
        }
        let outwards = this.outwards.as_pin_mut().expect("it was just set");
        match ready!(outwards.poll(cx)) {}
    }
}
