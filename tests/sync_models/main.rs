//! Each primitive under random loads, with waiters that are cancelled, aborted, timed out or dropped at
//! any point, on a virtual clock whose few milliseconds make sure that things coincide. What must hold is
//! checked while it runs and afterwards; a wake-up that was lost is a deadlock, and so a failure.

#[path = "../common/mod.rs"]
mod common;

mod barrier;
mod condition;
mod event;
mod lock;
mod once;
mod queue;
mod rwlock;
mod semaphore;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;

use futures::future::{self, Either, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use proptest::prelude::*;
use wheelhouse::{JoinError, TaskHandle, gather, sleep, spawn, timeout, yield_now};

use common::ms;

/// A point in time: so many milliseconds, and then so many turns.
#[derive(Clone, Copy, Debug)]
struct Moment {
    millis: u64,
    turns: usize,
}

impl Moment {
    fn any() -> impl Strategy<Value = Moment> {
        (0..5u64, 0..4usize).prop_map(|(millis, turns)| Moment { millis, turns })
    }

    /// Lets it come, counted from now.
    async fn come(self) {
        sleep(ms(self.millis)).await;
        for _ in 0..self.turns {
            yield_now().await;
        }
    }
}

/// How a wait may come to an early end.
#[derive(Clone, Copy, Debug)]
enum Quit {
    Never,
    /// Its task is cancelled.
    Cancel(Moment),
    /// Its task is aborted.
    Abort(Moment),
    /// A timeout around it runs out.
    Timeout(u64),
    /// It loses a `select`.
    Select(u64),
    /// It loses a race inside a combinator with wakers of its own.
    Foreign(u64),
}

impl Quit {
    fn any() -> impl Strategy<Value = Quit> {
        prop_oneof![
            4 => Just(Quit::Never),
            4 => Moment::any().prop_map(Quit::Cancel),
            1 => Moment::any().prop_map(Quit::Abort),
            2 => (0..5u64).prop_map(Quit::Timeout),
            1 => (0..5u64).prop_map(Quit::Select),
            2 => (0..5u64).prop_map(Quit::Foreign),
        ]
    }

    /// Waits, and perhaps quits.
    async fn wait<T>(self, wait: impl Future<Output = T>) -> Option<T> {
        match self {
            Quit::Never | Quit::Cancel(_) | Quit::Abort(_) => Some(wait.await),
            Quit::Timeout(limit) => timeout(ms(limit), wait).await.ok(),
            Quit::Select(limit) => match future::select(pin!(wait), sleep(ms(limit))).await {
                Either::Left((value, _)) => Some(value),
                Either::Right(_) => None,
            },
            Quit::Foreign(limit) => {
                let limit = sleep(ms(limit)).map(|()| None);
                let race = [wait.map(Some).left_future(), limit.right_future()];
                race.into_iter().collect::<FuturesUnordered<_>>().next().await.flatten()
            }
        }
    }

    /// Does from outside what is to be done from there.
    async fn inflict(self, task: &TaskHandle) {
        match self {
            Quit::Cancel(moment) => {
                moment.come().await;
                task.cancel();
            }
            Quit::Abort(moment) => {
                moment.come().await;
                task.abort();
            }
            Quit::Never | Quit::Timeout(_) | Quit::Select(_) | Quit::Foreign(_) => {}
        }
    }
}

/// One task: when it comes, how long it keeps what it gets, and whether it quits.
#[derive(Clone, Copy, Debug)]
struct Actor {
    comes: Moment,
    keeps: Moment,
    quits: Quit,
}

impl Actor {
    fn any() -> impl Strategy<Value = Actor> {
        (Moment::any(), Moment::any(), Quit::any()).prop_map(|(comes, keeps, quits)| Actor {
            comes,
            keeps,
            quits,
        })
    }

    fn some() -> impl Strategy<Value = Vec<Actor>> {
        prop::collection::vec(Actor::any(), 1..9)
    }
}

/// Runs a life for each actor, named by its number, and waits for their ends: `None` if it was cut short.
async fn live<F>(actors: Vec<Actor>, life: impl Fn(usize, Actor) -> F) -> Vec<Option<F::Output>>
where
    F: Future + 'static,
{
    let (mut tasks, mut fates) = (Vec::new(), Vec::new());
    for (number, actor) in actors.into_iter().enumerate() {
        let task = spawn(life(number, actor));
        let handle = task.handle().clone();
        fates.push(spawn(async move { actor.quits.inflict(&handle).await }));
        tasks.push(task);
    }
    let ends = gather(tasks).await;
    gather(fates).await;
    ends.into_iter().map(how_it_ended).collect()
}

fn how_it_ended<T>(end: Result<T, JoinError>) -> Option<T> {
    match end {
        Ok(value) => Some(value),
        Err(JoinError::Panicked(panicked)) => panicked.resume_panic(),
        Err(error) => {
            assert!(error.is_cancelled(), "{error}");
            None
        }
    }
}

/// Who came and who was served, each in order.
#[derive(Default)]
struct Book {
    came: RefCell<Vec<usize>>,
    served: RefCell<Vec<usize>>,
}

impl Book {
    fn comes(&self, number: usize, actor: &Actor) {
        // A task that races two waits may be on its way already, woken by the other one.
        if !matches!(actor.quits, Quit::Select(_) | Quit::Foreign(_)) {
            self.came.borrow_mut().push(number);
        }
    }

    fn is_served(&self, number: usize) {
        self.served.borrow_mut().push(number);
    }

    /// First come, first served, those left out that quit.
    fn assert_fifo(&self) {
        let (mut came, mut served) = (self.came.take(), self.served.take());
        came.retain(|number| served.contains(number));
        served.retain(|number| came.contains(number));
        assert_eq!(came, served, "served out of order");
    }
}

/// How many are inside at a time.
#[derive(Default)]
struct Room(Cell<usize>);

impl Room {
    /// Comes in, with others up to `most` in all, and leaves when the returned value is dropped.
    fn enter(&self, count: usize, most: usize) -> impl Drop {
        self.0.set(self.0.get() + count);
        assert!(self.0.get() <= most, "{} where {most} may be", self.0.get());
        Inside(self, count)
    }
}

struct Inside<'a>(&'a Room, usize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get() - self.1);
    }
}
