//! Futures that are scopes: the machinery that `catch_cancel`, `timeout`, `CancelScope` and `task_group`
//! share.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::cancelled::Raise;
use crate::context::{self, Core};
use crate::delay::End;
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
        self.core.peek(|state| state.scopes[self.key.index].when).map(Duration::from_nanos)
    }

    pub(crate) fn is_called(&self) -> bool {
        self.core.peek(|state| state.is_called(self.key))
    }

    pub(crate) fn is_left(&self) -> bool {
        self.core.peek(|state| state.phase(self.key) == Phase::Left)
    }

    pub(crate) fn set_deadline(&self, when: Option<Duration>) {
        self.core.with(|state| {
            let deadline = when.map(|when| state.deadline(&self.core.clock, End::At(when)));
            state.set_deadline(self.key, deadline);
        });
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
    core: Rc<Core>,
    key: Key,
    closed: bool,
}

impl OpenScope {
    #[track_caller]
    pub(crate) fn new(call: &str) -> OpenScope {
        context::current(call, |core| OpenScope::of(core, core.with(State::add_scope)))
    }

    /// A scope that is cancelled at its end; never for `None`.
    #[track_caller]
    pub(crate) fn with_end(call: &str, end: Option<End>) -> OpenScope {
        context::current(call, |core| {
            let key = core.with(|state| {
                let key = state.add_scope();
                let deadline = end.map(|end| state.deadline(&core.clock, end));
                state.set_deadline(key, deadline);
                key
            });
            OpenScope::of(core, key)
        })
    }

    fn of(core: &Rc<Core>, key: Key) -> OpenScope {
        OpenScope { core: Rc::clone(core), key, closed: false }
    }

    pub(crate) fn refer(&self) -> ScopeRef {
        self.core.with(|state| state.hold_scope(self.key));
        ScopeRef { core: Rc::clone(&self.core), key: self.key }
    }

    /// One poll of the body with this scope as the innermost one. `None` if the body is to be dropped: a
    /// delivery is due, or it raised in this very poll.
    ///
    /// # Panics
    ///
    /// Outside a task of the scope's loop.
    fn poll_body<F: Future>(
        &self,
        body: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Option<Poll<F::Output>> {
        let inside = Inside::enter(self, cx)?;
        let polled = body.poll(cx);
        let raised = inside.exit(polled.is_pending());
        (!raised).then_some(polled)
    }

    pub(crate) fn close(mut self) -> Leaving {
        self.closed = true;
        self.core.with(|state| state.close_scope(self.key))
    }
}

impl Drop for OpenScope {
    fn drop(&mut self) {
        if !self.closed {
            self.core.with(|state| state.close_scope(self.key));
        }
    }
}

/// A body is being polled: its scope is the innermost one until this is dropped, by a panic too.
struct Inside<'a> {
    scope: &'a OpenScope,
    outer: Place,
}

impl<'a> Inside<'a> {
    /// `None` if a delivery is due.
    fn enter(scope: &'a OpenScope, cx: &Context<'_>) -> Option<Self> {
        let waker = scope.core.foreign_waker(cx);
        let outer = scope.core.with(|state| state.enter_scope(scope.key, waker))?;
        Some(Inside { scope, outer })
    }

    /// `true` if the body raised.
    fn exit(self, pending: bool) -> bool {
        let OpenScope { core, key, .. } = self.scope;
        let raised = core.with(|state| state.exit_scope(*key, self.outer, pending));
        std::mem::forget(self);
        raised
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.scope.core.with(|state| state.current = self.outer);
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

/// How a scope's body ended.
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

    pub(crate) fn is_open(&self) -> bool {
        self.scope.is_some()
    }

    /// Opens the scope, if that was not done before.
    pub(crate) fn open(self: Pin<&mut Self>, open: impl FnOnce() -> OpenScope) {
        self.project().scope.get_or_insert_with(open);
    }

    /// One poll; when the body has ended, the scope is left.
    pub(crate) fn poll_exit(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<(Exit<F::Output>, Leaving)> {
        const ENDED: &str = "a scope was polled after it ended";
        let this = self.project();
        let exit = ready!(poll_exit(this.scope.as_ref().expect(ENDED), this.body, cx));
        Poll::Ready((exit, this.scope.take().expect(ENDED).close()))
    }
}

/// One poll of a body inside its scope; or its drop, if that is due.
fn poll_exit<F: Future>(
    scope: &OpenScope,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Exit<F::Output>> {
    let running = body.as_mut().as_pin_mut().expect("a body is polled until it ends");
    if let Some(polled) = scope.poll_body(running, cx) {
        return polled.map(Exit::Value);
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
pub(crate) struct OwnCancel {
    /// Loop time at which the scope's timer fired, or would have.
    pub(crate) when: Option<Duration>,
}

impl<F: Future> Aimed<F> {
    pub(crate) fn new(scoped: Scoped<F>) -> Self {
        Aimed { scoped, outwards: None }
    }

    pub(crate) fn scoped(self: Pin<&mut Self>) -> Pin<&mut Scoped<F>> {
        self.project().scoped
    }

    pub(crate) fn is_open(&self) -> bool {
        self.scoped.is_open()
    }
}

impl<F: Future> Future for Aimed<F> {
    type Output = Result<F::Output, OwnCancel>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.outwards.is_none() {
            let (exit, left) = ready!(this.scoped.as_mut().poll_exit(cx));
            match exit {
                Exit::Value(value) => return Poll::Ready(Ok(value)),
                Exit::Cancelled if left.own => {
                    return Poll::Ready(Err(OwnCancel {
                        when: left.when.map(Duration::from_nanos),
                    }));
                }
                Exit::Cancelled => this.outwards.set(Some(Raise::new())),
            }
        }
        let outwards = this.outwards.as_pin_mut().expect("it was just set");
        match ready!(outwards.poll(cx)) {}
    }
}
