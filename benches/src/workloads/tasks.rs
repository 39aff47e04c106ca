//! Tasks: stepping, spawning, awaiting, cancelling.

use std::cell::Cell;
use std::future::pending;
use std::hint::black_box;

use crate::Runtime;
use crate::measure::CpuClock;

/// `n` yields by `tasks` tasks in turn.
pub(super) fn yields<R: Runtime>(tasks: usize, n: usize) -> Vec<f64> {
    let each = n / tasks;
    R::new().run(async move {
        let clock = CpuClock::start();
        join_all::<R, _>(spawn_many::<R, _, _>(tasks, |_| async move {
            for _ in 0..each {
                R::yield_now().await;
            }
        }))
        .await;
        vec![clock.nanos_each(each * tasks)]
    })
}

/// One task after the other is spawned and awaited.
pub(super) fn spawn_and_await<R: Runtime>(n: usize) -> Vec<f64> {
    R::new().run(async move {
        let clock = CpuClock::start();
        for i in 0..n {
            black_box(R::join(R::spawn(async move { black_box(i) })).await);
        }
        vec![clock.nanos_each(n)]
    })
}

/// `n` tasks are spawned, then all are awaited.
pub(super) fn spawn_all<R: Runtime>(n: usize) -> Vec<f64> {
    R::new().run(async move {
        let clock = CpuClock::start();
        join_all::<R, _>(spawn_many::<R, _, _>(n, |i| async move { black_box(i) })).await;
        vec![clock.nanos_each(n)]
    })
}

/// `n` tasks are parked, then all are cancelled, then all are awaited.
pub(super) fn park_and_cancel<R: Runtime>(n: usize) -> Vec<f64> {
    R::new().run(async move {
        let clock = CpuClock::start();
        let tasks = park::<R>(n).await;
        let parking = clock.nanos_each(n);
        let clock = CpuClock::start();
        tasks.iter().for_each(R::cancel);
        for task in tasks {
            R::cancelled(task).await;
        }
        vec![parking, clock.nanos_each(n)]
    })
}

thread_local! {
    /// Tasks that have come to their await; no part of their state, which is weighed.
    static PARKED: Cell<usize> = const { Cell::new(0) };
}

/// Spawns `n` tasks with 64 bytes of state and lets each run up to an await that never ends.
pub(super) async fn park<R: Runtime>(n: usize) -> Vec<R::Task<()>> {
    PARKED.set(0);
    let tasks = spawn_many::<R, _, _>(n, |i| {
        let state = [i; 8];
        async move {
            PARKED.set(PARKED.get() + 1);
            pending::<()>().await;
            black_box(&state);
        }
    });
    while PARKED.get() < n {
        R::yield_now().await;
    }
    tasks
}

pub(crate) fn spawn_many<R, T, F>(n: usize, future: impl Fn(usize) -> F) -> Vec<R::Task<T>>
where
    R: Runtime,
    T: 'static,
    F: Future<Output = T> + 'static,
{
    (0..n).map(|i| R::spawn(future(i))).collect()
}

pub(crate) async fn join_all<R: Runtime, T: 'static>(tasks: Vec<R::Task<T>>) {
    for task in tasks {
        black_box(R::join(task).await);
    }
}
