//! Tasks: stepping, spawning, awaiting, cancelling.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::hint::black_box;

use fastrand::Rng;

use super::sleeps::long_delay;
use crate::{Laps, Runtime};

/// `n` yields by `tasks` tasks in turn.
pub(super) fn yields<R: Runtime>(tasks: usize, n: usize, mut laps: Laps) -> Laps {
    let each = n / tasks;
    R::new().run(async move {
        laps.start();
        join_all::<R, _>(spawn_many::<R, _, _>(tasks, |_| async move {
            for _ in 0..each {
                R::yield_now().await;
            }
        }))
        .await;
        laps.lap(each * tasks);
        laps
    })
}

/// One task after the other is spawned and awaited, by a task.
pub(super) fn spawn_and_await<R: Runtime>(n: usize, laps: Laps) -> Laps {
    R::new().run(one_by_one::<R>(n, laps))
}

/// The same by the future that the runtime was started with.
pub(super) fn spawn_and_await_from_main<R: Runtime>(n: usize, laps: Laps) -> Laps {
    R::new().block_on(one_by_one::<R>(n, laps))
}

async fn one_by_one<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    laps.start();
    for i in 0..n {
        black_box(R::join(R::spawn(async move { black_box(i) })).await);
    }
    laps.lap(n);
    laps
}

/// `n` tasks are spawned, then all are awaited.
pub(super) fn spawn_all<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        laps.start();
        join_all::<R, _>(spawn_many::<R, _, _>(n, |i| async move { black_box(i) })).await;
        laps.lap(n);
        laps
    })
}

/// `n` tasks are parked, then all are cancelled, then all are awaited.
pub(super) fn park_and_cancel<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        laps.start();
        let tasks = park::<R>(n).await;
        laps.lap(n);
        tasks.iter().for_each(R::cancel);
        for task in tasks {
            R::cancelled(task).await;
        }
        while PARKED.get() > 0 {
            R::yield_now().await;
        }
        laps.lap(n);
        laps
    })
}

/// `n` tasks are parked, each on a sleep of its own.
pub(super) fn park_on_sleep<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        laps.start();
        let rng = RefCell::new(Rng::with_seed(3));
        let tasks = spawn_many::<R, _, _>(n, |i| {
            let (state, delay) = ([i; 8], long_delay(&mut rng.borrow_mut()));
            async move {
                let _parked = Parked::new();
                R::sleep(delay).await;
                black_box(&state);
            }
        });
        all_parked::<R>(n).await;
        laps.lap(n);
        drop(tasks);
        laps
    })
}

thread_local! {
    /// Tasks that are at their await; no part of their state, which is weighed.
    static PARKED: Cell<usize> = const { Cell::new(0) };
}

/// Is counted in [`PARKED`], and weighs nothing.
struct Parked;

impl Parked {
    fn new() -> Parked {
        PARKED.set(PARKED.get() + 1);
        Parked
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        PARKED.set(PARKED.get() - 1);
    }
}

async fn all_parked<R: Runtime>(n: usize) {
    while PARKED.get() < n {
        R::let_others_run().await;
    }
}

/// Spawns `n` tasks with 64 bytes of state and lets each run up to an await that never ends.
pub(super) async fn park<R: Runtime>(n: usize) -> Vec<R::Task<()>> {
    let tasks = spawn_many::<R, _, _>(n, |i| {
        let state = [i; 8];
        async move {
            let _parked = Parked::new();
            pending::<()>().await;
            black_box(&state);
        }
    });
    all_parked::<R>(n).await;
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
