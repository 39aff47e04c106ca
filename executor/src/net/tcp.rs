//! TCP: [`TcpStream`], and what a [`TcpListener`] accepts.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};
use std::time::Duration;

use mio::Interest;
use rustix::io::Errno;
use socket2::{SockRef, Socket, TcpKeepalive};

use super::address::Address;
use super::connect::{ConnectError, TcpConnecting};
use super::listener::{Accept, Listener};
use crate::io::{ByteStream, Io, Kind, Readiness, Reads, Transport, Writes};
use crate::reactor::Direction;

/// TCP, as what carries the bytes of a stream.
#[derive(Debug)]
pub struct Tcp(Io<mio::net::TcpStream>);

/// A TCP connection.
pub type TcpStream = ByteStream<Tcp>;

/// A TCP socket that accepts connections.
pub type TcpListener = Listener<Tcp>;

impl TcpStream {
    /// Connects to a host, as asyncio's `open_connection`. If it has several addresses they are tried in turns,
    /// IPv6 and IPv4 alternating: the next one 250 ms after the last (RFC 8305, "Happy Eyeballs"), or at once
    /// if that has failed. The first connection wins, the other attempts are given up.
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use wheelhouse::net::{TcpListener, TcpStream};
    ///
    /// wheelhouse::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    ///     let port = listener.local_addr().unwrap().port();
    ///     let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    ///     drop((stream, listener));
    ///     let refused = TcpStream::connect(("127.0.0.1", port)).await.unwrap_err();
    ///     assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    /// })
    /// .unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectError`], with what became of each attempt. It turns into an [`io::Error`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: all attempts are given up, and their sockets closed.
    pub async fn connect(to: impl Into<Address>) -> Result<TcpStream, ConnectError> {
        TcpStream::connecting(to).connect().await
    }

    /// Chooses the address of this end before it connects: asyncio's `local_addr`.
    ///
    /// ```
    /// use wheelhouse::net::{TcpListener, TcpStream};
    ///
    /// wheelhouse::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0")?;
    ///     let connecting = TcpStream::connecting(listener.local_addr()?);
    ///     let stream = connecting.local_addr("127.0.0.1:0").connect().await?;
    ///     assert!(stream.local_addr()?.ip().is_loopback());
    ///     std::io::Result::Ok(())
    /// })
    /// .unwrap()
    /// .unwrap();
    /// ```
    pub fn connecting(to: impl Into<Address>) -> TcpConnecting {
        TcpConnecting::new(to.into())
    }

    /// Connects to one address.
    ///
    /// # Errors
    ///
    /// What the operating system says, for example
    /// [`ConnectionRefused`](ErrorKind::ConnectionRefused).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the attempt is given up, and its socket closed.
    pub async fn connect_addr(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::begin_connect(address)?;
        stream.io().when_ready(Direction::Write, connected).await?;
        Ok(stream)
    }

    pub(super) fn begin_connect(address: SocketAddr) -> io::Result<TcpStream> {
        Ok(ByteStream(Tcp::new(mio::net::TcpStream::connect(address)?)))
    }

    /// As [`begin_connect`](TcpStream::begin_connect), from a socket that is bound.
    pub(super) fn begin_connect_bound(socket: Socket, to: SocketAddr) -> io::Result<TcpStream> {
        socket.set_nonblocking(true)?;
        match socket.connect(&to.into()) {
            Err(error) if Errno::from_io_error(&error) != Some(Errno::INPROGRESS) => Err(error),
            _ => TcpStream::from_std(socket.into()),
        }
    }

    pub(super) fn poll_connected(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_when_ready(Direction::Write, cx, connected)
    }

