//! [`Datagram`]: messages that keep their bounds, asyncio's `sock_recvfrom` and `sock_sendto`, for UDP and Unix
//! sockets.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::SocketAddr as UnixAddr;
use std::path::Path;

use mio::Interest;
use mio::net::{UdpSocket as OsUdp, UnixDatagram as OsUnix};

use crate::io::{Io, Kind, Readiness};
use crate::reactor::Direction;

/// A kind of socket for datagrams.
pub trait Datagrams: AsRawFd + AsFd + Into<OwnedFd> {
    /// The address of a socket.
    type Address;
    /// What it is called.
    const WHAT: &'static str;
    /// Sends once, to the peer.
    fn send(&self, message: &[u8]) -> io::Result<usize>;
    /// Receives once, from anybody or from the peer.
    fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, Self::Address)>;
    /// The address of this end.
    fn local_addr(&self) -> io::Result<Self::Address>;
    /// The address of the peer.
    fn peer_addr(&self) -> io::Result<Self::Address>;
}

/// A socket for datagrams: a [`UdpSocket`] or a [`UnixDatagram`].
///
/// Any number of tasks may send and receive at once, by reference.
pub struct Datagram<S: Datagrams> {
    io: Io<S>,
}

/// A UDP socket.
///
/// ```
/// use wheelhouse::net::UdpSocket;
///
/// wheelhouse::run(async {
///     let (one, other) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
///     one.send_to(b"hello", other.local_addr()?).await?;
///     let mut buf = [0; 16];
///     let (n, from) = other.recv_from(&mut buf).await?;
///     assert_eq!((&buf[..n], from), (&b"hello"[..], one.local_addr()?));
///     std::io::Result::Ok(())
/// })
/// .unwrap()
/// .unwrap();
/// ```
pub type UdpSocket = Datagram<OsUdp>;

/// A Unix socket for datagrams.
pub type UnixDatagram = Datagram<OsUnix>;

impl<S: Datagrams> Datagram<S> {
    fn new(os: S) -> Datagram<S> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        let kind = Kind { what: S::WHAT, interest, readiness: Readiness::Assumed };
        Datagram { io: Io::new(os, kind) }
    }

    /// Sends a message to the peer that the socket is connected to.
    ///
    /// # Errors
    ///
    /// What the operating system says, which may be of an earlier message.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the message was not sent.
    pub async fn send(&self, message: &[u8]) -> io::Result<usize> {
        self.io.when_ready(Direction::Write, |os| os.send(message)).await
    }

    /// Receives a message. What `buf` has no room for is lost.
    ///
    /// # Errors
    ///
    /// What the operating system says, which may be of an earlier message.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no message is lost.
    pub async fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.recv_from(buf).await?.0)
    }

    /// Receives a message, and says who it is from. What `buf` has no room for is lost.
    ///
    /// # Errors
    ///
    /// As [`recv`](Datagram::recv).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no message is lost.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, S::Address)> {
        self.io.when_ready(Direction::Read, |os| os.recv_from(buf)).await
    }

    /// Receives a message that is there, or says [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    ///
    /// As [`recv`](Datagram::recv).
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, S::Address)> {
        self.io.try_now(Direction::Read, |os| os.recv_from(buf))
    }

    /// Sends a message now, or says [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    ///
    /// As [`send`](Datagram::send).
    pub fn try_send(&self, message: &[u8]) -> io::Result<usize> {
        self.io.try_now(Direction::Write, |os| os.send(message))
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn local_addr(&self) -> io::Result<S::Address> {
        self.io.get().local_addr()
    }

    /// The address of the peer that the socket is connected to.
    ///
    /// # Errors
    ///
    /// What the operating system says; an error if it is not connected.
    pub fn peer_addr(&self) -> io::Result<S::Address> {
        self.io.get().peer_addr()
    }
}

