//! The servers: written once, against the sockets of [`sockets`](super::sockets).

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::{process, thread};

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};

use super::Service;
use super::floor;
use super::sockets::{HyperSockets, OwningSockets, PolledSockets, Sockets};
use crate::runtimes::{Monoio, MonoioEpoll, MonoioUring, Smol, Tokio, Wheelhouse};

/// As much as a server reads at once.
pub(super) const BUFFER: usize = 16 * 1024;

type Serve = fn(TcpListener) -> io::Result<()>;

/// A server, by name; what it cannot do is left out.
pub(super) struct Server {
    pub(super) name: &'static str,
    echo: Serve,
    http: Option<Serve>,
}

/// Those of Rust; the first is ours, the last is the floor.
pub(super) const SERVERS: &[Server] = &[
    Server { name: "wheelhouse", echo: echo::<Wheelhouse>, http: Some(http::<Wheelhouse>) },
    Server { name: "tokio", echo: echo::<Tokio>, http: Some(http::<Tokio>) },
    Server { name: "smol", echo: echo::<Smol>, http: Some(http::<Smol>) },
    Server { name: "monoio", echo: echo_owning::<Monoio<MonoioEpoll>>, http: None },
    Server { name: "monoio io_uring", echo: echo_owning::<Monoio<MonoioUring>>, http: None },
    Server { name: "floor", echo: floor::echo, http: None },
];

impl Server {
    pub(super) fn serve(&self, service: Service) -> Option<Serve> {
        match service {
            Service::Echo => Some(self.echo),
            Service::Http => self.http,
        }
    }
}

/// Is a server, until standard input ends. Prints its port.
pub(super) fn serve(name: &str, service: &str) -> Result<(), Box<dyn Error>> {
    let service = Service::parse(service)?;
    let server = SERVERS.iter().find(|server| server.name == name);
    let serve = server.and_then(|server| server.serve(service)).ok_or("there is no such server")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?.port());
    io::stdout().flush()?;
    thread::spawn(|| {
        // Whoever started the server holds the other end; an error ends it as well.
        let _ = io::stdin().read(&mut [0]);
        process::exit(0);
    });
    Ok(serve(listener)?)
}

/// All connections share one buffer, as those of the floor do.
fn echo<S: PolledSockets>(listener: TcpListener) -> io::Result<()> {
    let buffer = Rc::new(RefCell::new(vec![0; BUFFER]));
    accept_all::<S, _>(listener, move |mut stream| {
        let buffer = Rc::clone(&buffer);
        async move {
            while let Ok(Some(unsent)) =
                poll_fn(|cx| poll_echo::<S>(&mut stream, cx, &mut buffer.borrow_mut())).await
            {
                if send::<S>(&mut stream, &unsent).await.is_err() {
                    break;
                }
            }
        }
    })
}

/// Reads once, and sends what there is room for; the rest comes back. `None` is the end.
fn poll_echo<S: PolledSockets>(
    stream: &mut S::Stream,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<Option<Vec<u8>>>> {
    let n = ready!(S::poll_read(stream, cx, buffer))?;
    let mut unsent = &buffer[..n];
    while !unsent.is_empty() {
        let Poll::Ready(sent) = S::poll_write(stream, cx, unsent)? else { break };
        unsent = &unsent[sent..];
    }
    Poll::Ready(Ok((n > 0).then(|| unsent.to_vec())))
}

async fn send<S: PolledSockets>(stream: &mut S::Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = poll_fn(|cx| S::poll_write(stream, cx, bytes)).await?;
        bytes = &bytes[sent..];
    }
    Ok(())
}

/// Each connection has a buffer of its own: the system fills it while others are served.
fn echo_owning<S: OwningSockets>(listener: TcpListener) -> io::Result<()> {
    accept_all::<S, _>(listener, |mut stream: S::Stream| async move {
        let mut buffer = vec![0; BUFFER];
        loop {
            let (read, lent) = S::read(&mut stream, buffer).await;
            let Ok(n @ 1..) = read else { break };
            let (written, lent) = S::write(&mut stream, lent, n).await;
            if written.is_err() {
                break;
            }
            buffer = lent;
        }
    })
}

fn http<S: HyperSockets>(listener: TcpListener) -> io::Result<()> {
    accept_all::<S, _>(listener, |stream| async move {
        let greet = service_fn(async |_: Request<Incoming>| {
            Ok::<_, Infallible>(Response::new("Hello, world!".to_owned()))
        });
        let connection = hyper::server::conn::http1::Builder::new();
        // A client that is done just goes.
        let _ = connection.serve_connection(S::lend(stream), greet).await;
    })
}

fn accept_all<S: Sockets, F>(
    listener: TcpListener,
    talk: impl Fn(S::Stream) -> F + 'static,
) -> io::Result<()>
where
    F: Future<Output = ()> + 'static,
{
    S::new().block_on(async move {
        let mut listener = S::listen(listener)?;
        loop {
            let stream = S::accept(&mut listener).await?;
            S::detach(S::spawn(talk(stream)));
        }
    })
}
