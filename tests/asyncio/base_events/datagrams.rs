//! Sockets for datagrams.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, SockRef, Socket, Type};
use wheelhouse::net::{UdpSocket, UnixDatagram};

fn local() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

#[test]
fn create_datagram_endpoint_no_addrinfo() {
    assert!(UdpSocket::bind(&[][..]).is_err());
}

#[test]
fn create_datagram_endpoint_addr_error() {
    // A tuple of four the compiler refuses; a text without a port it cannot.
    let refused = UdpSocket::bind("localhost").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}

#[test]
fn create_datagram_endpoint_connect_err() {
    // To reach everybody takes `set_broadcast`.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    assert!(socket.connect((Ipv4Addr::BROADCAST, 9).into()).is_err());
}

#[test]
fn create_datagram_endpoint_allow_broadcast() {
    let socket = UdpSocket::bind(local()).unwrap();
    socket.set_broadcast(true).unwrap();
    assert!(socket.broadcast().unwrap());
    assert_eq!(socket.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
}

#[test]
fn create_datagram_endpoint_no_matching_family() {
    // Not every machine has IPv6.
    let Ok(socket) = std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)) else { return };
    let other = UdpSocket::bind(local()).unwrap();
    let socket = UdpSocket::from_std(socket).unwrap();
    assert!(socket.connect(other.local_addr().unwrap()).is_err());
}

#[test]
fn create_datagram_endpoint_cant_bind() {
    let first = UdpSocket::bind(local()).unwrap();
    let refused = UdpSocket::bind(first.local_addr().unwrap()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AddrInUse);
}

#[test]
fn create_datagram_endpoint_sock() {
    let socket = std::net::UdpSocket::bind(local()).unwrap();
    let address = socket.local_addr().unwrap();
    let socket = UdpSocket::from_std(socket).unwrap();
    assert_eq!(socket.local_addr().unwrap(), address);
    drop(socket);
    assert!(std::net::UdpSocket::bind(address).is_ok(), "it is closed");
}

#[test]
fn create_datagram_endpoint_sock_unix() {
    let socket = UnixDatagram::unbound().unwrap();
    assert_eq!(SockRef::from(&socket).domain().unwrap(), Domain::UNIX);
    assert!(socket.local_addr().unwrap().is_unnamed());
}

#[test]
fn create_datagram_endpoint_sockopts() {
    // No option is set unless asked for.
    let plain = UdpSocket::bind(local()).unwrap();
    let options = SockRef::from(&plain);
    assert!(!options.reuse_port().unwrap() && !options.broadcast().unwrap());
    let asked = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    asked.set_reuse_port(true).unwrap();
    asked.bind(&local().into()).unwrap();
    let asked = UdpSocket::from_std(asked.into()).unwrap();
    asked.set_broadcast(true).unwrap();
    let options = SockRef::from(&asked);
    assert!(!options.reuse_address().unwrap());
    assert!(options.reuse_port().unwrap() && options.broadcast().unwrap());
}

#[test]
fn create_datagram_endpoint_ip_addr() {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    assert_eq!(socket.local_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
    assert_eq!(SockRef::from(&socket).r#type().unwrap(), Type::DGRAM);
}
