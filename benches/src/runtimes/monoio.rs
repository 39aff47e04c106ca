//! monoio, on epoll and on `io_uring`.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use monoio::task::JoinHandle;
use monoio::time::{Instant, Sleep, TimeDriver};
use monoio::{Driver, IoUringDriver, LegacyDriver, RuntimeBuilder};

use crate::Runtime;

/// monoio's runtime without its feature `sync`: faster, but no other thread can wake a task.
pub struct Monoio<D: 'static>(monoio::Runtime<TimeDriver<D>>);

/// How monoio waits on the operating system.
pub trait MonoioDriver: Driver + Sized + 'static {
    /// What the runtime is called with it.
    const NAME: &'static str;

    /// A runtime on it.
    #[doc(hidden)]
    fn build() -> io::Result<monoio::Runtime<TimeDriver<Self>>>;
}

/// epoll.
pub type MonoioEpoll = LegacyDriver;

/// `io_uring`.
pub type MonoioUring = IoUringDriver;

impl MonoioDriver for LegacyDriver {
    const NAME: &'static str = "monoio";

    fn build() -> io::Result<monoio::Runtime<TimeDriver<Self>>> {
        RuntimeBuilder::<Self>::new().enable_timer().build()
    }
}

impl MonoioDriver for IoUringDriver {
    const NAME: &'static str = "monoio io_uring";

    fn build() -> io::Result<monoio::Runtime<TimeDriver<Self>>> {
        RuntimeBuilder::<Self>::new().enable_timer().build()
    }
}

impl<D: 'static> fmt::Debug for Monoio<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monoio").finish_non_exhaustive()
    }
}

impl<D: MonoioDriver> Runtime for Monoio<D> {
    const NAME: &'static str = D::NAME;
    const CANNOT: &'static [(&'static str, &'static str)] = &[
        ("yield-1000", "a wake goes first"),
        ("cancel", "no cancel"),
        ("remote-wake", "only with `sync`"),
        ("offload", "only with `sync`"),
    ];
    type Task<T: 'static> = JoinHandle<T>;
    type Sleep = Sleep;

    fn new() -> Self {
        Monoio(D::build().expect("a runtime can be made"))
    }

    fn block_on<T, F>(&mut self, main: F) -> T
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        self.0.block_on(main)
    }

    fn spawn<T, F>(future: F) -> JoinHandle<T>
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        monoio::spawn(future)
    }

    fn join<T: 'static>(task: JoinHandle<T>) -> impl Future<Output = T> + 'static {
        task
    }

    /// Nothing: monoio's tasks cannot be cancelled.
    fn cancel<T: 'static>(_: &JoinHandle<T>) {}

    async fn cancelled<T: 'static>(task: JoinHandle<T>) {
        drop(task);
    }

    fn yield_now() -> impl Future<Output = ()> + 'static {
        futures_lite::future::yield_now()
    }

    /// Goes by way of another task: one that wakes itself is the next to run.
    fn let_others_run() -> impl Future<Output = ()> + 'static {
        monoio::spawn(async {})
    }

    fn sleep(delay: Duration) -> Sleep {
        monoio::time::sleep(delay)
    }

    fn reset(sleep: Pin<&mut Sleep>, delay: Duration, _: &mut Context<'_>) {
        sleep.reset(Instant::now() + delay);
    }

    async fn timeout<F: Future>(limit: Duration, body: F) -> Option<F::Output> {
        monoio::time::timeout(limit, body).await.ok()
    }

    async fn offload<T, J>(job: J) -> T
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        job()
    }
}
