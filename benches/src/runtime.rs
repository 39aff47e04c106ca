//! What a workload asks of a runtime.

use std::future::Future;
use std::time::Duration;

/// A single-threaded runtime, as far as the workloads need one.
///
/// Each call is the way a user of that runtime would write it, and where there are several, the cheapest.
/// All but [`new`](Runtime::new), [`block_on`](Runtime::block_on) and [`run`](Runtime::run) are called
/// inside the runtime.
pub trait Runtime: Sized + 'static {
    /// The head of the runtime's column.
    const NAME: &'static str;

    /// The handle of a task; dropping it may cancel the task.
    type Task<T: 'static>: 'static;

    /// The future of [`sleep`](Runtime::sleep).
    type Sleep: Future + 'static;

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

    /// Waits for a task's value.
    fn join<T: 'static>(task: Self::Task<T>) -> impl Future<Output = T> + 'static;

    /// Asks a task to end, where the runtime can do so without waiting for it.
    fn cancel<T: 'static>(task: &Self::Task<T>);

    /// Waits until a task that was asked to end has done so.
    fn cancelled<T: 'static>(task: Self::Task<T>) -> impl Future<Output = ()> + 'static;

    /// Goes to the back of the ready queue, once.
    fn yield_now() -> impl Future<Output = ()> + 'static;

    /// Sleeps for `delay`.
    fn sleep(delay: Duration) -> Self::Sleep;

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
