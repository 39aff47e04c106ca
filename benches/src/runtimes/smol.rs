//! smol: its executor, its timers, and the `block_on` that drives both.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

use async_executor::{LocalExecutor, Task};
use async_io::Timer;

use crate::Runtime;

thread_local! {
    /// The executor that runs on this thread, for [`Smol::spawn`].
    static CURRENT: RefCell<Option<Rc<LocalExecutor<'static>>>> = const { RefCell::new(None) };
}

/// smol's [`LocalExecutor`] under `async_io::block_on`, which is `smol::block_on`.
#[derive(Debug)]
pub struct Smol(Rc<LocalExecutor<'static>>);

impl Runtime for Smol {
    const NAME: &'static str = "smol";
    type Task<T: 'static> = Task<T>;
    type Sleep = Timer;

    fn new() -> Self {
        Smol(Rc::new(LocalExecutor::new()))
    }

    fn block_on<T, F>(&mut self, main: F) -> T
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        CURRENT.set(Some(Rc::clone(&self.0)));
        let value = async_io::block_on(self.0.run(main));
        CURRENT.set(None);
        value
    }

    fn spawn<T, F>(future: F) -> Task<T>
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        CURRENT.with_borrow(|executor| executor.as_ref().expect("inside block_on").spawn(future))
    }

    fn detach<T: 'static>(task: Task<T>) {
        task.detach();
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
        Timer::after(delay)
    }

    fn reset(mut sleep: Pin<&mut Timer>, delay: Duration, _: &mut Context<'_>) {
        sleep.set_after(delay);
    }

    fn timeout<F: Future>(limit: Duration, body: F) -> impl Future<Output = Option<F::Output>> {
        futures_lite::future::or(async { Some(body.await) }, async move {
            Timer::after(limit).await;
            None
        })
    }

    fn offload<T, J>(job: J) -> impl Future<Output = T>
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        blocking::unblock(job)
    }
}
