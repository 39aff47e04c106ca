//! Descriptors, connections, servers, datagrams, pipes, and blocking work. Protocols and transports are streams here.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::net::UnixStream as BlockingUnix;
use std::path::PathBuf;
use std::rc::Rc;
use std::thread;

use wheelhouse::io::{add_reader, add_writer, pipe, remove_reader, remove_writer};
use wheelhouse::net::{TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream, start_server};
use wheelhouse::{EventLoop, call_soon, offload, sleep, spawn, yield_now};

use crate::common::{ms, run, turns, virtual_loop};

/// Waits, turn by turn, for what other ends of the kernel do.
async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        sleep(ms(1)).await;
    }
}

/// Runs `main` on the real clock: it waits for the kernel.
fn run_real<F: Future + 'static>(main: F) -> F::Output {
    EventLoop::new().unwrap().run_until_complete(main).unwrap()
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A path for a Unix socket; it is removed with this.
struct SocketPath(PathBuf);

impl SocketPath {
    fn new(name: &str) -> SocketPath {
        let name = format!("wheelhouse-{}-{name}", std::process::id());
        SocketPath(std::env::temp_dir().join(name))
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn reader_callback() {
    run_real(async {
        let (mut reader, writer) = BlockingUnix::pair().unwrap();
        reader.set_nonblocking(true).unwrap();
        let fd = Rc::new(reader.try_clone().unwrap());
        let (bytes, closed) = (Rc::new(RefCell::new(Vec::<u8>::new())), Rc::new(Cell::new(false)));
        let (into, note) = (Rc::clone(&bytes), Rc::clone(&closed));
        let watched = Rc::clone(&fd);
        let callback = move || {
            let mut buf = [0; 1024];
            match reader.read(&mut buf) {
                Ok(0) => note.set(remove_reader(&*watched)),
                Ok(n) => into.borrow_mut().extend(&buf[..n]),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        };
        add_reader(&*fd, callback).unwrap();
        (&writer).write_all(b"abc").unwrap();
        until(|| bytes.borrow().len() >= 3).await;
        (&writer).write_all(b"def").unwrap();
        until(|| bytes.borrow().len() >= 6).await;
        drop(writer);
        until(|| closed.get()).await;
        assert!(!remove_reader(&*fd));
        assert_eq!(*bytes.borrow(), b"abcdef");
    });
}

#[test]
fn writer_callback() {
    run_real(async {
        let (mut reader, writer) = BlockingUnix::pair().unwrap();
        writer.set_nonblocking(true).unwrap();
        let (count, end) = (Rc::new(Cell::new(0)), writer.try_clone().unwrap());
        let note = Rc::clone(&count);
        let write = move || {
            note.set(note.get() + (&end).write(b"x").unwrap());
        };
        add_writer(&writer, write).unwrap();
        until(|| count.get() > 0).await;
        assert!(remove_writer(&writer));
        assert!(!remove_writer(&writer));
        let written = count.get();
        turns(5).await;
        assert_eq!(count.get(), written);
        drop(writer);
        let mut read = vec![0; written];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(read, vec![b'x'; written]);
    });
}

#[test]
fn create_connection() {
    run(async {
        let listener = TcpListener::bind(local(0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.0 200 OK").await.unwrap();
        });
        let client = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.0 200 OK");
        server.await.unwrap();
    });
}

#[test]
fn create_unix_connection() {
    run(async {
        let path = SocketPath::new("create_unix_connection");
        let listener = UnixListener::bind(&path.0).unwrap();
        let client = UnixStream::connect(&path.0).unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let mut buf = [0; 5];
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"hello");
    });
}

#[test]
fn connect_accepted_socket() {
    run(async {
        let listener = std::net::TcpListener::bind(local(0)).unwrap();
        let address = listener.local_addr().unwrap();
        let client = thread::spawn(move || {
            let mut client = std::net::TcpStream::connect(address).unwrap();
            client.write_all(b"hello").unwrap();
        });
        let (accepted, _) = listener.accept().unwrap();
        let server = TcpStream::from_std(accepted).unwrap();
        let mut buf = [0; 5];
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"hello");
        client.join().unwrap();
    });
}

/// A server on `listener` that counts its connections' bytes; says what a client's come to.
async fn served(listener: TcpListener, address: SocketAddr) {
    let bytes = Rc::new(Cell::new(0));
    let note = Rc::clone(&bytes);
    let server = start_server(listener, async move |stream: TcpStream, _| {
        let mut buf = [0; 16];
        loop {
            match stream.read(&mut buf).await? {
                0 => return Ok::<(), std::io::Error>(()),
                n => note.set(note.get() + n),
            }
        }
    });
    let client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"xxx").await.unwrap();
    until(|| bytes.get() == 3).await;
    drop(client);
    server.close();
    server.wait_closed().await;
    assert!(TcpStream::connect(address).await.is_err(), "the server is closed");
}

