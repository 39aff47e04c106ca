//! Callbacks for file descriptors, asyncio's `add_reader` and `add_writer`.
//!
//! A callback runs in every turn in which its descriptor is ready, as asyncio's does, whether or not it has taken
//! what is there. The poll tells changes only; so after each run the descriptor is registered anew, and the
//! poll looks at it again.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::{Rc, Weak};

use mio::Interest;
use mio::event::Source as _;
use mio::unix::SourceFd;

use crate::context::{self, Core};
use crate::keyed::Key;
use crate::reactor::{Callback, Direction, token_of};

/// Runs `callback` in each turn in which `fd` is readable, until it is taken away. A callback that was there for
/// this descriptor before is replaced.
///
/// The descriptor must stay open for that long. A panic in the callback is reported to the exception handler;
/// the callback stays.
///
/// # Errors
///
/// If the operating system refuses to watch the descriptor: a regular file, or a socket that the loop
/// watches already.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn add_reader(fd: impl AsFd, callback: impl FnMut() + 'static) -> io::Result<Watch> {
    add("add_reader", fd, Direction::Read, callback)
}

/// As [`add_reader`], for a descriptor that can be written to.
///
/// # Errors
///
/// As [`add_reader`].
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn add_writer(fd: impl AsFd, callback: impl FnMut() + 'static) -> io::Result<Watch> {
    add("add_writer", fd, Direction::Write, callback)
}

/// Takes the callback of [`add_reader`] away; `false` if there was none.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn remove_reader(fd: impl AsFd) -> bool {
    remove("remove_reader", fd, Direction::Read)
}

/// Takes the callback of [`add_writer`] away; `false` if there was none.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn remove_writer(fd: impl AsFd) -> bool {
    remove("remove_writer", fd, Direction::Write)
}

#[track_caller]
fn add(
    call: &str,
    fd: impl AsFd,
    direction: Direction,
    callback: impl FnMut() + 'static,
) -> io::Result<Watch> {
    let fd = fd.as_fd().as_raw_fd();
    context::current(call, |core| core.add_watch(fd, direction, callback))
}

#[track_caller]
fn remove(call: &str, fd: impl AsFd, direction: Direction) -> bool {
    let fd = fd.as_fd().as_raw_fd();
    context::current(call, |core| core.unwatch(fd, direction).is_some())
}

/// A callback of [`add_reader`] or [`add_writer`]. Dropping this changes nothing.
#[derive(Clone)]
pub struct Watch {
    core: Weak<Core>,
    fd: RawFd,
    direction: Direction,
    callback: Weak<RefCell<dyn FnMut()>>,
}

impl Watch {
    /// Takes the callback away; `false` if that has been done, or if another has replaced it.
    pub fn cancel(&self) -> bool {
        let Some(core) = self.core.upgrade() else { return false };
        self.is_active() && core.unwatch(self.fd, self.direction).is_some()
    }

    /// Is it still there?
    #[must_use = "this only looks at the callback"]
    pub fn is_active(&self) -> bool {
        let Some(core) = self.core.upgrade() else { return false };
        let there = core.with(|state| state.reactor.watcher(self.fd, self.direction));
        there.is_some_and(|there| std::ptr::addr_eq(Rc::as_ptr(&there), self.callback.as_ptr()))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("fd", &self.fd)
            .field("direction", &self.direction)
            .field("active", &self.is_active())
            .finish()
    }
}

/// The handle of a source that has become ready.
pub(crate) fn run(core: &Rc<Core>, source: Key, direction: Direction) {
    if let Some(callback) = core.with(|state| state.tell_ready(source, direction)) {
        core.guard("a callback of a file descriptor panicked", || (callback.borrow_mut())());
        core.look_again(source);
    }
}

impl Core {
    pub(crate) fn add_watch(
        self: &Rc<Self>,
        fd: RawFd,
        direction: Direction,
        callback: impl FnMut() + 'static,
    ) -> io::Result<Watch> {
        let callback: Callback = Rc::new(RefCell::new(callback));
        self.watch(fd, direction, &callback)?;
        let (core, callback) = (Rc::downgrade(self), Rc::downgrade(&callback));
        Ok(Watch { core, fd, direction, callback })
    }

    fn watch(&self, fd: RawFd, direction: Direction, callback: &Callback) -> io::Result<()> {
        if let Some(source) = self.peek(|state| state.reactor.watched(fd)) {
            let replaced = self.set_callback(source, direction, Some(Rc::clone(callback)));
            drop(replaced);
            if self.register_again(source).is_ok() {
                return Ok(());
            }
            // The descriptor was closed, and this is another one under its number.
            self.forget(source);
        }
        let source = self.with(|state| state.reactor.add_watched(fd));
        self.set_callback(source, direction, Some(Rc::clone(callback)));
        self.registry(|registry| {
            SourceFd(&fd).register(registry, token_of(source), interest(direction))
        })
        .inspect_err(|_| self.forget(source))
    }

    fn unwatch(&self, fd: RawFd, direction: Direction) -> Option<Callback> {
        let source = self.peek(|state| state.reactor.watched(fd))?;
        let removed = self.set_callback(source, direction, None)?;
        if self.register_again(source).is_err() {
            self.forget(source);
        }
        Some(removed)
    }

    fn set_callback(
        &self,
        source: Key,
        direction: Direction,
        callback: Option<Callback>,
    ) -> Option<Callback> {
        self.with(|state| state.set_io_callback(source, direction, callback))
    }

    /// After a callback has run: if there is still something for it, the poll tells so again.
    fn look_again(&self, source: Key) {
        if self.register_again(source).is_err() {
            // The callback has closed its descriptor.
            self.forget(source);
        }
    }

    /// Registers a source for the sides that have callbacks. An error if it has none, or is gone.
    fn register_again(&self, source: Key) -> io::Result<()> {
        let gone = io::ErrorKind::NotFound;
        let (fd, interest) = self.peek(|state| state.reactor.interest(source)).ok_or(gone)?;
        let interest = interest.ok_or(gone)?;
        self.registry(|registry| SourceFd(&fd).reregister(registry, token_of(source), interest))
    }

    /// Forgets a source, with its callbacks.
    fn forget(&self, source: Key) {
        let Some((fd, _)) = self.peek(|state| state.reactor.interest(source)) else { return };
        // A descriptor that was closed is not registered any more.
        let _ = self.registry(|registry| SourceFd(&fd).deregister(registry));
        let forgotten = self.with(|state| state.remove_source(source));
        self.guard("a callback panicked when it was dropped", || drop(forgotten));
    }

    fn registry(&self, lines: impl FnOnce(&mio::Registry) -> io::Result<()>) -> io::Result<()> {
        self.remote.with_registry(lines).unwrap_or(Ok(()))
    }
}

pub(crate) fn interest(direction: Direction) -> Interest {
    match direction {
        Direction::Read => Interest::READABLE,
        Direction::Write => Interest::WRITABLE,
    }
}
