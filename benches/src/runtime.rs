//! What a workload asks of a runtime.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

/// A single-threaded runtime, as far as the workloads need one.
///
/// Each call is the way a user of that runtime would write it, and where there are several, the cheapest.
/// All but [`missing`](Runtime::missing), [`new`](Runtime::new), [`block_on`](Runtime::block_on) and
/// [`run`](Runtime::run) are called inside the runtime.
pub trait Runtime: Sized + 'static {
    /// The head of the runtime's column.
    const NAME: &'static str;

    /// The workloads it cannot do, and why, in a few words for the table; such a workload is not run.
    const CANNOT: &'static [(&'static str, &'static str)] = &[];

    /// The handle of a task; dropping it may cancel the task.
    type Task<T: 'static>: 'static;

    /// The future of [`sleep`](Runtime::sleep).
    type Sleep: Future + 'static;

    /// Why the runtime cannot run on this machine, if it cannot.
    fn missing() -> Option<String> {
        None
    }

    /// A fresh runtime, with its timers and its input and output on.
    fn new() -> Self;

    /// Runs until `main` is done. Tasks that are left stay, for the next call.
    fn block_on<T, F>(&mut self, main: F) -> T
    where
        T: 'static,
        F: Future<Output = T> + 'static;

    /// Starts a task, which need not be `Send`.
    fn spawn<T, F>(future: F) -> Self::Task<T>
    where
        T: 'static,
        F: Future<Output = T> + 'static;

    /// Lets a task run on by itself.
    fn detach<T: 'static>(task: Self::Task<T>) {
        drop(task);
    }

    /// Waits for a task's value.
    fn join<T: 'static>(task: Self::Task<T>) -> impl Future<Output = T> + 'static;

    /// Asks a task to end, where the runtime can do so without waiting for it.
    fn cancel<T: 'static>(task: &Self::Task<T>);

    /// Waits until a task that was asked to end has done so.
    fn cancelled<T: 'static>(task: Self::Task<T>) -> impl Future<Output = ()> + 'static;

    /// Goes to the back of the ready queue, once.
    fn yield_now() -> impl Future<Output = ()> + 'static;

    /// Lets every task that is ready run, whatever it takes.
    fn let_others_run() -> impl Future<Output = ()> + 'static {
        Self::yield_now()
    }

    /// Sleeps for `delay`.
    fn sleep(delay: Duration) -> Self::Sleep;

    /// Lets a sleep that was polled end after `delay` from now; where there is no way to, by a new one in
    /// its place.
    fn reset(mut sleep: Pin<&mut Self::Sleep>, delay: Duration, cx: &mut Context<'_>) {
        sleep.set(Self::sleep(delay));
        assert!(sleep.poll(cx).is_pending(), "the new sleep is armed");
    }

    /// Waits for `body`, but no longer than `limit`.
    fn timeout<F>(limit: Duration, body: F) -> impl Future<Output = Option<F::Output>>
    where
        F: Future;

    /// Waits for all tasks, and gives their values in order.
    fn gather<T: 'static>(tasks: Vec<Self::Task<T>>) -> impl Future<Output = Vec<T>> + 'static {
        async {
            let mut values = Vec::with_capacity(tasks.len());
            for task in tasks {
                values.push(Self::join(task).await);
            }
            values
        }
    }

    /// Waits until all tasks are done.
    fn wait<T: 'static>(tasks: Vec<Self::Task<T>>) -> impl Future<Output = ()> + 'static {
        async {
            for task in tasks {
                Self::join(task).await;
            }
        }
    }

    /// Runs a blocking `job` on a thread of the runtime's own.
    fn offload<T, J>(job: J) -> impl Future<Output = T>
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static;

    /// Runs `body` as a task: in some runtimes the future given to [`block_on`](Runtime::block_on) is
    /// not one, and pays more for each wake.
    fn run<T, F>(&mut self, body: F) -> T
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        self.block_on(async { Self::join(Self::spawn(body)).await })
    }
}