#[test]
fn create_server() {
    run_real(async {
        let listener = TcpListener::bind(local(0)).unwrap();
        let address = listener.local_addr().unwrap();
        served(listener, address).await;
    });
}

#[test]
fn create_server_sock() {
    run_real(async {
        let socket = std::net::TcpListener::bind(local(0)).unwrap();
        let address = socket.local_addr().unwrap();
        served(TcpListener::from_std(socket).unwrap(), address).await;
    });
}

#[test]
fn create_server_addr_in_use() {
    run(async {
        let first = TcpListener::bind(local(0)).unwrap();
        let refused = TcpListener::bind(first.local_addr().unwrap()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn create_server_reuse_port() {
    run(async {
        let plain = TcpListener::bind(local(0)).unwrap();
        let again = TcpListener::binding(plain.local_addr().unwrap()).reuse_port(true).listen();
        assert!(again.is_err());
        let first = TcpListener::binding(local(0)).reuse_port(true).listen().unwrap();
        let address = first.local_addr().unwrap();
        assert!(TcpListener::binding(address).reuse_port(true).listen().is_ok());
    });
}

#[test]
fn create_unix_server() {
    run_real(async {
        let path = SocketPath::new("create_unix_server");
        let listener = UnixListener::bind(&path.0).unwrap();
        let server =
            start_server(listener, async |stream: UnixStream, _| stream.write_all(b"hello").await);
        let client = UnixStream::connect(&path.0).unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"hello");
        server.close();
        server.wait_closed().await;
        assert!(UnixStream::connect(&path.0).is_err());
    });
}

#[test]
fn server_close() {
    run_real(async {
        let listener = TcpListener::bind(local(0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = start_server(listener, async |_: TcpStream, _| Ok::<(), std::io::Error>(()));
        let client = TcpStream::connect(address).await.unwrap();
        drop(client);
        server.close();
        server.wait_closed().await;
        assert!(TcpStream::connect(address).await.is_err());
    });
}

/// Sends to an endpoint, and back.
async fn datagrams(server: UdpSocket, from: IpAddr) {
    let client = UdpSocket::bind((from, 0)).unwrap();
    client.connect(server.local_addr().unwrap()).unwrap();
    client.send(b"xxx").await.unwrap();
    let mut buf = [0; 16];
    let (n, peer) = server.recv_from(&mut buf).await.unwrap();
    assert_eq!((&buf[..n], peer), (&b"xxx"[..], client.local_addr().unwrap()));
    server.send_to(b"resp:xxx", peer).await.unwrap();
    let n = client.recv(&mut buf).await.unwrap();
    assert_eq!(&buf[..n], b"resp:xxx");
}

#[test]
fn create_datagram_endpoint() {
    run(async { datagrams(UdpSocket::bind(local(0)).unwrap(), Ipv4Addr::LOCALHOST.into()).await });
}

#[test]
fn create_datagram_endpoint_ipv6() {
    // Not every machine has it.
    let Ok(socket) = std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)) else { return };
    run(async {
        datagrams(UdpSocket::from_std(socket).unwrap(), Ipv6Addr::LOCALHOST.into()).await;
    });
}

#[test]
fn create_datagram_endpoint_sock() {
    let socket = std::net::UdpSocket::bind(local(0)).unwrap();
    run(async {
        datagrams(UdpSocket::from_std(socket).unwrap(), Ipv4Addr::LOCALHOST.into()).await;
    });
}

#[test]
fn datagram_send_to_non_listening_address() {
    run(async {
        let [first, second, gone] = [(); 3].map(|()| UdpSocket::bind(local(0)).unwrap());
        let [to_first, to_second, nowhere] =
            [&first, &second, &gone].map(|socket| socket.local_addr().unwrap());
        drop(gone);
        let mut buf = [0; 1];
        first.send_to(b"a", to_second).await.unwrap();
        assert_eq!(second.recv_from(&mut buf).await.unwrap(), (1, to_first));
        assert_eq!(&buf, b"a");
        second.send_to(b"b", to_first).await.unwrap();
        assert_eq!(first.recv_from(&mut buf).await.unwrap(), (1, to_second));
        assert_eq!(&buf, b"b");
        // Nobody hears this, and the first goes on hearing.
        first.send_to(b"c", nowhere).await.unwrap();
        yield_now().await;
        second.send_to(b"d", to_first).await.unwrap();
        assert_eq!(first.recv_from(&mut buf).await.unwrap(), (1, to_second));
        assert_eq!(&buf, b"d");
    });
}

#[test]
fn read_pipe() {
    run(async {
        let (reader, writer) = pipe().unwrap();
        writer.write_all(b"1").await.unwrap();
        let mut buf = [0; 16];
        assert_eq!(reader.read(&mut buf).await.unwrap(), 1);
        writer.write_all(b"2345").await.unwrap();
        assert_eq!(reader.read(&mut buf).await.unwrap(), 4);
        assert_eq!(&buf[..4], b"2345");
        drop(writer);
        assert_eq!(reader.read(&mut buf).await.unwrap(), 0);
    });
}

#[test]
fn write_pipe() {
    run(async {
        let (reader, writer) = pipe().unwrap();
        writer.write_all(b"1").await.unwrap();
        writer.write_all(b"2345").await.unwrap();
        drop(writer);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"12345");
    });
}

#[test]
fn write_pipe_disconnect_on_close() {
    run(async {
        let (reader, writer) = pipe().unwrap();
        writer.write_all(b"1").await.unwrap();
        drop(reader);
        let broken = writer.write_all(b"2").await.unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn prompt_cancellation() {
    run_real(async {
        let (reader, _writer) = UnixStream::pair().unwrap();
        let task = spawn(async move { reader.read(&mut [0; 1]).await.map(drop) });
        yield_now().await;
        task.cancel();
        // In the next turn, with nothing of the kernel's in between.
        yield_now().await;
        assert!(task.is_cancelled());
    });
}

#[test]
fn remove_fds_after_closing() {
    let mut event_loop = virtual_loop();
    let (reader, _writer) = BlockingUnix::pair().unwrap();
    let fd = reader.try_clone().unwrap();
    let watches = event_loop.run_until_complete(async move {
        [add_reader(&fd, || ()).unwrap(), add_writer(&fd, || ()).unwrap()]
    });
    drop(event_loop);
    assert!(watches.unwrap().iter().all(|watch| !watch.cancel() && !watch.is_active()));
}

#[test]
fn run_in_executor() {
    run_real(async {
        let here = thread::current().id();
        let (value, there) = offload(|| ("yo", thread::current().id())).await.unwrap();
        assert_eq!(value, "yo");
        assert_ne!(there, here);
    });
}

#[test]
fn run_in_executor_cancel() {
    let called = Rc::new(Cell::new(false));
    let note = Rc::clone(&called);
    let mut event_loop = EventLoop::new().unwrap();
    let main = async move {
        let (begin, begun) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let task = spawn(async move {
            let job = move || {
                begin.send(()).unwrap();
                ended.recv().unwrap_err();
            };
            drop(offload(job).await);
            note.set(true);
        });
        yield_now().await;
        begun.recv().unwrap();
        call_soon(move || assert!(task.cancel()));
        turns(3).await;
        end
    };
    let end = event_loop.run_until_complete(main).unwrap();
    // The thread ends after the loop has gone, and nobody is told.
    drop(end);
    drop(event_loop);
    assert!(!called.get());
}
