//! What the servers ask of a runtime's sockets, and how each runtime answers.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_io::Async;
use monoio::buf::IoBuf;
use monoio::io::{AsyncReadRent, AsyncWriteRentExt};

use crate::Runtime;
use crate::runtimes::{Monoio, MonoioDriver, Smol, Tokio, Wheelhouse};

/// A runtime's TCP. Every call is the way a user of the runtime would write it.
pub(super) trait Sockets: Runtime {
    type Listener: 'static;
    type Stream: 'static;

    /// Takes a listener of the standard library over, which does not block.
    fn listen(listener: TcpListener) -> io::Result<Self::Listener>;

    fn accept(listener: &mut Self::Listener) -> impl Future<Output = io::Result<Self::Stream>>;
}

/// Sockets that are polled with a buffer, which is theirs for the length of a poll only.
pub(super) trait PolledSockets: Sockets {
    /// Reads once.
    fn poll_read(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Writes once.
    fn poll_write(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>>;
}

/// Sockets that want to own the buffer, and give it back.
pub(super) trait OwningSockets: Sockets {
    /// Reads once.
    fn read(stream: &mut Self::Stream, buffer: Vec<u8>) -> impl Future<Output = Lent<usize>>;

    /// Writes the first `n` bytes.
    fn write(
        stream: &mut Self::Stream,
        buffer: Vec<u8>,
        n: usize,
    ) -> impl Future<Output = Lent<()>>;
}

/// A buffer comes back from where it was lent to.
pub(super) type Lent<T> = (io::Result<T>, Vec<u8>);

/// A runtime that hyper can be a guest of.
pub(super) trait HyperSockets: Sockets {
    type Io: hyper::rt::Read + hyper::rt::Write + Unpin + 'static;

    fn lend(stream: Self::Stream) -> Self::Io;
}

impl Sockets for Wheelhouse {
    type Listener = wheelhouse::net::TcpListener;
    type Stream = wheelhouse::net::TcpStream;

    fn listen(listener: TcpListener) -> io::Result<Self::Listener> {
        wheelhouse::net::TcpListener::from_std(listener)
    }

    async fn accept(listener: &mut Self::Listener) -> io::Result<Self::Stream> {
        Ok(listener.accept().await?.0)
    }
}

impl PolledSockets for Wheelhouse {
    fn poll_read(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        futures::AsyncRead::poll_read(Pin::new(stream), cx, buffer)
    }

    fn poll_write(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        futures::AsyncWrite::poll_write(Pin::new(stream), cx, bytes)
    }
}

impl HyperSockets for Wheelhouse {
    type Io = wheelhouse::hyper::Io<wheelhouse::net::TcpStream>;

    fn lend(stream: Self::Stream) -> Self::Io {
        wheelhouse::hyper::Io::new(stream)
    }
}

impl Sockets for Tokio {
    type Listener = tokio::net::TcpListener;
    type Stream = tokio::net::TcpStream;

    fn listen(listener: TcpListener) -> io::Result<Self::Listener> {
        tokio::net::TcpListener::from_std(listener)
    }

    async fn accept(listener: &mut Self::Listener) -> io::Result<Self::Stream> {
        Ok(listener.accept().await?.0)
    }
}

impl PolledSockets for Tokio {
    fn poll_read(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = tokio::io::ReadBuf::new(buffer);
        let polled = tokio::io::AsyncRead::poll_read(Pin::new(stream), cx, &mut buffer);
        polled.map_ok(|()| buffer.filled().len())
    }

    fn poll_write(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        tokio::io::AsyncWrite::poll_write(Pin::new(stream), cx, bytes)
    }
}

impl HyperSockets for Tokio {
    type Io = hyper_util::rt::TokioIo<tokio::net::TcpStream>;

    fn lend(stream: Self::Stream) -> Self::Io {
        hyper_util::rt::TokioIo::new(stream)
    }
}

impl Sockets for Smol {
    type Listener = Async<TcpListener>;
    type Stream = Async<std::net::TcpStream>;

    fn listen(listener: TcpListener) -> io::Result<Self::Listener> {
        Async::new_nonblocking(listener)
    }

    async fn accept(listener: &mut Self::Listener) -> io::Result<Self::Stream> {
        Ok(Async::<TcpListener>::accept(listener).await?.0)
    }
}

impl PolledSockets for Smol {
    fn poll_read(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        futures::AsyncRead::poll_read(Pin::new(stream), cx, buffer)
    }

    fn poll_write(
        stream: &mut Self::Stream,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        futures::AsyncWrite::poll_write(Pin::new(stream), cx, bytes)
    }
}

impl HyperSockets for Smol {
    type Io = smol_hyper::rt::FuturesIo<Self::Stream>;

    fn lend(stream: Self::Stream) -> Self::Io {
        smol_hyper::rt::FuturesIo::new(stream)
    }
}

impl<D: MonoioDriver> Sockets for Monoio<D> {
    type Listener = monoio::net::TcpListener;
    type Stream = monoio::net::TcpStream;

    fn listen(listener: TcpListener) -> io::Result<Self::Listener> {
        monoio::net::TcpListener::from_std(listener)
    }

    async fn accept(listener: &mut Self::Listener) -> io::Result<Self::Stream> {
        Ok(listener.accept().await?.0)
    }
}

impl<D: MonoioDriver> OwningSockets for Monoio<D> {
    fn read(stream: &mut Self::Stream, buffer: Vec<u8>) -> impl Future<Output = Lent<usize>> {
        stream.read(buffer)
    }

    async fn write(stream: &mut Self::Stream, buffer: Vec<u8>, n: usize) -> Lent<()> {
        let (written, slice) = stream.write_all(buffer.slice(..n)).await;
        (written.map(|_| ()), slice.into_inner())
    }
}
