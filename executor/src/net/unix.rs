//! Unix sockets: [`UnixStream`] and [`UnixListener`].

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use mio::Interest;

use super::listener::{Accept, Listener};
use crate::io::{ByteStream, Io, Kind, Readiness, Reads, Transport, Writes};

/// Unix sockets, as what carries the bytes of a stream.
#[derive(Debug)]
pub struct Unix(Io<mio::net::UnixStream>);

/// A connection between processes of one machine.
pub type UnixStream = ByteStream<Unix>;

/// A Unix socket that accepts connections. It leaves its file behind when it is dropped, as everywhere.
pub type UnixListener = Listener<Unix>;

impl UnixStream {
    /// Connects to the socket at `path`. This never waits: there is a listener with room in its queue, or not.
    ///
    /// # Errors
    ///
    /// What the operating system says; [`WouldBlock`](io::ErrorKind::WouldBlock) if the listener's queue is full.
    pub fn connect(path: impl AsRef<Path>) -> io::Result<UnixStream> {
        Ok(UnixStream::new(mio::net::UnixStream::connect(path)?))
    }

    /// Two streams that are connected to each other.
    ///
    /// # Errors
    ///
    /// If the operating system has no file descriptors left.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = mio::net::UnixStream::pair()?;
        Ok((UnixStream::new(one), UnixStream::new(other)))
    }

    /// Takes a connection of the standard library, which it sets not to block.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn from_std(stream: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
        stream.set_nonblocking(true)?;
        Ok(UnixStream::new(mio::net::UnixStream::from_std(stream)))
    }

    /// Gives the connection to the standard library; the loop watches it no more. It does not block, until
    /// that is set.
    pub fn into_std(self) -> std::os::unix::net::UnixStream {
        self.0.0.into_inner().into()
    }

    /// Shuts one direction down, or both. [`Shutdown::Write`] is [`finish`](ByteStream::finish).
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io().get().shutdown(how)
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io().get().local_addr()
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io().get().peer_addr()
    }

    fn new(os: mio::net::UnixStream) -> UnixStream {
        ByteStream(Unix::new(os))
    }
}

impl Unix {
    fn new(os: mio::net::UnixStream) -> Unix {
        let interest = Interest::READABLE | Interest::WRITABLE;
        Unix(Io::new(os, Kind { what: "UnixStream", interest, readiness: Readiness::Assumed }))
    }
}

#[allow(private_interfaces, reason = "as in the trait")]
impl Transport for Unix {
    type Os = mio::net::UnixStream;

    fn io(&self) -> &Io<Self::Os> {
        &self.0
    }
}

impl Reads for Unix {}

impl Writes for Unix {
    fn end(os: &Self::Os) -> io::Result<()> {
        os.shutdown(Shutdown::Write)
    }
}

impl From<UnixStream> for OwnedFd {
    /// The socket, which the loop watches no more. It does not block.
    fn from(stream: UnixStream) -> OwnedFd {
        stream.into_std().into()
    }
}

impl Accept for Unix {
    type Listener = mio::net::UnixListener;
    type Address = SocketAddr;
    const LISTENER: &'static str = "UnixListener";

    fn accept(os: &Self::Listener) -> io::Result<(Unix, SocketAddr)> {
        let (stream, peer) = os.accept()?;
        Ok((Unix::new(stream), peer))
    }

    fn local_addr(os: &Self::Listener) -> io::Result<SocketAddr> {
        os.local_addr()
    }
}

impl UnixListener {
    /// Listens at `path`, where no file may be.
    ///
    /// # Errors
    ///
    /// What the operating system says, for example [`AddrInUse`](io::ErrorKind::AddrInUse) if there is a file.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        Ok(Listener::new(mio::net::UnixListener::bind(path)?))
    }

    /// Takes a listener of the standard library, which it sets not to block.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn from_std(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
        listener.set_nonblocking(true)?;
        Ok(Listener::new(mio::net::UnixListener::from_std(listener)))
    }
}
