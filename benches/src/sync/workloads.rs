//! The workloads.
//!
//! Where tasks compete, each keeps what it got over a yield, so that the others come and wait, and yields
//! once more when it has let go, so that the one that was woken gets it: some of these locks would let the
//! same task take it again first, and hand nothing over. An operation has two yields in it for that.

use std::hint::black_box;
use std::rc::Rc;

use super::primitives::{Lock, Semaphore, Sender};
use crate::workloads::tasks::{join_all, spawn_many};
use crate::{Laps, Runtime};

/// `n` operations that one task does one after the other, none of which waits.
fn alone<R: Runtime>(n: usize, operation: impl AsyncFn() + 'static, mut laps: Laps) -> Laps {
    R::new().run(async move {
        laps.start();
        for _ in 0..n {
            operation().await;
        }
        laps.lap(n);
        laps
    })
}

/// `n` operations that `tasks` tasks compete to do.
fn compete<R, O>(tasks: usize, n: usize, operation: O, mut laps: Laps) -> Laps
where
    R: Runtime,
    O: AsyncFn() + 'static,
{
    let each = n / tasks;
    let operation = Rc::new(operation);
    R::new().run(async move {
        laps.start();
        join_all::<R, _>(spawn_many::<R, _, _>(tasks, |_| {
            let operation = Rc::clone(&operation);
            async move {
                for _ in 0..each {
                    operation().await;
                    R::yield_now().await;
                }
            }
        }))
        .await;
        laps.lap(each * tasks);
        laps
    })
}

/// Lock, change the value, unlock.
pub(super) fn free_lock<L: Lock>(n: usize, laps: Laps) -> Laps {
    let lock = L::new();
    alone::<L::Runtime>(n, async move || *black_box(&lock).lock().await += 1, laps)
}

/// `tasks` tasks hand a lock round.
pub(super) fn handed_over<L: Lock>(tasks: usize, n: usize, laps: Laps) -> Laps {
    let lock = L::new();
    compete::<L::Runtime, _>(
        tasks,
        n,
        async move || {
            let mut value = lock.lock().await;
            L::Runtime::yield_now().await;
            *value += 1;
        },
        laps,
    )
}

/// Acquire a permit that is there, and give it back.
pub(super) fn free_permits<S: Semaphore>(n: usize, laps: Laps) -> Laps {
    let semaphore = S::new(1);
    alone::<S::Runtime>(n, async move || drop(black_box(&semaphore).acquire().await), laps)
}

/// A thousand tasks share ten permits.
pub(super) fn scarce_permits<S: Semaphore>(n: usize, laps: Laps) -> Laps {
    let semaphore = S::new(10);
    compete::<S::Runtime, _>(
        1000,
        n,
        async move || {
            let permit = semaphore.acquire().await;
            S::Runtime::yield_now().await;
            drop(permit);
        },
        laps,
    )
}

/// Two tasks of a runtime send a number back and forth `n` times, through a queue with room for one in each
/// direction.
pub(crate) fn ping_pong<R: Runtime, S: Sender>(n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        let (mut ping, mut pinged) = S::channel(1);
        let (mut pong, mut ponged) = S::channel(1);
        laps.start();
        let other = R::spawn(async move {
            for _ in 0..n {
                pong.send(S::receive(&mut pinged).await).await;
            }
        });
        for i in 0..n {
            ping.send(i).await;
            assert_eq!(S::receive(&mut ponged).await, i);
        }
        laps.lap(n);
        R::join(other).await;
        laps
    })
}

/// `n` items go through a queue of 64, from `producers` tasks to one.
pub(super) fn throughput<S: Sender>(producers: usize, n: usize, mut laps: Laps) -> Laps {
    let each = n / producers;
    S::Runtime::new().run(async move {
        let (sender, mut receiver) = S::channel(64);
        laps.start();
        let tasks = spawn_many::<S::Runtime, _, _>(producers, |_| {
            let mut sender = sender.clone();
            async move {
                for i in 0..each {
                    sender.send(i).await;
                }
            }
        });
        drop(sender);
        for _ in 0..each * producers {
            black_box(S::receive(&mut receiver).await);
        }
        laps.lap(each * producers);
        join_all::<S::Runtime, _>(tasks).await;
        laps
    })
}
