//! TCP on loopback: reading, writing, accepting, halves, and what peers may do.

mod common;

use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::rc::Rc;

use common::{is_cancelled, run, turns};
use wheelhouse::net::{TcpListener, TcpStream};
use wheelhouse::spawn;

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
