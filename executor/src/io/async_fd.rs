//! [`AsyncFd`]: readiness of any file descriptor, asyncio's `add_reader` as an await.

use std::fmt;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use mio::Interest;

use super::source::{Io, Kind, Readiness};
use crate::reactor::Direction;

/// Any file descriptor as something to wait for: an eventfd, inotify, the socket of a database client.
///
/// The descriptor is used only when the operating system has said that it is ready. It should not block all the
/// same (`O_NONBLOCK`): readiness may be wrong, and [`read_with`](AsyncFd::read_with) relies on
/// [`WouldBlock`](ErrorKind::WouldBlock). A regular file is always ready, and the system refuses to
/// watch it.
///
/// A descriptor is watched once in a loop. For a second `AsyncFd`, duplicate it.
///
/// ```
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
/// use wheelhouse::{io::AsyncFd, run};
///
/// run(async {
///     let (mut ours, theirs) = UnixStream::pair()?;
///     theirs.set_nonblocking(true)?;
///     let theirs = AsyncFd::new(theirs);
///     ours.write_all(b"ping")?;
///     let mut buf = [0; 16];
///     let read = theirs.read_with(|mut fd| fd.read(&mut buf)).await?;
///     assert_eq!(&buf[..read], b"ping");
///     std::io::Result::Ok(())
/// })
/// .unwrap()
/// .unwrap();
/// ```
pub struct AsyncFd<T: AsFd> {
    io: Io<Owner<T>>,
}

struct Owner<T>(T);

impl<T: AsFd> AsRawFd for Owner<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl<T: AsFd> AsyncFd<T> {
    /// Takes a descriptor, to wait for both its sides. It is registered when somebody first waits.
    pub fn new(inner: T) -> AsyncFd<T> {
        AsyncFd::with_interest(inner, Interest::READABLE | Interest::WRITABLE)
    }

    /// As [`new`](AsyncFd::new), for a descriptor that is only ever read from: nobody is told that it is
    /// writable.
    pub fn read_only(inner: T) -> AsyncFd<T> {
        AsyncFd::with_interest(inner, Interest::READABLE)
    }

    fn with_interest(inner: T, interest: Interest) -> AsyncFd<T> {
        let kind = Kind { what: "AsyncFd", interest, readiness: Readiness::Told };
        AsyncFd { io: Io::new(Owner(inner), kind) }
    }

    /// What it was made of.
    pub fn get_ref(&self) -> &T {
        &self.io.get().0
    }

    /// What it was made of. Its descriptor must stay the same.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io.get_mut().0
    }

    /// Gives back what it was made of; the loop watches it no more.
    pub fn into_inner(self) -> T {
        self.io.into_inner().0
    }

    /// Waits until the descriptor can be read from.
    ///
    /// # Errors
    ///
    /// If the system refuses to watch it; [`Misplaced`](super::Misplaced) outside its loop.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it stays readable.
    pub async fn readable(&self) -> io::Result<ReadyGuard<'_, T>> {
        self.ready(Direction::Read).await
    }

    /// Waits until the descriptor can be written to.
    ///
    /// # Errors
    ///
    /// As [`readable`](AsyncFd::readable).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it stays writable.
    pub async fn writable(&self) -> io::Result<ReadyGuard<'_, T>> {
        self.ready(Direction::Write).await
    }

    async fn ready(&self, direction: Direction) -> io::Result<ReadyGuard<'_, T>> {
        self.io.when_ready(direction, |_| Ok(())).await?;
        Ok(ReadyGuard { fd: self, direction })
    }

    /// Waits until `read` does not say [`WouldBlock`](ErrorKind::WouldBlock); it is called once for each time
    /// that the descriptor was said to be readable.
    ///
    /// # Errors
    ///
    /// What `read` says, and as [`readable`](AsyncFd::readable).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was not returned was not read.
    pub async fn read_with<R>(
        &self,
        mut read: impl FnMut(&T) -> io::Result<R> + Unpin,
    ) -> io::Result<R> {
        self.io.when_ready(Direction::Read, |owner| read(&owner.0)).await
    }

    /// As [`read_with`](AsyncFd::read_with), for writing.
    ///
    /// # Errors
    ///
    /// What `write` says, and as [`writable`](AsyncFd::writable).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was not returned was not written.
    pub async fn write_with<R>(
        &self,
        mut write: impl FnMut(&T) -> io::Result<R> + Unpin,
    ) -> io::Result<R> {
        self.io.when_ready(Direction::Write, |owner| write(&owner.0)).await
    }
}

impl<T: AsFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

/// A descriptor that was ready a moment ago: see [`AsyncFd::readable`].
#[must_use = "being ready is only an invitation to try"]
pub struct ReadyGuard<'a, T: AsFd> {
    fd: &'a AsyncFd<T>,
    direction: Direction,
}

impl<'a, T: AsFd> ReadyGuard<'a, T> {
    /// Tries something. If it says [`WouldBlock`](ErrorKind::WouldBlock), that is noted, and the next wait really
    /// waits.
    ///
    /// # Errors
    ///
    /// [`TryIoError`] if it would have blocked.
    pub fn try_io<R>(
        &self,
        attempt: impl FnOnce(&T) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        match self.fd.io.try_now(self.direction, |owner| attempt(&owner.0)) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(TryIoError),
            done => Ok(done),
        }
    }

    /// Notes that the descriptor is not ready any more; the next wait really waits.
    ///
    /// # Errors
    ///
    /// [`Misplaced`](super::Misplaced) outside its loop.
    pub fn clear_ready(self) -> io::Result<()> {
        Ok(self.fd.io.note_blocked(self.direction)?)
    }

    /// The descriptor.
    pub fn get_ref(&self) -> &'a T {
        self.fd.get_ref()
    }
}

impl<T: AsFd> fmt::Debug for ReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyGuard")
            .field("fd", self.fd)
            .field("direction", &self.direction)
            .finish()
    }
}

/// What was tried would have blocked: wait for readiness again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryIoError;

impl fmt::Display for TryIoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the descriptor was not ready after all: wait for it again")
    }
}

impl std::error::Error for TryIoError {}
