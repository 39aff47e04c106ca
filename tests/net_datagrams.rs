//! UDP and Unix sockets, and pipes.
#![cfg(unix)]

mod common;

use std::io::ErrorKind;
use std::path::PathBuf;

use common::{ms, run, turns};
use wheelhouse::io::{PipeReader, PipeWriter, pipe};
use wheelhouse::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
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
