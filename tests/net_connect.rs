//! Connecting: names, several addresses, and hosts that do not answer.
#![cfg(unix)]

mod common;

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};

use common::{ms, run, virtual_loop};
use socket2::{Domain, Socket, Type};
use wheelhouse::net::{Address, TcpListener, TcpStream, lookup};
use wheelhouse::{spawn, time, timeout};

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A listener whose queue is full: the system drops what else comes. The streams keep it so.
fn black_hole() -> (Socket, SocketAddr, Vec<StdStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queued = Vec::new();
    for _ in 0..2 {
        let stream = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        stream.set_nonblocking(true).unwrap();
        let _ = stream.connect(&address.into());
        queued.push(StdStream::from(stream));
    }
    (socket, address, queued)
}

#[test]
fn a_refused_connection_says_by_whom() {
    let address = nobody();
    run(async move {
        let refused = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(refused.attempts().len(), 1);
        assert_eq!(refused.attempts()[0].0, address);
        assert!(refused.to_string().starts_with(&format!("cannot connect to {address}: ")));
        assert!(refused.source().is_some());
        let error = io::Error::from(refused);
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let plain = TcpStream::connect_addr(address).await.unwrap_err();
        assert_eq!(plain.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_host_that_does_not_answer_is_given_up_at_the_timeout() {
    let (_socket, address, _queued) = black_hole();
    run(async move {
        assert!(timeout(ms(5000), TcpStream::connect(address)).await.is_err());
        assert_eq!(time(), ms(5000));
    });
}

#[test]
fn a_host_that_does_not_answer_is_overtaken_by_its_next_address() {
    let (_socket, hole, _queued) = black_hole();
    run(async move {
        let (listener, address) = listener();
        let to = Address::from(vec![hole, address]);
        let stream = TcpStream::connect(to).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        // RFC 8305: the second attempt starts beside the first.
        assert_eq!(time(), ms(250));
        listener.accept().await.unwrap();
    });
}

#[test]
fn an_address_that_refuses_is_followed_by_the_next_at_once() {
    let (closed, shut) = (nobody(), nobody());
    run(async move {
        let (listener, address) = listener();
        let stream = TcpStream::connect(vec![closed, address]).await.unwrap();
        assert_eq!((stream.peer_addr().unwrap(), time()), (address, ms(0)));
        listener.accept().await.unwrap();
        let refused = TcpStream::connect(vec![closed, shut]).await.unwrap_err();
        let tried: Vec<_> = refused.attempts().iter().map(|(address, _)| *address).collect();
        assert_eq!((tried, time()), (vec![closed, shut], ms(0)));
    });
}

#[test]
fn a_connect_that_is_cancelled_closes_its_sockets() {
    let (_socket, hole, _queued) = black_hole();
    // `run` sees that no source is left.
    run(async move {
        let attempt = spawn(TcpStream::connect(vec![hole, hole]));
        assert!(timeout(ms(300), attempt).await.is_err());
    });
}

#[test]
fn names_are_looked_up_and_numbers_are_not() {
    let mut event_loop = virtual_loop();
    event_loop
        .run_until_complete(async {
            let (listener, address) = listener();
            let stream = TcpStream::connect(("localhost", address.port())).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), address);
            listener.accept().await.unwrap();

            let nowhere = TcpStream::connect("no port in this").await.unwrap_err();
            assert!(nowhere.attempts().is_empty());
            assert_eq!(nowhere.kind(), ErrorKind::InvalidInput);
            assert!(nowhere.to_string().contains("no port in this"));
        })
        .unwrap();
    run(async {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(lookup("127.0.0.1:80").await.unwrap(), [address]);
        assert_eq!(lookup(("127.0.0.1", 80)).await.unwrap(), [address]);
        assert_eq!(lookup(address).await.unwrap(), [address]);
        assert_eq!(lookup(("::1", 80)).await.unwrap(), ["[::1]:80".parse().unwrap()]);
        assert!(lookup(&[][..]).await.unwrap().is_empty());
        let none = TcpStream::connect(&[][..]).await.unwrap_err();
        assert_eq!(none.to_string(), "cannot connect to : it has no addresses");
    });
}
