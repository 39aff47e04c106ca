//! TCP on loopback: reading, writing, accepting, halves, and what peers may do.

mod common;

use std::cell::Cell;
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use common::{is_cancelled, ms, run, turns};
use futures::io::AsyncWriteExt as _;
use futures::stream::StreamExt as _;
use socket2::SockRef;
use wheelhouse::net::{TcpListener, TcpStream};
use wheelhouse::{sleep, spawn, time, timeout, yield_now};

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

/// Both ends of a connection.
async fn pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listener();
    let client = TcpStream::connect_addr(address).await.expect("somebody listens");
    let (server, peer) = listener.accept().await.expect("somebody connects");
    assert_eq!(peer, client.local_addr().expect("it is connected"));
    (client, server)
}

#[test]
fn what_is_written_is_read() {
    run(async {
        let (client, server) = pair().await;
        let echo = spawn(async move {
            let mut buf = [0; 64];
            loop {
                match server.read(&mut buf).await.unwrap() {
                    0 => return,
                    n => server.write_all(&buf[..n]).await.unwrap(),
                }
            }
        });
        for _ in 0..3 {
            client.write_all(b"hello").await.unwrap();
            let mut buf = [0; 5];
            client.read_exact(&mut buf).await.unwrap();
            assert_eq!(&buf, b"hello");
        }
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        echo.await.unwrap();
    });
}

#[test]
fn a_read_that_is_cancelled_takes_nothing() {
    run(async {
        let (client, server) = pair().await;
        let server = Rc::new(server);
        let reader = |server: Rc<TcpStream>| async move {
            let mut buf = [0; 8];
            let n = server.read(&mut buf).await.unwrap();
            buf[..n].to_vec()
        };
        let watcher = spawn({
            let server = Rc::clone(&server);
            async move { server.readable().await }
        });
        let first = spawn(reader(Rc::clone(&server)));
        let second = spawn(reader(Rc::clone(&server)));
        turns(2).await;
        client.write_all(b"one").await.unwrap();
        // All three are woken at once, and the watcher steps first (rule C6).
        watcher.await.unwrap().unwrap();
        assert!(!first.is_done());
        first.cancel();
        assert!(is_cancelled(first.await));
        assert_eq!(second.await.unwrap(), b"one");
    });
}

#[test]
fn a_write_waits_until_the_peer_reads() {
    const LOT: usize = 8 << 20;
    run(async {
        let (client, server) = pair().await;
        let writer = spawn(async move {
            let bytes = vec![7; LOT];
            client.write_all(&bytes).await.unwrap();
        });
        turns(8).await;
        assert!(!writer.is_done());
        let mut all = Vec::new();
        assert_eq!(server.read_to_end(&mut all).await.unwrap(), LOT);
        writer.await.unwrap();
        assert!(all.iter().all(|byte| *byte == 7));
    });
}

