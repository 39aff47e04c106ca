//! This project's own loop.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use wheelhouse::{EventLoop, Sleep, Task};

use crate::Runtime;

/// [`wheelhouse::EventLoop`] on the real clock, as it comes; but with as much timer slack as the environment
/// variable `TIMER_SLACK` says, in microseconds, if it is there.
#[derive(Debug)]
pub struct Wheelhouse(EventLoop);

impl Runtime for Wheelhouse {
    const NAME: &'static str = "wheelhouse";
    type Task<T: 'static> = Task<T>;
    type Sleep = Sleep;

    fn new() -> Self {
        let builder = match std::env::var("TIMER_SLACK") {
            Ok(micros) => {
                let micros = micros.parse().expect("`TIMER_SLACK` is a number of microseconds");
                EventLoop::builder().timer_slack(Duration::from_micros(micros))
            }
            Err(_) => EventLoop::builder(),
        };
        Wheelhouse(builder.build().expect("a loop can be made"))
    }

    fn block_on<T, F>(&mut self, main: F) -> T
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        self.0.run_until_complete(main).expect("the main task ends")
    }

    fn spawn<T, F>(future: F) -> Task<T>
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        wheelhouse::spawn(future)
    }

    async fn join<T: 'static>(task: Task<T>) -> T {
        task.await.expect("the task ends with a value")
    }

    fn cancel<T: 'static>(task: &Task<T>) {
        task.cancel();
    }

    async fn cancelled<T: 'static>(task: Task<T>) {
        assert!(task.await.is_err(), "the task was cancelled");
    }

    fn yield_now() -> impl Future<Output = ()> + 'static {
        wheelhouse::yield_now()
    }

    fn sleep(delay: Duration) -> Sleep {
        wheelhouse::sleep(delay)
    }

    fn reset(mut sleep: Pin<&mut Sleep>, delay: Duration, _: &mut Context<'_>) {
        sleep.reset(delay);
    }

    async fn timeout<F: Future>(limit: Duration, body: F) -> Option<F::Output> {
        wheelhouse::timeout(limit, body).await.ok()
    }

    async fn gather<T: 'static>(tasks: Vec<Task<T>>) -> Vec<T> {
        let values = wheelhouse::gather(tasks).await.into_iter();
        values.map(|value| value.expect("the task ends with a value")).collect()
    }

    async fn wait<T: 'static>(tasks: Vec<Task<T>>) {
        let waited = wheelhouse::wait(tasks, wheelhouse::ALL_COMPLETED).await;
        assert!(waited.expect("there are tasks").pending.is_empty(), "all are done");
    }

    async fn offload<T, J>(job: J) -> T
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        wheelhouse::offload(job).await.expect("the job does not panic")
    }
}
