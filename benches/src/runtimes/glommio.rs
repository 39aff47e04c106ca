//! glommio, on `io_uring`: behind the feature `glommio`, since it takes 70 crates and some C to build.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use glommio::timer::Timer;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, Task};

use crate::Runtime;

/// glommio's executor, bound to no core.
#[derive(Debug)]
pub struct Glommio(LocalExecutor);

fn executor() -> Result<LocalExecutor, String> {
    LocalExecutorBuilder::new(Placement::Unbound).make().map_err(|error| error.to_string())
}

impl Runtime for Glommio {
    const NAME: &'static str = "glommio";
    const CANNOT: &'static [(&'static str, &'static str)] =
        &[("sleeps", "32,767 wakers a task"), ("timer-memory", "32,767 wakers a task")];
    type Task<T: 'static> = Task<T>;
    type Sleep = Timer;

    fn missing() -> Option<String> {
        executor().err().map(|error| format!("no io_uring here: {error}"))
    }

    fn new() -> Self {
        Glommio(executor().expect("missing() has looked"))
    }

    fn block_on<T, F>(&mut self, main: F) -> T
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        self.0.run(main)
    }

    fn spawn<T, F>(future: F) -> Task<T>
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        glommio::spawn_local(future)
    }

    fn detach<T: 'static>(task: Task<T>) {
        drop(task.detach());
    }

    fn join<T: 'static>(task: Task<T>) -> impl Future<Output = T> + 'static {
        task
    }

    /// Nothing: here the request and the wait for its end are one call.
    fn cancel<T: 'static>(_: &Task<T>) {}

    async fn cancelled<T: 'static>(task: Task<T>) {
        assert!(task.cancel().await.is_none(), "the task was cancelled");
    }

    fn yield_now() -> impl Future<Output = ()> + 'static {
        futures_lite::future::yield_now()
    }

    fn sleep(delay: Duration) -> Timer {
        Timer::new(delay)
    }

    fn reset(mut sleep: Pin<&mut Timer>, delay: Duration, _: &mut Context<'_>) {
        sleep.reset(delay);
    }

    /// By hand: glommio's own `timeout` boxes the body.
    fn timeout<F: Future>(limit: Duration, body: F) -> impl Future<Output = Option<F::Output>> {
        futures_lite::future::or(async { Some(body.await) }, async move {
            Timer::new(limit).await;
            None
        })
    }

    fn offload<T, J>(job: J) -> impl Future<Output = T>
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        glommio::executor().spawn_blocking(job)
    }
}
