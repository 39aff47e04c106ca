//! Several listeners as one, and connections from a chosen address.
#![cfg(unix)]

mod common;

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream as StdStream};
use std::rc::Rc;

use common::{is_cancelled, run, turns};
use wheelhouse::net::{Listeners, Tcp, TcpListener, TcpStream, UnixListener, UnixStream};
use wheelhouse::spawn;

fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Two listeners as one, and where each listens.
fn two() -> (Listeners<Tcp>, [SocketAddr; 2]) {
    let both = [(); 2].map(|()| TcpListener::bind(anywhere()).unwrap());
    let addresses = both.each_ref().map(|each| each.local_addr().unwrap());
    (Vec::from(both).into(), addresses)
}

#[test]
fn a_busy_listener_starves_no_other() {
    run(async {
        let (listeners, [first, second]) = two();
        // The system has queued each when this returns.
        let connect = |to| StdStream::connect(to).unwrap();
        let _clients = [first, first, first, second, second].map(connect);
        let mut at = Vec::new();
        for _ in 0..5 {
            let (stream, _) = listeners.accept().await.unwrap();
            at.push(stream.local_addr().unwrap());
        }
        assert_eq!(at, [first, second, first, second, first]);
    });
}

#[test]
fn a_connection_to_any_ends_the_wait() {
    run(async {
        let (listeners, addresses) = two();
        let listeners = Rc::new(listeners);
        for to in [1, 0, 0, 1].map(|n| addresses[n]) {
            let again = Rc::clone(&listeners);
            let accepting = spawn(async move { again.accept().await?.0.local_addr() });
            turns(2).await;
            let _client = StdStream::connect(to).unwrap();
            assert_eq!(accepting.await.unwrap().unwrap(), to);
        }
    });
}

#[test]
fn a_cancelled_wait_leaves_the_connection_to_the_next() {
    run(async {
        let (listeners, [_, second]) = two();
        let listeners = Rc::new(listeners);
        let again = Rc::clone(&listeners);
        let waiting = spawn(async move { again.accept().await.map(drop) });
        turns(2).await;
        waiting.cancel();
        let client = StdStream::connect(second).unwrap();
        assert!(is_cancelled(waiting.await));
        let (_, peer) = listeners.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    });
}

#[test]
fn unix_listeners_are_accepted_from_as_one() {
    run(async {
        let name = format!("wheelhouse-{}-listeners", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listeners = Listeners::from(vec![UnixListener::bind(&path).unwrap()]);
        let client = UnixStream::connect(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let (server, _) = listeners.accept().await.unwrap();
        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut [0]).await.unwrap();
    });
}

#[test]
fn a_listener_for_ipv6_takes_ipv4_as_it_is_told() {
    run(async {
        let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let Ok(both) = TcpListener::binding(everywhere).only_v6(false).listen() else { return };
        let over_v4 = |listener: &TcpListener| {
            StdStream::connect((Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port()))
        };
        let client = over_v4(&both).unwrap();
        let (_, peer) = both.accept().await.unwrap();
        assert_eq!(peer.ip().to_canonical(), client.local_addr().unwrap().ip());
        let v6 = TcpListener::binding(everywhere).only_v6(true).listen().unwrap();
        assert_eq!(over_v4(&v6).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn if_one_address_cannot_be_had_nothing_listens() {
    let taken = TcpListener::bind(anywhere()).unwrap().local_addr().unwrap();
    let free = TcpListener::bind(anywhere()).unwrap();
    let held = free.local_addr().unwrap();
    let refused = TcpListener::bind_all([taken, held]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AddrInUse);
    assert!(refused.to_string().starts_with(&format!("cannot listen at {held}: ")), "{refused}");
    let refused = StdStream::connect(taken).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn of_several_local_addresses_the_first_that_can_be_had_is_taken() {
    run(async {
        let listener = TcpListener::bind(anywhere()).unwrap();
        let to = listener.local_addr().unwrap();
        let from = [to, anywhere()];
        let stream = TcpStream::connecting(to).local_addr(&from[..]).connect().await.unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, stream.local_addr().unwrap());
        assert_ne!(peer, to);
    });
}

#[test]
fn a_local_name_that_is_not_found_is_told_from_the_hosts() {
    run(async {
        let to = anywhere();
        let connecting = TcpStream::connecting(to).local_addr("no port in here");
        let refused = connecting.connect().await.unwrap_err();
        assert!(refused.attempts().is_empty());
        let start = format!("cannot connect to {to}: the name of this end, no port in here, was ");
        assert!(refused.to_string().starts_with(&start), "{refused}");
        assert_eq!(io::Error::from(refused).kind(), ErrorKind::InvalidInput);
    });
}