impl UdpSocket {
    /// A socket at `address`; of several addresses, at the first that can be had. Port 0 lets the system
    /// choose one. A host name is looked up here and now, which may block.
    ///
    /// # Errors
    ///
    /// What the operating system says, for example [`AddrInUse`](io::ErrorKind::AddrInUse).
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        UdpSocket::from_std(std::net::UdpSocket::bind(address)?)
    }

    /// Takes a socket of the standard library, which it sets not to block.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        socket.set_nonblocking(true)?;
        Ok(Datagram::new(OsUdp::from_std(socket)))
    }

    /// Sends to `peer`, and receives from nobody else, from now on. Nothing is sent by this.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        self.io.get().connect(peer)
    }

    /// Sends a message to `to`.
    ///
    /// # Errors
    ///
    /// What the operating system says, which may be of an earlier message.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the message was not sent.
    pub async fn send_to(&self, message: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.io.when_ready(Direction::Write, |os| os.send_to(message, to)).await
    }

    /// As [`recv_from`](Datagram::recv_from), but the message stays, and is received again.
    ///
    /// # Errors
    ///
    /// As [`recv`](Datagram::recv).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no message is lost.
    pub async fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.when_ready(Direction::Read, |os| os.peek_from(buf)).await
    }

    /// Allows or forbids sending to everybody on the network.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.io.get().set_broadcast(on)
    }

    /// May it send to everybody on the network?
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.io.get().broadcast()
    }

    /// Limits how many routers a message may pass.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.get().set_ttl(ttl)
    }

    /// Receives what is sent to a group, on the interface with this address.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.io.get().join_multicast_v4(group, interface)
    }

    /// Leaves a group.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.io.get().leave_multicast_v4(group, interface)
    }

    /// Receives what is sent to a group, on the interface with this number.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get().join_multicast_v6(group, interface)
    }

    /// Leaves a group.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get().leave_multicast_v6(group, interface)
    }

    /// Does a message to a group come back to its sender's machine?
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.io.get().set_multicast_loop_v4(on)
    }
}

impl UnixDatagram {
    /// A socket at `path`, where no file may be.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixDatagram> {
        Ok(Datagram::new(OsUnix::bind(path)?))
    }

    /// A socket without a name, to send from.
    ///
    /// # Errors
    ///
    /// If the operating system has no file descriptors left.
    pub fn unbound() -> io::Result<UnixDatagram> {
        Ok(Datagram::new(OsUnix::unbound()?))
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Errors
    ///
    /// If the operating system has no file descriptors left.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = OsUnix::pair()?;
        Ok((Datagram::new(one), Datagram::new(other)))
    }

    /// Sends to `path`, and receives from nobody else, from now on.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.io.get().connect(path)
    }

    /// Sends a message to the socket at `path`.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the message was not sent.
    pub async fn send_to(&self, message: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        let path = path.as_ref();
        self.io.when_ready(Direction::Write, |os| os.send_to(message, path)).await
    }
}

impl Datagrams for OsUdp {
    type Address = SocketAddr;
    const WHAT: &'static str = "UdpSocket";

    fn send(&self, message: &[u8]) -> io::Result<usize> {
        OsUdp::send(self, message)
    }

    fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        OsUdp::recv_from(self, buf)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        OsUdp::local_addr(self)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        OsUdp::peer_addr(self)
    }
}

impl Datagrams for OsUnix {
    type Address = UnixAddr;
    const WHAT: &'static str = "UnixDatagram";

    fn send(&self, message: &[u8]) -> io::Result<usize> {
        OsUnix::send(self, message)
    }

    fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, UnixAddr)> {
        OsUnix::recv_from(self, buf)
    }

    fn local_addr(&self) -> io::Result<UnixAddr> {
        OsUnix::local_addr(self)
    }

    fn peer_addr(&self) -> io::Result<UnixAddr> {
        OsUnix::peer_addr(self)
    }
}

impl<S: Datagrams> From<Datagram<S>> for OwnedFd {
    /// The socket, which the loop watches no more. It does not block.
    fn from(socket: Datagram<S>) -> OwnedFd {
        socket.io.into_inner().into()
    }
}

impl<S: Datagrams> AsFd for Datagram<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get().as_fd()
    }
}

impl<S: Datagrams> AsRawFd for Datagram<S> {
    fn as_raw_fd(&self) -> RawFd {
        self.io.get().as_raw_fd()
    }
}

impl<S: Datagrams> fmt::Debug for Datagram<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}
