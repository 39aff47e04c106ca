//! A future that is completed by hand: asyncio's `Future`, as `loop.create_future()` makes it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::callback::CallHandle;
use crate::cancelled::Cancelled;
use crate::context::{self, Core};
use crate::error::BoxError;
use crate::keyed::Key;
use crate::observe::ExceptionContext;
use crate::promise_error::{AlreadyDone, PromiseError};
use crate::state::{Ready, State};
use crate::target::{Forward, Target};
use crate::wait::OpenWait;
use crate::waits::WaitKey;

/// A pair for code that completes by hand: the [`Promise`] is set once, with a value, an error or a
/// cancel; the [`Promised`] waits, and where the value can be cloned so do its clones.
///
/// An await of it forwards (rule C9): cancelling one waiter cancels the future, for all of them.
///
/// ```
/// use wheelhouse::{call_soon, promise, run};
///
/// run(async {
///     let (promise, promised) = promise();
///     call_soon(move || promise.set(7).unwrap());
///     assert_eq!(promised.await, Ok(7));
/// })
/// .unwrap();
/// ```
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn promise<T: 'static>() -> (Promise<T>, Promised<T>) {
    let shared = context::current("promise", |core| {
        Rc::new(Shared {
            core: Rc::clone(core),
            outcome: RefCell::new(None),
            state: Cell::new(Stage::Pending),
            waiters: RefCell::default(),
            promises: Cell::new(1),
            seen: Cell::new(false),
            clone: Cell::new(None),
        })
    });
    (Promise { shared: Rc::clone(&shared) }, Promised { shared, wait: None })
}

/// The completing side of [`promise`]. Dropping the last clone unset is an error for the waiters. An error
/// that was set, and that nobody looks at, is reported to the exception handler.
pub struct Promise<T> {
    shared: Rc<Shared<T>>,
}

/// The waiting side of [`promise`].
///
/// # Cancel safety
///
/// Cancel safe: the value stays until somebody receives it. Cancelling a waiter, however, cancels the
/// future for every waiter.
#[must_use = "a future does nothing until it is awaited"]
pub struct Promised<T> {
    shared: Rc<Shared<T>>,
    wait: Option<OpenWait>,
}

impl<T: 'static> Promise<T> {
    /// Completes it with a value; its waiters step in the next turn, in the order in which they came.
    ///
    /// # Errors
    ///
    /// Gives the value back if it is done already, or was cancelled.
    pub fn set(&self, value: T) -> Result<(), AlreadyDone<T>> {
        if self.is_done() {
            return Err(AlreadyDone(value));
        }
        self.shared.complete(Ok(value));
        Ok(())
    }

    /// Completes it with an error.
    ///
    /// # Errors
    ///
    /// Gives the error back if it is done already, or was cancelled.
    pub fn set_err<E: Into<BoxError>>(&self, error: E) -> Result<(), AlreadyDone<E>> {
        if self.is_done() {
            return Err(AlreadyDone(error));
        }
        self.shared.complete(Err(PromiseError::Failed(error.into().into())));
        Ok(())
    }

    /// Cancels it for every waiter; `false` if it is done already.
    pub fn cancel(&self) -> bool {
        self.shared.cancel()
    }

    /// Was it set or cancelled?
    #[must_use = "this only looks"]
    pub fn is_done(&self) -> bool {
        self.shared.is_done()
    }

    /// Was it cancelled?
    #[must_use = "this only looks"]
    pub fn is_cancelled(&self) -> bool {
        self.shared.state.get() == Stage::Cancelled
    }
}

impl<T: Clone + 'static> Promise<T> {
    /// Another waiting side. From now on each waiter gets a copy of the value.
    pub fn promised(&self) -> Promised<T> {
        Promised { shared: Rc::clone(&self.shared), wait: None }.clone()
    }
}

impl<T> Clone for Promise<T> {
    fn clone(&self) -> Self {
        self.shared.promises.set(self.shared.promises.get() + 1);
        Promise { shared: Rc::clone(&self.shared) }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.shared.promises.set(self.shared.promises.get() - 1);
        if self.shared.promises.get() == 0 && self.shared.state.get() == Stage::Pending {
            self.shared.complete(Err(PromiseError::Dropped));
        }
    }
}

impl<T: 'static> Promised<T> {
    /// Cancels it for every waiter; `false` if it is done already.
    pub fn cancel(&self) -> bool {
        self.shared.cancel()
    }

    /// Was it set or cancelled?
    #[must_use = "this only looks"]
    pub fn is_done(&self) -> bool {
        self.shared.is_done()
    }

    /// Was it cancelled?
    #[must_use = "this only looks"]
    pub fn is_cancelled(&self) -> bool {
        self.shared.state.get() == Stage::Cancelled
    }

    /// What it was completed with, for as often as one asks; `None` while it is pending.
    #[must_use = "this only looks at the outcome"]
    pub fn outcome(&self) -> Option<Result<T, PromiseError>>
    where
        T: Clone,
    {
        self.is_done().then(|| self.shared.copy(T::clone))
    }

    /// Calls `callback` from the loop once it is done, in its turn among the waiters: asyncio's
    /// `Future.add_done_callback`. One that is done calls it in the next turn. The handle takes it back.
    #[track_caller]
    pub fn add_done_callback(&self, callback: impl FnOnce(&Promised<T>) + 'static) -> CallHandle {
        let promised = Promised { shared: Rc::clone(&self.shared), wait: None };
        let callback = Box::new(move || callback(&promised));
        self.shared.call_when_done(callback, Location::caller())
    }

    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_done() {
            return self.leave();
        }
        match &self.wait {
            Some(wait) => drop(wait.touch(cx)),
            None => self.wait = Some(self.shared.enter(cx)),
        }
        Poll::Pending
    }

    /// Done: ready, or raised if it was our own cancel that came back.
    fn leave(&mut self) -> Poll<()> {
        let Some(wait) = self.wait.take() else { return Poll::Ready(()) };
        if wait.forwarded() && self.shared.state.get() == Stage::Cancelled {
            wait.raise();
            self.wait = Some(wait);
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl<T: 'static> Future for Promised<T> {
    type Output = Result<T, PromiseError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        std::task::ready!(self.poll_done(cx));
        Poll::Ready(self.shared.receive())
    }
}

