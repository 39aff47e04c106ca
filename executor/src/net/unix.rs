//! Unix sockets: [`UnixStream`] and [`UnixListener`].

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

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
    /// If there is not, Linux tells nobody when there is room again. All one can do is try again, and how often
    /// is the caller's to say:
    ///
    /// ```
    /// # use wheelhouse::net::{UnixListener, UnixStream};
    /// # use std::{io::ErrorKind, time::Duration};
    /// use wheelhouse::schedule::{Backoff, retry};
    ///
    /// # let path = std::env::temp_dir().join(format!("wheelhouse-doc-{}", std::process::id()));
    /// # let listener = UnixListener::bind(&path).unwrap();
    /// # wheelhouse::run(async move {
    /// let patient = retry(Backoff::exponential(Duration::from_millis(1))).attempts(10);
    /// let is_full = |error: &std::io::Error| error.kind() == ErrorKind::WouldBlock;
    /// let stream = patient.run_if(is_full, async || UnixStream::connect(&path)).await.unwrap();
    /// # std::fs::remove_file(path).unwrap();
    /// # drop((stream, listener));
    /// # })
    /// # .unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// What the operating system says; an error around [`QueueFull`], of the kind
    /// [`WouldBlock`](ErrorKind::WouldBlock), if the listener has no room for more connections.
    pub fn connect(path: impl AsRef<Path>) -> io::Result<UnixStream> {
        let path = path.as_ref();
        match mio::net::UnixStream::connect(path) {
            Ok(stream) => Ok(UnixStream::new(stream)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(QueueFull::at(path)),
            Err(error) => Err(error),
        }
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
    /// What the operating system says, for example [`AddrInUse`](ErrorKind::AddrInUse) if there is a file.
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

/// A Unix listener has not accepted the connections that it has, and takes no more for now: see
/// [`UnixStream::connect`]. Comes inside of an [`io::Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFull {
    path: PathBuf,
}

impl QueueFull {
    fn at(path: &Path) -> io::Error {
        io::Error::new(ErrorKind::WouldBlock, QueueFull { path: path.to_owned() })
    }

    /// Where the listener is.
    #[must_use = "reading the path does nothing by itself"]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for QueueFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "the listener at {path} has no room for one more connection: try again later")
    }
}

impl Error for QueueFull {}