#[test]
fn bytes_that_come_one_at_a_time_make_a_message() {
    run(async {
        let (client, server) = pair().await;
        let reader = spawn(async move {
            let mut buf = [0; 26];
            server.read_exact(&mut buf).await.unwrap();
            (String::from_utf8(buf.to_vec()).unwrap(), server)
        });
        for byte in b'a'..=b'z' {
            client.write_all(&[byte]).await.unwrap();
            sleep(ms(1)).await;
        }
        let (text, server) = reader.await.unwrap();
        assert_eq!((text.as_str(), time()), ("abcdefghijklmnopqrstuvwxyz", ms(26)));
        drop(client);
        let early = server.read_exact(&mut [0; 3]).await.unwrap_err();
        assert_eq!(early.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(early.to_string(), "the stream ended after 0 of 3 bytes");
    });
}

#[test]
fn the_end_that_comes_with_the_last_bytes_is_seen_after_a_short_read() {
    run(async {
        let (client, server) = pair().await;
        let server = Rc::new(server);
        let reading = Rc::clone(&server);
        // Registered, and waiting.
        let reader = spawn(async move {
            let mut buf = [0; 64];
            (reading.read(&mut buf).await.unwrap(), reading.read(&mut buf).await.unwrap())
        });
        yield_now().await;
        client.write_all(b"last").await.unwrap();
        client.finish().unwrap();
        assert_eq!(reader.await.unwrap(), (4, 0));
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

#[test]
fn a_read_that_falls_short_at_urgent_data_has_not_taken_all() {
    run(async {
        let (client, server) = pair().await;
        client.set_nodelay(true).unwrap();
        let reader = spawn(async move {
            let mut all = Vec::new();
            let mut buf = [0; 64];
            while all.len() < 7 {
                let n = server.read(&mut buf).await.unwrap();
                all.extend_from_slice(&buf[..n]);
            }
            all
        });
        yield_now().await;
        client.write_all(b"abc").await.unwrap();
        // What is read stops at the mark; the rest was there already and is told of no more.
        SockRef::from(&client).send_out_of_band(b"!").unwrap();
        client.write_all(b"defg").await.unwrap();
        assert_eq!(timeout(ms(100), reader).await.unwrap().unwrap(), b"abcdefg");
    });
}

#[test]
fn half_a_connection_closes_and_the_other_goes_on() {
    run(async {
        let (client, server) = pair().await;
        client.write_all(b"question").await.unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut question = Vec::new();
        server.read_to_end(&mut question).await.unwrap();
        assert_eq!(question, b"question");
        let late = client.write(b"more").await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::BrokenPipe);
        server.write_all(b"answer").await.unwrap();
        drop(server);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
    });
}

#[test]
fn a_reset_by_the_peer_is_an_error_for_reader_and_writer() {
    run(async {
        let (client, server) = pair().await;
        let server = Rc::new(server);
        let reading = Rc::clone(&server);
        let reader = spawn(async move { reading.read(&mut [0; 8]).await });
        let writing = Rc::clone(&server);
        let writer = spawn(async move { writing.write_all(&vec![0; 16 << 20]).await });
        sleep(ms(1)).await;
        assert!(!reader.is_done() && !writer.is_done());
        client.set_linger(Some(Duration::ZERO)).unwrap();
        assert_eq!(client.linger().unwrap(), Some(Duration::ZERO));
        drop(client);
        let (read, wrote) = (reader.await.unwrap(), writer.await.unwrap());
        let kinds = [read.map(drop).unwrap_err().kind(), wrote.unwrap_err().kind()];
        assert!(kinds.contains(&ErrorKind::ConnectionReset), "{kinds:?}");
        // Nothing waits on a connection that is gone.
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(server.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_slow_reader_bounds_what_its_writer_can_have_sent() {
    run(async {
        let (client, server) = pair().await;
        let sent = Rc::new(Cell::new(0));
        let count = Rc::clone(&sent);
        let writer = spawn(async move {
            let piece = vec![1; 64 * 1024];
            loop {
                count.set(count.get() + client.write(&piece).await.unwrap());
            }
        });
        let mut held = 0;
        while sent.get() > held || held == 0 {
            held = sent.get();
            // The buffers of the system are all there is.
            assert!(held < 64 << 20, "{held} bytes");
            sleep(ms(1000)).await;
        }
        let mut taken = 0;
        let mut buf = vec![0; 256 * 1024];
        while taken < 8 << 20 {
            taken += server.read(&mut buf).await.unwrap();
            assert!(sent.get() - taken <= held + (1 << 20), "{} of {taken}", sent.get());
        }
        writer.cancel();
        assert!(is_cancelled(writer.await));
    });
}

#[test]
fn several_buffers_are_written_and_read_at_once() {
    run(async {
        let (client, server) = pair().await;
        let written = client.write_vectored(&[IoSlice::new(b"one"), IoSlice::new(b"two")]).await;
        assert_eq!(written.unwrap(), 6);
        let (mut first, mut second) = ([0; 2], [0; 8]);
        let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(server.read_vectored(&mut bufs).await.unwrap(), 6);
        assert_eq!((&first, &second[..4]), (b"on", &b"etwo"[..]));
    });
}

#[test]
fn a_peek_leaves_the_bytes_where_they_are() {
    run(async {
        let (client, server) = pair().await;
        let mut buf = [0; 8];
        assert_eq!(server.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        client.write_all(b"look").await.unwrap();
        assert_eq!(server.peek(&mut buf).await.unwrap(), 4);
        assert_eq!(server.peek(&mut buf[..2]).await.unwrap(), 2);
        assert_eq!(server.try_read(&mut buf).unwrap(), 4);
        assert_eq!(&buf[..4], b"look");
        assert!(timeout(ms(5), server.peek(&mut buf)).await.is_err());
    });
}

#[test]
fn halves_go_their_own_ways_and_come_together_again() {
    run(async {
        let (client, server) = pair().await;
        {
            let (read, write) = server.split();
            client.write_all(b"ab").await.unwrap();
            read.read_exact(&mut [0; 2]).await.unwrap();
            write.write_all(b"cd").await.unwrap();
        }
        let (read, write) = server.into_split();
        let writer = spawn(async move {
            write.write_all(b"ef").await.unwrap();
            write
        });
        let mut back = [0; 4];
        client.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"cdef");
        let write = writer.await.unwrap();
        let (other_read, other_write) = client.into_split();
        let mixed = read.reunite(other_write).unwrap_err();
        assert!(mixed.to_string().contains("do not make one"));
        let server = mixed.read.reunite(write).unwrap();
        drop(mixed.write);
        server.write_all(b"gh").await.unwrap();
        other_read.read_exact(&mut [0; 2]).await.unwrap();
        drop(other_read);
        assert_eq!(server.read(&mut [0; 2]).await.unwrap(), 0);
        let std = server.into_std();
        assert!(TcpStream::from_std(std).is_ok());
    });
}

#[test]
fn connections_go_to_those_who_wait_for_them_in_order() {
    run(async {
        let (listener, address) = listener();
        let listener = Rc::new(listener);
        let acceptors: Vec<_> = (0..3)
            .map(|_| {
                let listener = Rc::clone(&listener);
                spawn(async move { listener.accept().await.unwrap().1 })
            })
            .collect();
        turns(2).await;
        acceptors[0].cancel();
        let mut clients = Vec::new();
        for _ in 0..2 {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        let mut peers = Vec::new();
        for acceptor in acceptors {
            peers.extend(acceptor.await.ok());
        }
        let ours: Vec<_> = clients.iter().map(|client| client.local_addr().unwrap()).collect();
        assert_eq!(peers, ours);
        assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn accepted_connections_are_a_stream() {
    run(async {
        let (listener, address) = listener();
        let clients = spawn(async move {
            for n in 0..3u8 {
                let client = TcpStream::connect(address).await.unwrap();
                client.write_all(&[n]).await.unwrap();
            }
        });
        let mut first = listener.incoming().take(3);
        for n in 0..3 {
            let stream = first.next().await.unwrap().unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            assert_eq!(byte, [n]);
        }
        assert!(first.next().await.is_none());
        clients.await.unwrap();
    });
}

#[test]
fn the_traits_of_futures_io_work_and_can_be_cancelled() {
    run(async {
        let (mut client, mut server) = pair().await;
        let echo = spawn(async move {
            let (reader, mut writer) = futures::io::AsyncReadExt::split(&mut server);
            futures::io::copy(reader, &mut writer).await.unwrap();
            writer.close().await.unwrap();
        });
        for _ in 0..3 {
            futures::io::AsyncWriteExt::write_all(&mut client, b"hello").await.unwrap();
            let mut buf = [0; 5];
            futures::io::AsyncReadExt::read_exact(&mut client, &mut buf).await.unwrap();
            assert_eq!(&buf, b"hello");
        }
        let mut byte = [0];
        let read = futures::io::AsyncReadExt::read(&mut client, &mut byte);
        assert!(timeout(ms(20), read).await.is_err());
        assert_eq!(time(), ms(20));
        client.close().await.unwrap();
        let mut rest = Vec::new();
        futures::io::AsyncReadExt::read_to_end(&mut client, &mut rest).await.unwrap();
        assert!(rest.is_empty());
        echo.await.unwrap();
    });
}

#[test]
fn options_are_set_and_read() {
    run(async {
        let (client, _server) = pair().await;
        client.set_nodelay(true).unwrap();
        client.set_ttl(33).unwrap();
        client.set_keepalive(Some((Duration::from_secs(60), Duration::from_secs(5)))).unwrap();
        assert!(client.nodelay().unwrap() && client.keepalive().unwrap());
        assert_eq!(client.ttl().unwrap(), 33);
        client.set_keepalive(None).unwrap();
        assert!(!client.keepalive().unwrap() && client.take_error().unwrap().is_none());
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let first = TcpListener::binding(address).reuse_port(true).backlog(5).listen().unwrap();
        let taken = first.local_addr().unwrap();
        assert!(TcpListener::binding(taken).reuse_port(true).listen().is_ok());
        assert_eq!(TcpListener::bind(taken).unwrap_err().kind(), ErrorKind::AddrInUse);
    });
}
