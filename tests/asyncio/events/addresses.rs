//! Connections from chosen addresses, and servers at several.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use wheelhouse::net::{Server, TcpListener, TcpStream, start_server};

use crate::common::run;

fn has_ipv6() -> bool {
    std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// A server that does nothing but take connections, and where it listens.
fn server() -> (Server, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (start_server(listener, async |_: TcpStream, _| io::Result::Ok(())), address)
}

/// Makes `attempt` at a port that nobody has; somebody may yet take it before, so up to five times.
async fn at_unused_port<T>(attempt: impl AsyncFn(u16) -> io::Result<T>) -> T {
    for _ in 0..5 {
        let unused = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = unused.local_addr().unwrap().port();
        drop(unused);
        match attempt(port).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            made => return made.unwrap(),
        }
    }
    panic!("each of five unused ports was taken")
}

#[test]
fn create_connection_local_addr() {
    run(async {
        let (server, to) = server();
        at_unused_port(async |port| {
            let from = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let stream = TcpStream::connecting(to).local_addr(from).connect().await?;
            assert_eq!(stream.local_addr()?, from);
            Ok(())
        })
        .await;
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn create_connection_local_addr_skip_different_family() {
    run(async {
        let (server, to) = server();
        let from: [SocketAddr; 2] =
            [(Ipv6Addr::LOCALHOST, 0).into(), (Ipv4Addr::LOCALHOST, 0).into()];
        let stream = TcpStream::connecting(to).local_addr(&from[..]).connect().await.unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn create_connection_local_addr_nomatch_family() {
    run(async {
        let (server, to) = server();
        let connecting = TcpStream::connecting(to).local_addr((Ipv6Addr::LOCALHOST, 0));
        let refused = connecting.connect().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrNotAvailable);
        assert!(refused.to_string().contains("none of the local addresses is of the family"));
        assert_eq!(server.served(), 0);
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn create_connection_local_addr_in_use() {
    run(async {
        let (server, to) = server();
        let refused = TcpStream::connecting(to).local_addr(to).connect().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
        assert!(refused.to_string().contains(&format!("cannot bind to {to}")), "{refused}");
        server.close();
        server.wait_closed().await;
    });
}

/// Listens at these hosts: does it at each once?
fn create_server_multiple_hosts<const N: usize>(hosts: [IpAddr; N], different: &[IpAddr]) {
    let listeners = TcpListener::bind_all(hosts.map(|host| (host, 0).into())).unwrap();
    let there: Vec<_> = listeners.iter().map(|each| each.local_addr().unwrap().ip()).collect();
    assert_eq!(there, different);
}

#[test]
fn create_server_multiple_hosts_ipv4() {
    let (one, any) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::UNSPECIFIED.into());
    create_server_multiple_hosts([one, any, one], &[one, any]);
}

#[test]
fn create_server_multiple_hosts_ipv6() {
    if has_ipv6() {
        let (one, any) = (Ipv6Addr::LOCALHOST.into(), Ipv6Addr::UNSPECIFIED.into());
        create_server_multiple_hosts([one, any, one], &[one, any]);
    }
}

#[test]
fn create_server_dual_stack() {
    if !has_ipv6() {
        return;
    }
    run(async {
        let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        let listen = async |port| {
            let listeners = TcpListener::bind_all(any.map(|host| (host, port).into()))?;
            Ok((listeners, port))
        };
        let (listeners, port) = at_unused_port(listen).await;
        let server = start_server(listeners, async |stream: TcpStream, _| {
            let mut heard = [0; 3];
            stream.read_exact(&mut heard).await?;
            stream.write_all(&heard).await
        });
        let hosts: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        for host in hosts {
            let client = TcpStream::connect((host, port)).await.unwrap();
            client.write_all(b"xxx").await.unwrap();
            let mut heard = [0; 3];
            client.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"xxx");
        }
        assert_eq!(server.served(), 2);
        server.close();
        server.wait_closed().await;
    });
}
