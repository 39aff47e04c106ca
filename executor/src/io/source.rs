//! A descriptor and its place in a loop's reactor: the one mechanism under every socket, pipe and [`AsyncFd`].
//!
//! An operation is tried first and waited for only if it would block, asyncio's `sock_recv` and its like. What
//! never blocks is never registered: a connection that is accepted, read, answered and closed at once costs
//! the poll nothing. The entry in the reactor is made by the first operation that must wait, in the loop that
//! runs then, and given back when the owner is dropped, wherever that is.
//!
//! [`AsyncFd`]: super::AsyncFd

use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use mio::Interest;
use mio::event::Source as _;
use mio::unix::SourceFd;

use super::error::Misplaced;
use crate::context::{self, Core};
use crate::keyed::Key;
use crate::reactor::{Attempt, Direction, Waiting, token_of};
use crate::remote::{Message, Remote};
use crate::state::State;

/// What the reactor is told of a descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// For errors and deadlock reports.
    pub(crate) what: &'static str,
    pub(crate) interest: Interest,
    pub(crate) readiness: Readiness,
}

/// When an operation may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// At once: it never blocks the thread, but says `WouldBlock`.
    Assumed,
    /// Once the system has said so, and from then on until it says `WouldBlock`.
    Told,
    /// Once for each time that the system says so, since it may block the thread otherwise.
    ToldEachTime,
}

/// A descriptor's owner `S`, with the descriptor's place in a reactor.
pub(crate) struct Io<S: AsRawFd> {
    /// `None` once it was taken out.
    owner: Option<S>,
    kind: Kind,
    bound: OnceLock<Bound>,
}

struct Bound {
    remote: Arc<Remote>,
    source: Key,
}

impl<S: AsRawFd> Io<S> {
    pub(crate) fn new(owner: S, kind: Kind) -> Io<S> {
        Io { owner: Some(owner), kind, bound: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> &S {
        self.owner.as_ref().expect("taken out by `into_inner` only, which takes the whole")
    }

    pub(crate) fn get_mut(&mut self) -> &mut S {
        self.owner.as_mut().expect("taken out by `into_inner` only, which takes the whole")
    }

    /// Gives the descriptor's owner back; the loop watches it no more.
    pub(crate) fn into_inner(mut self) -> S {
        self.unbind();
        self.owner.take().expect("taken out once")
    }

    /// Waits until `operation` does not say `WouldBlock`.
    pub(crate) fn when_ready<R, F>(&self, direction: Direction, operation: F) -> Operation<'_, S, F>
    where
        F: FnMut(&S) -> io::Result<R> + Unpin,
    {
        Operation { io: self, direction, operation, waiting: None }
    }

    /// The polling form of [`when_ready`](Io::when_ready): who polled a side last is woken.
    pub(crate) fn poll_when_ready<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_with(direction, None, cx, &mut operation)
    }

    /// Tries `operation` once, and notes it if it would block.
    pub(crate) fn try_now<R>(
        &self,
        direction: Direction,
        operation: impl FnOnce(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let tried = operation(self.get());
        if tried.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            self.note_blocked(direction)?;
        }
        tried
    }

    /// Notes that an operation took all there was, or filled all the room there was: the next one will wait.
    pub(crate) fn note_drained(&self, direction: Direction) {
        if let Some(bound) = self.bound.get() {
            // Elsewhere than in its loop it is tried again in vain, that is all.
            let _ = bound.here(|core, source| core.with(|state| state.drained(source, direction)));
        }
    }

    /// Notes that an operation would have blocked. What was never registered has nothing to note.
    pub(crate) fn note_blocked(&self, direction: Direction) -> Result<(), Misplaced> {
        match self.bound.get() {
            Some(_) => self.with_entry(|state, source| state.blocked(source, direction)),
            None => Ok(()),
        }
    }

    /// `waiting` is where the future keeps its wait; without one, the side keeps it.
    fn poll_with<R>(
        &self,
        direction: Direction,
        mut waiting: Option<&mut Option<Waiting>>,
        cx: &mut Context<'_>,
        operation: &mut impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            match self.approach(direction, waiting.as_deref_mut(), cx)? {
                Attempt::Now => match operation(self.get()) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.enter()?;
                        self.note_blocked(direction)?;
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    done => {
                        if self.kind.readiness == Readiness::ToldEachTime {
                            self.ask_again(direction)?;
                        }
                        return Poll::Ready(done);
                    }
                },
                Attempt::Later => return Poll::Pending,
                Attempt::Yield => {
                    context::wake_by_ref(cx);
                    return Poll::Pending;
                }
            }
        }
    }

    /// What a future that is polled should do.
    fn approach(
        &self,
        direction: Direction,
        waiting: Option<&mut Option<Waiting>>,
        cx: &Context<'_>,
    ) -> io::Result<Attempt> {
        match self.bound.get() {
            Some(bound) => {
                bound.approach(direction, waiting, cx).ok_or_else(|| self.misplaced().into())
            }
            None => self.approach_unregistered(direction, waiting, cx),
        }
    }

    /// What is not registered may be used at once, but not without end; or it is registered first.
    #[cold]
    fn approach_unregistered(
        &self,
        direction: Direction,
        waiting: Option<&mut Option<Waiting>>,
        cx: &Context<'_>,
    ) -> io::Result<Attempt> {
        if self.kind.readiness != Readiness::Assumed {
            self.enter()?;
            return self.approach(direction, waiting, cx);
        }
        let spent =
            context::try_current(|core| core.with(|state| state.reactor.spend(state.counts.steps)));
        Ok(spent.unwrap_or(Attempt::Now))
    }

    /// After an operation on what may block: registered anew, the system says whether it is ready still.
    fn ask_again(&self, direction: Direction) -> io::Result<()> {
        let Some(bound) = self.bound.get() else { return Ok(()) };
        self.note_blocked(direction)?;
        let token = token_of(bound.source);
        bound.with_registry(|registry| {
            SourceFd(&self.fd()).reregister(registry, token, self.kind.interest)
        })
    }

    fn with_entry<R>(&self, lines: impl FnOnce(&mut State, Key) -> R) -> Result<R, Misplaced> {
        let look = |core: &Rc<Core>, source| core.with(|state| lines(state, source));
        self.bound.get().and_then(|bound| bound.here(look)).ok_or_else(|| self.misplaced())
    }

    /// Why this cannot be used here.
    #[cold]
    fn misplaced(&self) -> Misplaced {
        let what = self.kind.what;
        // A loop that has let the source go is being dropped.
        let is_gone = |bound: &Bound| bound.remote.is_closed() || bound.here(|_, _| ()).is_some();
        if self.bound.get().is_some_and(is_gone) {
            Misplaced::LoopClosed { what }
        } else if context::try_current(|_| ()).is_none() {
            Misplaced::NoLoop { what }
        } else {
            Misplaced::OtherLoop { what }
        }
    }

    /// Registers with the loop that runs, unless that was done before.
    fn enter(&self) -> io::Result<()> {
        if self.bound.get().is_some() {
            return Ok(());
        }
        let what = self.kind.what;
        context::try_current(|core| self.bind(core)).ok_or(Misplaced::NoLoop { what })?
    }

    fn bind(&self, core: &Rc<Core>) -> io::Result<()> {
        let (kind, fd) = (self.kind, self.fd());
        let ready = kind.readiness == Readiness::Assumed;
        let source = core.with(|state| state.reactor.add(kind.what, fd, ready));
        let bound = Bound { remote: Arc::clone(&core.remote), source };
        let watched = bound.with_registry(|registry| {
            registry.register(&mut SourceFd(&fd), token_of(source), kind.interest)
        });
        if let Err(error) = watched {
            core.with(|state| state.remove_source(source));
            return Err(error);
        }
        if let Err(bound) = self.bound.set(bound) {
            // Another loop on another thread was faster.
            bound.release(fd);
        }
        Ok(())
    }

    fn fd(&self) -> RawFd {
        self.get().as_raw_fd()
    }

    fn unbind(&mut self) {
        if let (Some(bound), Some(owner)) = (self.bound.take(), &self.owner) {
            bound.release(owner.as_raw_fd());
        }
    }
}

