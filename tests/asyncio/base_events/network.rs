//! Looking up and connecting, servers, datagrams. Where Python's tests have a socket that is mocked, these have
//! one of the system's, on this machine.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::unix::net::UnixStream as BlockingUnix;
use std::rc::Rc;
use std::time::Duration;

use ::futures::FutureExt;
use socket2::{Domain, SockRef, Socket, Type};
use wheelhouse::io::{add_reader, remove_reader};
use wheelhouse::net::{TcpListener, TcpStream, lookup, start_server};
use wheelhouse::{EventLoop, call_soon, stop, timeout};

use crate::common::{ms, run, virtual_loop};

fn local() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// An address at which nobody listens, for as long as the socket is there: nobody else can have it.
fn deserted() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&local().into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// Not every machine has it.
fn has_ipv6() -> bool {
    std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// Addresses of which no thread, and so no loop, is asked: they are there at once.
fn at_once(host: &str, port: u16) -> Vec<SocketAddr> {
    lookup((host, port)).now_or_never().expect("it is an address").unwrap()
}

#[test]
fn ipaddr_info() {
    assert_eq!(at_once("1.2.3.4", 1), [SocketAddr::from(([1, 2, 3, 4], 1))]);
    assert_eq!(at_once("::3", 1), [SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 3], 1))]);
    // What has a zone, and what is a name, is for the system to say.
    let mut event_loop = virtual_loop();
    let asked = async { ["::3%lo0", "localhost"].map(|host| lookup((host, 1)).now_or_never()) };
    let asked = event_loop.run_until_complete(asked).unwrap();
    assert!(asked.iter().all(Option::is_none), "{asked:?}");
}

