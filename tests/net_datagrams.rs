//! UDP and Unix sockets, and pipes.
#![cfg(unix)]

mod common;

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use common::{ms, run, turns};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use wheelhouse::io::{PipeReader, PipeWriter, pipe};
use wheelhouse::net::{QueueFull, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use wheelhouse::schedule::{Backoff, retry};
use wheelhouse::{sleep, spawn, time, timeout};

/// A path that is this test's own, and free.
fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("wheelhouse-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

fn udp() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

#[test]
fn a_datagram_keeps_its_bounds_and_what_has_no_room_is_lost() {
    run(async {
        let (one, other) = (udp(), udp());
        let to = other.local_addr().unwrap();
        one.send_to(b"a long message", to).await.unwrap();
        one.send_to(b"", to).await.unwrap();
        one.send_to(b"next", to).await.unwrap();
        let mut buf = [0; 6];
        let (n, from) = other.peek_from(&mut buf).await.unwrap();
        assert_eq!((&buf[..n], from), (&b"a long"[..], one.local_addr().unwrap()));
        assert_eq!(other.recv(&mut buf).await.unwrap(), 6);
        assert_eq!(other.recv(&mut buf).await.unwrap(), 0);
        assert_eq!(other.recv_from(&mut buf).await.unwrap(), (4, one.local_addr().unwrap()));
        assert_eq!(&buf[..4], b"next");
        let blocked = other.try_recv_from(&mut buf).unwrap_err();
        assert_eq!(blocked.kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_connected_udp_socket_hears_its_peer_only() {
    run(async {
        let (one, other, stranger) = (udp(), udp(), udp());
        let address = one.local_addr().unwrap();
        one.connect(other.local_addr().unwrap()).unwrap();
        assert_eq!(one.peer_addr().unwrap(), other.local_addr().unwrap());
        other.connect(address).unwrap();
        let reader = spawn(async move {
            let mut buf = [0; 16];
            let n = one.recv(&mut buf).await.unwrap();
            (buf[..n].to_vec(), one)
        });
        turns(2).await;
        stranger.send_to(b"noise", address).await.unwrap();
        sleep(ms(5)).await;
        other.send(b"word").await.unwrap();
        let (word, one) = reader.await.unwrap();
        assert_eq!(word, b"word");
        // Nobody is there any more, and the system says so: to the second datagram, if a child process that is
        // being started by another test still held the socket when the first one came.
        drop(other);
        let refused = loop {
            if let Err(refused) = one.send(b"lost").await {
                break refused;
            }
            if let Ok(answer) = timeout(ms(5), one.recv(&mut [0])).await {
                break answer.unwrap_err();
            }
        };
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert!(timeout(ms(5), one.recv(&mut [0])).await.is_err());
        one.set_broadcast(true).unwrap();
        one.set_ttl(9).unwrap();
        assert!(one.broadcast().unwrap());
    });
}

#[test]
fn who_joins_a_group_receives_what_is_sent_to_it_until_he_leaves() {
    const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
    let group = Ipv4Addr::new(239, 255, 71, 7);
    run(async move {
        let (member, sender) = (UdpSocket::bind("0.0.0.0:0").unwrap(), udp());
        SockRef::from(&sender).set_multicast_if_v4(&HERE).unwrap();
        let to = (group, member.local_addr().unwrap().port()).into();
        let mut buf = [0; 8];
        sender.send_to(b"early", to).await.unwrap();
        assert!(timeout(ms(5), member.recv(&mut buf)).await.is_err());
        member.join_multicast_v4(&group, &HERE).unwrap();
        sender.send_to(b"to all", to).await.unwrap();
        assert_eq!(member.recv(&mut buf).await.unwrap(), 6);
        member.leave_multicast_v4(&group, &HERE).unwrap();
        sender.send_to(b"late", to).await.unwrap();
        assert!(timeout(ms(5), member.recv(&mut buf)).await.is_err());
    });
}

#[test]
fn a_group_of_ipv6_is_joined_once_and_left_once() {
    // The loopback interface is the first. It carries no groups of IPv6 everywhere, so nothing is sent.
    const LOOPBACK: u32 = 1;
    let group = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 0x4707);
    let Ok(member) = UdpSocket::bind("[::1]:0") else { return };
    member.leave_multicast_v6(&group, LOOPBACK).unwrap_err();
    member.join_multicast_v6(&group, LOOPBACK).unwrap();
    member.join_multicast_v6(&group, LOOPBACK).unwrap_err();
    member.leave_multicast_v6(&group, LOOPBACK).unwrap();
    member.leave_multicast_v6(&group, LOOPBACK).unwrap_err();
}

#[test]
fn unix_datagrams_go_both_ways_and_by_path() {
    run(async {
        let (one, other) = UnixDatagram::pair().unwrap();
        one.send(b"there").await.unwrap();
        other.try_send(b"back").unwrap();
        let mut buf = [0; 8];
        assert_eq!(other.recv(&mut buf).await.unwrap(), 5);
        assert_eq!(one.recv(&mut buf).await.unwrap(), 4);
        let place = path("datagram");
        let named = UnixDatagram::bind(&place).unwrap();
        let lone = UnixDatagram::unbound().unwrap();
        lone.send_to(b"to", &place).await.unwrap();
        let (n, from) = named.recv_from(&mut buf).await.unwrap();
        assert!(n == 2 && from.is_unnamed());
        lone.connect(&place).unwrap();
        assert_eq!(lone.peer_addr().unwrap().as_pathname(), Some(place.as_path()));
        std::fs::remove_file(place).unwrap();
    });
}

#[test]
fn a_unix_listener_accepts_at_its_path() {
    run(async {
        let place = path("listener");
        let listener = UnixListener::bind(&place).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(place.as_path()));
        let server = spawn(async move {
            let (stream, from) = listener.accept().await.unwrap();
            assert!(from.is_unnamed());
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        });
        let client = UnixStream::connect(&place).unwrap();
        client.write_all(b"hello").await.unwrap();
        client.finish().unwrap();
        let mut back = Vec::new();
        client.read_to_end(&mut back).await.unwrap();
        assert_eq!(back, b"hello");
        server.await.unwrap();
        assert_eq!(UnixListener::bind(&place).unwrap_err().kind(), ErrorKind::AddrInUse);
        std::fs::remove_file(&place).unwrap();
        assert_eq!(UnixStream::connect(&place).unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_full_queue_is_an_error_that_passes() {
    run(async {
        let place = path("full");
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::unix(&place).unwrap()).unwrap();
        socket.listen(0).unwrap();
        let listener = UnixListener::from_std(OwnedFd::from(socket).into()).unwrap();
        let mut clients = Vec::new();
        let full = loop {
            match UnixStream::connect(&place) {
                Ok(client) => clients.push(client),
                Err(full) => break full,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        let full = full.get_ref().unwrap().downcast_ref::<QueueFull>().unwrap();
        assert_eq!(full.path(), place);
        let text = full.to_string();
        assert!(text.contains("no room for one more connection: try again later"), "{text}");
        let to = place.clone();
        let late = spawn(async move {
            let is_full = |error: &io::Error| error.kind() == ErrorKind::WouldBlock;
            let patient = retry(Backoff::constant(ms(10)));
            patient.run_if(is_full, async || UnixStream::connect(&to)).await
        });
        sleep(ms(25)).await;
        assert!(!late.is_done());
        drop(listener.accept().await.unwrap());
        drop(late.await.unwrap().unwrap());
        assert_eq!(time(), ms(30));
        std::fs::remove_file(place).unwrap();
    });
}

#[test]
fn a_pipe_waits_for_its_reader_and_ends_with_its_writer() {
    const LOT: usize = 1 << 20;
    run(async {
        let (reader, writer) = pipe().unwrap();
        let write = spawn(async move {
            writer.write_all(&vec![3; LOT]).await.unwrap();
            time()
        });
        sleep(ms(10)).await;
        assert!(!write.is_done());
        let mut bytes = Vec::new();
        assert_eq!(reader.read_to_end(&mut bytes).await.unwrap(), LOT);
        assert_eq!(write.await.unwrap(), ms(10));
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let broken = writer.write_all(b"x").await.unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn an_end_of_a_pipe_that_is_taken_does_not_block_from_then_on() {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    assert!(!SockRef::from(&reader).nonblocking().unwrap());
    let reader = PipeReader::from_fd(reader).unwrap();
    assert!(SockRef::from(&reader).nonblocking().unwrap());
    assert!(!SockRef::from(&writer).nonblocking().unwrap());
    let writer = PipeWriter::from_fd(writer).unwrap();
    assert!(SockRef::from(&writer).nonblocking().unwrap());
}

#[test]
fn a_childs_pipes_are_read_and_written() {
    // A child is outside: real time.
    wheelhouse::run(async {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let input = PipeWriter::from_fd(child.stdin.take().unwrap()).unwrap();
        let output = PipeReader::from_fd(child.stdout.take().unwrap()).unwrap();
        input.write_all(b"meow").await.unwrap();
        drop(input);
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"meow");
        child.wait().unwrap();
    })
    .unwrap();
}
