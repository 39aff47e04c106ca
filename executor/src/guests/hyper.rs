//! hyper 1.x in this loop: what its module `rt` asks of a runtime.
//!
//! [`Io`] lends hyper any stream of ours, or a TLS stream around one; [`Spawner`] starts the tasks that http2
//! needs; [`LoopTimer`] gives it time. Nothing of it asks for `Send`: services may share an `Rc`.

use std::cell::Cell;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt;
use pin_project_lite::pin_project;

use crate::spawn::spawn;
use crate::time::{Sleep, sleep_until, time};

pin_project! {
    /// A stream as hyper reads and writes it.
    #[derive(Debug)]
    pub struct Io<S> {
        #[pin]
        stream: S,
    }
}

impl<S> Io<S> {
    /// Lends `stream` to hyper.
    pub fn new(stream: S) -> Io<S> {
        Io { stream }
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream back, after an upgrade for example.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

/// The most that one read takes.
const READ_SIZE: usize = 64 * 1024;

thread_local! {
    /// Hyper's buffers cannot be filled in place without `unsafe`. Reads go through this one, which exists
    /// once a thread and is out while it is used.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl<S: AsyncRead> rt::Read for Io<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut scratch = SCRATCH.take();
        scratch.resize(READ_SIZE, 0);
        let room = buf.remaining().min(READ_SIZE);
        let polled = self.project().stream.poll_read(cx, &mut scratch[..room]);
        if let Poll::Ready(Ok(length)) = polled {
            buf.put_slice(&scratch[..length]);
        }
        SCRATCH.set(scratch);
        polled.map_ok(drop)
    }
}

impl<S: AsyncWrite> rt::Write for Io<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_close(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write_vectored(cx, bufs)
    }
}

/// Starts hyper's tasks in the loop that runs on this thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spawner;

impl<F> rt::Executor<F> for Spawner
where
    F: Future + 'static,
{
    /// # Panics
    ///
    /// Outside a running loop.
    fn execute(&self, future: F) {
        spawn(future).detach();
    }
}

/// The loop's time, for hyper's time-outs. Under a virtual clock these are virtual, too.
#[derive(Clone, Copy, Debug)]
pub struct LoopTimer {
    /// What hyper takes for the moment at which the loop's time was zero.
    epoch: Instant,
}

impl LoopTimer {
    /// A timer of the loop that runs on this thread.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[track_caller]
    #[must_use = "a timer does nothing until hyper is given it"]
    pub fn new() -> LoopTimer {
        let now = Instant::now();
        LoopTimer { epoch: now.checked_sub(time()).unwrap_or(now) }
    }
}

impl Default for LoopTimer {
    #[track_caller]
    fn default() -> LoopTimer {
        LoopTimer::new()
    }
}

impl rt::Timer for LoopTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(sleep_until(time().saturating_add(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(sleep_until(deadline.saturating_duration_since(self.epoch)))
    }

    fn now(&self) -> Instant {
        self.epoch + time()
    }
}

impl rt::Sleep for Sleep {}