#[test]
fn port_parameter_types() {
    // A port is a number, or the end of a text.
    let found = lookup("1.2.3.4:1").now_or_never().expect("it is an address").unwrap();
    assert_eq!(found, at_once("1.2.3.4", 1));
    run(async {
        let refused = lookup("1.2.3.4:").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn create_connection_multiple_errors_local_addr() {
    run(async {
        let (_socket, nobody) = deserted();
        let of_other_family = SocketAddr::from((Ipv6Addr::LOCALHOST, nobody.port()));
        let to = vec![nobody, of_other_family];
        let refused = TcpStream::connecting(to).local_addr(local()).connect().await.unwrap_err();
        let [connect, bind] = refused.attempts() else { panic!("two attempts: {refused}") };
        // The first has its address here, and is refused there. The second finds none here.
        assert_eq!((connect.0, connect.1.kind()), (nobody, ErrorKind::ConnectionRefused));
        assert_eq!(bind.0, of_other_family);
        assert_eq!(refused.kind(), ErrorKind::Other);
        let text = refused.to_string();
        assert!(text.contains(&connect.1.to_string()) && text.contains(&bind.1.to_string()));
    });
}

#[test]
fn create_connection_no_local_addr() {
    run(async {
        let listener = TcpListener::bind(local()).unwrap();
        let to = listener.local_addr().unwrap();
        let refused = TcpStream::connecting(to).local_addr(Vec::new()).connect().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrNotAvailable);
        assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn create_connection_multiple_errors() {
    run(async {
        let (two, addresses): (Vec<_>, Vec<_>) = [deserted(), deserted()].into_iter().unzip();
        let refused = TcpStream::connect(addresses.clone()).await.unwrap_err();
        let tried: Vec<_> = refused.attempts().iter().map(|(address, _)| *address).collect();
        assert_eq!(tried, addresses);
        let [(_, first), (_, second)] = refused.attempts() else { panic!("{refused}") };
        let both = format!("{}: {first}; {}: {second}", addresses[0], addresses[1]);
        assert!(refused.to_string().ends_with(&both), "{refused}");
        drop(two);
    });
}

#[test]
fn create_connection_timeout() {
    // A listener whose queue is full: the system drops what else comes.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&local().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let queued = [(); 2].map(|()| Socket::new(Domain::IPV4, Type::STREAM, None).unwrap());
    for socket in &queued {
        socket.set_nonblocking(true).unwrap();
        let _ = socket.connect(&address.into());
    }
    // `run` sees that the socket has gone: no source is left in the loop.
    run(async move {
        assert!(timeout(ms(1000), TcpStream::connect(address)).await.is_err());
    });
}

#[test]
fn create_connection_no_getaddrinfo() {
    run(async {
        let refused = TcpStream::connect(Vec::new()).await.unwrap_err();
        assert_eq!((refused.attempts().len(), refused.kind()), (0, ErrorKind::NotFound));
    });
}

#[test]
fn create_connection_connect_err() {
    run(async {
        let (_socket, address) = deserted();
        let refused = TcpStream::connect(address).await.unwrap_err();
        let [(tried, error)] = refused.attempts() else { panic!("{refused}") };
        assert_eq!((*tried, error.kind()), (address, ErrorKind::ConnectionRefused));
        assert_eq!(io::Error::from(refused).kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn create_connection_multiple() {
    run(async {
        let (two, addresses): (Vec<_>, Vec<_>) = [deserted(), deserted()].into_iter().unzip();
        let refused = TcpStream::connect(addresses).await.unwrap_err();
        let kinds = refused.attempts().iter().map(|(_, error)| error.kind());
        assert_eq!(kinds.collect::<Vec<_>>(), [ErrorKind::ConnectionRefused; 2]);
        assert_eq!(io::Error::from(refused).kind(), ErrorKind::ConnectionRefused);
        drop(two);
    });
}

#[test]
fn create_connection_ipv6_scope() {
    // The system reads the zone; connecting is to the addresses of `lookup`, as they are.
    let found = EventLoop::new().unwrap().run_until_complete(lookup(("fe80::1%1", 80))).unwrap();
    let ip = "fe80::1".parse().unwrap();
    assert_eq!(found.unwrap(), [SocketAddr::from(SocketAddrV6::new(ip, 80, 0, 1))]);
}

#[test]
fn create_connection_ip_addr() {
    run(async {
        for host in ["127.0.0.1", "::1"] {
            if host == "::1" && !has_ipv6() {
                return;
            }
            let listener = TcpListener::bind((host, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            let client = TcpStream::connect((host, address.port())).await.unwrap();
            assert_eq!(client.peer_addr().unwrap(), address);
        }
    });
}

#[test]
fn create_server_stream_bittype() {
    run(async {
        let socket = std::net::TcpListener::bind(local()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(socket).unwrap();
        let server = start_server(listener, async |_: TcpStream, _| Ok::<(), io::Error>(()));
        assert!(server.is_serving());
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn create_server_ipv6() {
    if !has_ipv6() {
        return;
    }
    run(async {
        let listener = TcpListener::bind(("::1", 0)).unwrap();
        assert!(listener.local_addr().unwrap().is_ipv6());
        let server = start_server(listener, async |_: TcpStream, _| Ok::<(), io::Error>(()));
        assert!(server.is_serving());
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn create_server_no_getaddrinfo() {
    let refused = TcpListener::bind(&[][..]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AddrNotAvailable);
}

#[test]
fn create_server_cant_bind() {
    // An address for documentation: no machine has it.
    let refused = TcpListener::bind("192.0.2.1:0").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AddrNotAvailable);
}

#[test]
fn accept_connection_retry() {
    run(async {
        let listener = TcpListener::bind(local()).unwrap();
        assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        // It goes on listening.
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    });
}

#[test]
fn set_nodelay() {
    run(async {
        let listener = TcpListener::bind(local()).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(!client.nodelay().unwrap());
        client.set_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        assert!(SockRef::from(&client).tcp_nodelay().unwrap());
    });
}

#[test]
fn single_selecter_event_callback_after_stopping() {
    let mut event_loop = EventLoop::new().unwrap();
    let (reader, writer) = BlockingUnix::pair().unwrap();
    io::Write::write_all(&mut &writer, b"x").unwrap();
    let (count, reader) = (Rc::new(Cell::new(0)), Rc::new(reader));
    let (note, fd) = (Rc::clone(&count), Rc::clone(&reader));
    let watch = async move {
        // The byte stays: it is the callback that goes, in the turn after.
        add_reader(&*reader, move || {
            note.set(note.get() + 1);
            let fd = Rc::clone(&fd);
            call_soon(move || assert!(remove_reader(&*fd)));
            stop();
        })
        .unwrap();
    };
    event_loop.run_until_complete(watch).unwrap();
    // In one turn with so many handles: before the next one, the operating system is asked again (rule T6).
    (0..100).for_each(|_| drop(event_loop.call_later(Duration::from_nanos(1), || ())));
    for _ in 0..2 {
        event_loop.run_forever().unwrap();
        assert_eq!(count.get(), 1);
        event_loop.call_soon(stop);
    }
}