impl<T: Clone> Clone for Promised<T> {
    /// Another waiter. From now on each gets a copy of the value.
    fn clone(&self) -> Self {
        self.shared.clone.set(Some(T::clone));
        Promised { shared: Rc::clone(&self.shared), wait: None }
    }
}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise").field("state", &self.shared.state.get()).finish()
    }
}

impl<T> fmt::Debug for Promised<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promised").field("state", &self.shared.state.get()).finish()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Pending,
    Done,
    Cancelled,
}

type Copier<T> = fn(&T) -> T;

/// Who is told that it is done.
enum Waiter {
    Wait(WaitKey),
    Callback(Key),
}

struct Shared<T> {
    core: Rc<Core>,
    outcome: RefCell<Option<Result<T, PromiseError>>>,
    state: Cell<Stage>,
    waiters: RefCell<Vec<Waiter>>,
    promises: Cell<usize>,
    /// Somebody has looked at the outcome, so an error needs no report.
    seen: Cell<bool>,
    /// How to copy the value; known once there are several waiters.
    clone: Cell<Option<Copier<T>>>,
}

impl<T> Shared<T> {
    fn complete(&self, outcome: Result<T, PromiseError>) {
        self.outcome.replace(Some(outcome));
        self.state.set(Stage::Done);
        self.core.with(|state| self.wake_waiters(state));
    }

    fn wake_waiters(&self, state: &mut State) {
        for waiter in self.waiters.take() {
            match waiter {
                Waiter::Wait(wait) => drop(state.set_wait(wait)),
                Waiter::Callback(call) => state.ready.push(Ready::Call(call)),
            }
        }
    }

    fn call_when_done(
        &self,
        callback: Box<dyn FnOnce()>,
        at: &'static Location<'static>,
    ) -> CallHandle {
        if self.is_done() {
            return self.core.call_soon(callback, at);
        }
        let call = self.core.hold_call(callback, at);
        self.waiters.borrow_mut().push(Waiter::Callback(call.key()));
        call
    }

    fn is_done(&self) -> bool {
        self.state.get() != Stage::Pending
    }

    fn cancel(&self) -> bool {
        // Whoever wants it gone does not want to hear of an error.
        self.seen.set(true);
        self.core.with(|state| self.cancel_in(state))
    }

    fn cancel_in(&self, state: &mut State) -> bool {
        let accepted = self.state.get() == Stage::Pending;
        if accepted {
            self.state.set(Stage::Cancelled);
            self.wake_waiters(state);
        }
        accepted
    }

    /// The outcome for one waiter: a copy where there may be others, else the value itself.
    fn receive(&self) -> Result<T, PromiseError> {
        if self.state.get() == Stage::Cancelled {
            return Err(PromiseError::Cancelled(Cancelled::new()));
        }
        match self.clone.get() {
            Some(clone) => self.copy(clone),
            None => self.outcome.take().unwrap_or(Err(PromiseError::Taken)),
        }
    }

    fn copy(&self, clone: Copier<T>) -> Result<T, PromiseError> {
        self.seen.set(true);
        match &*self.outcome.borrow() {
            _ if self.state.get() == Stage::Cancelled => {
                Err(PromiseError::Cancelled(Cancelled::new()))
            }
            Some(Ok(value)) => Ok(clone(value)),
            Some(Err(error)) => Err(error.clone()),
            None => Err(PromiseError::Taken),
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        if let (Some(Err(error @ PromiseError::Failed(_))), false) =
            (self.outcome.get_mut(), self.seen.get())
        {
            self.core.report(&ExceptionContext::promise_failed(error));
        }
    }
}

impl Waiter {
    fn is_waiting(&self, state: &State) -> bool {
        match self {
            Waiter::Wait(wait) => state.waits.get(*wait).is_some(),
            Waiter::Callback(call) => state.calls.get(*call).is_some(),
        }
    }
}

impl<T: 'static> Shared<T> {
    fn enter(self: &Rc<Self>, cx: &Context<'_>) -> OpenWait {
        let target = Target::Forward(Rc::clone(self) as Rc<dyn Forward>);
        let wait = OpenWait::new(&self.core, &target, cx);
        let mut waiters = self.waiters.borrow_mut();
        if waiters.len() == waiters.capacity() {
            // Waiters that left without an answer are forgotten before there is room made for more.
            self.core.peek(|state| waiters.retain(|waiter| waiter.is_waiting(state)));
        }
        waiters.push(Waiter::Wait(wait.key()));
        drop(waiters);
        wait
    }
}

impl<T> Forward for Shared<T> {
    fn forward(&self, state: &mut State, _: &mut Vec<u32>) -> bool {
        self.cancel_in(state)
    }

    fn describe(&self) -> String {
        "a promise that nobody has kept".to_owned()
    }
}
