//! tokio.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::runtime;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::{Instant, Sleep};

use crate::Runtime;

/// tokio's current-thread runtime and a [`LocalSet`], with all drivers on.
#[derive(Debug)]
pub struct Tokio {
    runtime: runtime::Runtime,
    tasks: LocalSet,
}

impl Runtime for Tokio {
    const NAME: &'static str = "tokio";
    type Task<T: 'static> = JoinHandle<T>;
    type Sleep = Sleep;

    fn new() -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        Tokio { runtime: runtime.expect("a runtime can be made"), tasks: LocalSet::new() }
    }

    fn block_on<T, F>(&mut self, main: F) -> T
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        self.tasks.block_on(&self.runtime, main)
    }

    fn spawn<T, F>(future: F) -> JoinHandle<T>
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        tokio::task::spawn_local(future)
    }

    async fn join<T: 'static>(task: JoinHandle<T>) -> T {
        task.await.expect("the task ends with a value")
    }

    fn cancel<T: 'static>(task: &JoinHandle<T>) {
        task.abort();
    }

    async fn cancelled<T: 'static>(task: JoinHandle<T>) {
        assert!(task.await.is_err(), "the task was aborted");
    }

    /// A task that wakes itself. tokio's own `yield_now` puts the wake off until the drivers have been
    /// polled, which is another promise, and costs ten times as much.
    fn yield_now() -> impl Future<Output = ()> + 'static {
        futures_lite::future::yield_now()
    }

    fn sleep(delay: Duration) -> Sleep {
        tokio::time::sleep(delay)
    }

    fn reset(sleep: Pin<&mut Sleep>, delay: Duration, _: &mut Context<'_>) {
        sleep.reset(Instant::now() + delay);
    }

    async fn timeout<F: Future>(limit: Duration, body: F) -> Option<F::Output> {
        tokio::time::timeout(limit, body).await.ok()
    }

    async fn offload<T, J>(job: J) -> T
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        tokio::task::spawn_blocking(job).await.expect("the job does not panic")
    }
}
