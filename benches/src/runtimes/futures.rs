//! futures: the executor that comes with the futures crate.

use std::cell::RefCell;
use std::future::{Future, Pending, pending};
use std::time::Duration;

use futures::executor::{LocalPool, LocalSpawner};
use futures::future::RemoteHandle;
use futures::task::LocalSpawnExt;

use crate::Runtime;

thread_local! {
    /// The pool that runs on this thread, for [`Futures::spawn`].
    static CURRENT: RefCell<Option<LocalSpawner>> = const { RefCell::new(None) };
}

/// [`LocalPool`], which knows no time.
#[derive(Debug)]
pub struct Futures(LocalPool);

impl Runtime for Futures {
    const NAME: &'static str = "futures";
    const CANNOT: &'static [(&'static str, &'static str)] = &[
        ("sleeps", "no timers"),
        ("park-on-sleep", "no timers"),
        ("expire", "no timers"),
        ("single-sleep", "no timers"),
        ("timeout", "no timers"),
        ("timer-memory", "no timers"),
        ("offload", "no threads"),
    ];
    type Task<T: 'static> = RemoteHandle<T>;
    type Sleep = Pending<()>;

    fn new() -> Self {
        Futures(LocalPool::new())
    }

    fn block_on<T, F>(&mut self, main: F) -> T
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        CURRENT.set(Some(self.0.spawner()));
        let value = self.0.run_until(main);
        CURRENT.set(None);
        value
    }

    fn spawn<T, F>(future: F) -> RemoteHandle<T>
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        CURRENT.with_borrow(|spawner| {
            let spawner = spawner.as_ref().expect("inside block_on");
            spawner.spawn_local_with_handle(future).expect("the pool is there")
        })
    }

    fn detach<T: 'static>(task: RemoteHandle<T>) {
        task.forget();
    }

    fn join<T: 'static>(task: RemoteHandle<T>) -> impl Future<Output = T> + 'static {
        task
    }

    /// Nothing: it is done by dropping the handle.
    fn cancel<T: 'static>(_: &RemoteHandle<T>) {}

    /// Nobody can wait for the end; the workload looks whether it has come.
    async fn cancelled<T: 'static>(task: RemoteHandle<T>) {
        drop(task);
    }

    fn yield_now() -> impl Future<Output = ()> + 'static {
        futures_lite::future::yield_now()
    }

    fn sleep(_: Duration) -> Pending<()> {
        pending()
    }

    async fn timeout<F: Future>(_: Duration, body: F) -> Option<F::Output> {
        Some(body.await)
    }

    async fn offload<T, J>(job: J) -> T
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        job()
    }
}