impl Bound {
    /// Shows `look` the loop that this is registered with, if it runs on this thread.
    #[inline]
    fn here<R>(&self, look: impl FnOnce(&Rc<Core>, Key) -> R) -> Option<R> {
        context::at_home(&self.remote, |core| look(core, self.source))
    }

    /// What a future that is polled should do: one look at the loop, since each request comes by here. `None`
    /// if the loop does not run here, or has let the source go.
    fn approach(
        &self,
        direction: Direction,
        waiting: Option<&mut Option<Waiting>>,
        cx: &Context<'_>,
    ) -> Option<Attempt> {
        self.here(|core, source| {
            let mut waker = core.foreign_waker(cx);
            core.with(|state| match waiting {
                Some(waiting) => state.approach(source, direction, waiting, &mut waker),
                None => state.approach_polling(source, direction, &mut waker),
            })
        })
        .flatten()
    }

    fn with_registry(
        &self,
        lines: impl FnOnce(&mio::Registry) -> io::Result<()>,
    ) -> io::Result<()> {
        // A loop that is gone watches nothing.
        self.remote.with_registry(lines).unwrap_or(Ok(()))
    }

    /// Gives the entry back, here or through the inbox of its loop.
    fn release(&self, fd: RawFd) {
        // The descriptor may be gone already, and its registration with it.
        let _ = self.with_registry(|registry| SourceFd(&fd).deregister(registry));
        self.at_home(
            |state, source| drop(state.remove_source(source)),
            || Message::DropSource(self.source),
        );
    }

    /// Runs `lines` on the state if its loop runs here, else sends it the message.
    fn at_home(&self, lines: impl FnOnce(&mut State, Key), message: impl FnOnce() -> Message) {
        if self.here(|core, source| core.with(|state| lines(state, source))).is_none() {
            // A loop that is gone has nothing left to give back.
            let _ = self.remote.send(message());
        }
    }
}

impl<S: AsRawFd> Drop for Io<S> {
    fn drop(&mut self) {
        self.unbind();
    }
}

impl<S: AsRawFd> fmt::Debug for Io<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.kind.what)
            .field("fd", &self.fd())
            .field("registered", &self.bound.get().is_some())
            .finish()
    }
}

/// The future of [`Io::when_ready`]. The wait it keeps while suspended is a plain one: given up when it is
/// cancelled, and nothing is lost, since the operation was not done.
pub(crate) struct Operation<'a, S: AsRawFd, F> {
    io: &'a Io<S>,
    direction: Direction,
    operation: F,
    waiting: Option<Waiting>,
}

impl<S, R, F> Future for Operation<'_, S, F>
where
    S: AsRawFd,
    F: FnMut(&S) -> io::Result<R> + Unpin,
{
    type Output = io::Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let this = &mut *self;
        this.io.poll_with(this.direction, Some(&mut this.waiting), cx, &mut this.operation)
    }
}

impl<S: AsRawFd, F> Drop for Operation<'_, S, F> {
    fn drop(&mut self) {
        if let (Some(waiting), Some(bound)) = (self.waiting, self.io.bound.get()) {
            bound.at_home(
                |state, _| state.give_up_io_wait(waiting),
                || Message::DropIoWait(waiting),
            );
        }
    }
}