    /// Takes a connection of the standard library, which it sets not to block.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(true)?;
        Ok(ByteStream(Tcp::new(mio::net::TcpStream::from_std(stream))))
    }

    /// Gives the connection to the standard library; the loop watches it no more. It does not block, until
    /// that is set.
    pub fn into_std(self) -> std::net::TcpStream {
        self.0.0.into_inner().into()
    }

    /// Reads what is there without taking it: the next read finds it again.
    ///
    /// # Errors
    ///
    /// As [`read`](ByteStream::read).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing is taken.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io().when_ready(Direction::Read, |os| os.peek(buf)).await
    }

    /// Shuts one direction down, or both. [`Shutdown::Write`] is [`finish`](ByteStream::finish).
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.os().shutdown(how)
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.os().local_addr()
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.os().peer_addr()
    }

    /// Sends small pieces at once instead of gathering them (`TCP_NODELAY`). Off by default.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.os().set_nodelay(nodelay)
    }

    /// Are small pieces sent at once?
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.os().nodelay()
    }

    /// Limits how many routers a packet may pass.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.os().set_ttl(ttl)
    }

    /// How many routers a packet may pass.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn ttl(&self) -> io::Result<u32> {
        self.os().ttl()
    }

    /// How long unsent bytes are kept after the close (`SO_LINGER`). With [`Duration::ZERO`] the close is a
    /// reset. Longer times make the close block the loop; `None` leaves it to the system.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        SockRef::from(self).set_linger(linger)
    }

    /// How long unsent bytes are kept after the close.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self).linger()
    }

    /// Asks a silent peer for a sign of life after `idle`, and then every `interval`. `None` turns it off.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn set_keepalive(&self, times: Option<(Duration, Duration)>) -> io::Result<()> {
        let socket = SockRef::from(self);
        match times {
            None => socket.set_keepalive(false),
            Some((idle, interval)) => socket
                .set_tcp_keepalive(&TcpKeepalive::new().with_time(idle).with_interval(interval)),
        }
    }

    /// Is a silent peer asked for signs of life?
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn keepalive(&self) -> io::Result<bool> {
        SockRef::from(self).keepalive()
    }

    /// An error of the socket that no operation has reported yet.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.os().take_error()
    }

    fn os(&self) -> &mio::net::TcpStream {
        self.io().get()
    }
}

/// Is the connection made? An error if that has failed.
fn connected(os: &mio::net::TcpStream) -> io::Result<()> {
    if let Some(error) = os.take_error()? {
        return Err(error);
    }
    match os.peer_addr() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
        Err(error) => Err(error),
    }
}

impl Tcp {
    fn new(os: mio::net::TcpStream) -> Tcp {
        let readiness = Readiness::Assumed;
        Tcp(Io::new(os, Kind { what: "TcpStream", interest: INTEREST, readiness }))
    }
}

/// Urgent data is watched for: a read that falls short at it has not taken all there was.
#[cfg(any(target_os = "linux", target_os = "android"))]
const INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);

#[allow(private_interfaces, reason = "as in the trait")]
impl Transport for Tcp {
    type Os = mio::net::TcpStream;

    fn io(&self) -> &Io<Self::Os> {
        &self.0
    }
}

/// Where urgent data is seen, a short read or write of TCP tells that the next one would block.
const SHORT_TELLS: bool = cfg!(any(target_os = "linux", target_os = "android"));

impl Reads for Tcp {
    const SHORT_IS_EMPTY: bool = SHORT_TELLS;
}

impl Writes for Tcp {
    const SHORT_IS_FULL: bool = SHORT_TELLS;

    fn end(os: &Self::Os) -> io::Result<()> {
        os.shutdown(Shutdown::Write)
    }
}

impl From<TcpStream> for OwnedFd {
    /// The socket, which the loop watches no more. It does not block.
    fn from(stream: TcpStream) -> OwnedFd {
        stream.into_std().into()
    }
}

impl Accept for Tcp {
    type Listener = mio::net::TcpListener;
    type Address = SocketAddr;
    const LISTENER: &'static str = "TcpListener";

    fn accept(os: &Self::Listener) -> io::Result<(Tcp, SocketAddr)> {
        let (stream, peer) = os.accept()?;
        Ok((Tcp::new(stream), peer))
    }

    fn local_addr(os: &Self::Listener) -> io::Result<SocketAddr> {
        os.local_addr()
    }
}
