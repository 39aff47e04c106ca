//! [`Listener`]: accepting connections, asyncio's `sock_accept`, once for TCP and Unix sockets; and
//! [`Listeners`], several as one.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::task::{Context, Poll};

use mio::Interest;

use crate::io::{ByteStream, Io, Kind, Readiness, Transport};
use crate::reactor::Direction;

/// A kind of socket that listens.
pub trait Accept: Transport + Sized {
    /// The operating system's object.
    type Listener: AsRawFd + AsFd + Into<OwnedFd>;
    /// The address of a socket.
    type Address;
    /// What it is called.
    const LISTENER: &'static str;
    /// Accepts once.
    fn accept(os: &Self::Listener) -> io::Result<(Self, Self::Address)>;
    /// The address it listens at.
    fn local_addr(os: &Self::Listener) -> io::Result<Self::Address>;
}

/// A socket that waits for connections: a [`TcpListener`](super::TcpListener) or a
/// [`UnixListener`](super::UnixListener).
pub struct Listener<T: Accept> {
    io: Io<T::Listener>,
}

impl<T: Accept> Listener<T> {
    pub(super) fn new(os: T::Listener) -> Listener<T> {
        let (what, interest) = (T::LISTENER, Interest::READABLE);
        let kind = Kind { what, interest, readiness: Readiness::Assumed };
        Listener { io: Io::new(os, kind) }
    }

    /// Waits for a connection, and says who it is from. Any number of tasks may wait at once.
    ///
    /// # Errors
    ///
    /// What the operating system says: of a connection that was gone before it was accepted, or that there are
    /// no file descriptors left. The listener stays usable.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a connection that was not returned is there for the next.
    pub async fn accept(&self) -> io::Result<(ByteStream<T>, T::Address)> {
        let (transport, peer) = self.io.when_ready(Direction::Read, T::accept).await?;
        Ok((ByteStream(transport), peer))
    }

    /// Accepts a connection that is there, or says [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    ///
    /// As [`accept`](Listener::accept).
    pub fn try_accept(&self) -> io::Result<(ByteStream<T>, T::Address)> {
        let (transport, peer) = self.io.try_now(Direction::Read, T::accept)?;
        Ok((ByteStream(transport), peer))
    }

    /// The polling form of [`accept`](Listener::accept). Of several tasks that poll, the last is woken.
    pub fn poll_accept(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(ByteStream<T>, T::Address)>> {
        let polled = self.io.poll_when_ready(Direction::Read, cx, T::accept);
        polled.map_ok(|(transport, peer)| (ByteStream(transport), peer))
    }

    /// The connections, one after the other, without end: a `Stream`, with feature `stream`.
    pub fn incoming(&self) -> Incoming<'_, T> {
        Incoming { listener: self }
    }

    /// The address it listens at; of a bind to port 0, with the port that was chosen.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn local_addr(&self) -> io::Result<T::Address> {
        T::local_addr(self.io.get())
    }
}

impl<T: Accept> From<Listener<T>> for OwnedFd {
    /// The socket, which the loop watches no more. It does not block.
    fn from(listener: Listener<T>) -> OwnedFd {
        listener.io.into_inner().into()
    }
}

impl<T: Accept> AsFd for Listener<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get().as_fd()
    }
}

impl<T: Accept> AsRawFd for Listener<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.io.get().as_raw_fd()
    }
}

impl<T: Accept> fmt::Debug for Listener<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

/// Several listeners, accepted from as if they were one: what
/// [`TcpListener::bind_all`](super::TcpListener::bind_all) makes, and
/// [`start_server`](super::start_server) takes.
pub struct Listeners<T: Accept> {
    listeners: Vec<Listener<T>>,
    /// Which is asked first: the one after that of the last connection, so that a busy one starves no other.
    next: Cell<usize>,
}

impl<T: Accept> Listeners<T> {
    /// Waits for a connection to any of them, and says who it is from.
    ///
    /// # Errors
    ///
    /// As [`Listener::accept`], of any of them. All stay usable.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a connection that was not returned is there for the next.
    pub async fn accept(&self) -> io::Result<(ByteStream<T>, T::Address)> {
        poll_fn(|cx| {
            let (before, first) = self.listeners.split_at(self.next.get());
            for (n, listener) in first.iter().chain(before).enumerate() {
                if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                    self.next.set((self.next.get() + n + 1) % self.listeners.len());
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Each of them, for example to ask where it listens.
    pub fn iter(&self) -> std::slice::Iter<'_, Listener<T>> {
        self.listeners.iter()
    }
}

impl<'a, T: Accept> IntoIterator for &'a Listeners<T> {
    type Item = &'a Listener<T>;
    type IntoIter = std::slice::Iter<'a, Listener<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Accept> From<Vec<Listener<T>>> for Listeners<T> {
    fn from(listeners: Vec<Listener<T>>) -> Listeners<T> {
        Listeners { listeners, next: Cell::new(0) }
    }
}

impl<T: Accept> fmt::Debug for Listeners<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.listeners).finish()
    }
}

/// The connections of a listener: see [`Listener::incoming`].
#[must_use = "connections are accepted only when they are asked for"]
pub struct Incoming<'a, T: Accept> {
    listener: &'a Listener<T>,
}

impl<T: Accept> Incoming<'_, T> {
    /// The next connection, as [`Listener::accept`].
    ///
    /// # Errors
    ///
    /// As [`Listener::accept`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a connection that was not returned is there for the next.
    pub async fn next(&mut self) -> io::Result<ByteStream<T>> {
        Ok(self.listener.accept().await?.0)
    }
}

impl<T: Accept> fmt::Debug for Incoming<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Incoming").field(self.listener).finish()
    }
}

#[cfg(feature = "stream")]
impl<T: Accept> futures_core::Stream for Incoming<'_, T> {
    type Item = io::Result<ByteStream<T>>;

    fn poll_next(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.listener.poll_accept(cx).map_ok(|(stream, _)| stream).map(Some)
    }
}
