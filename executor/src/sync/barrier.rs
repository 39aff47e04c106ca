//! [`Barrier`]: asyncio's `Barrier`, the same four states on a condition.
//!
//! ```text
//!             the last party has come               the last one has left
//!   Filling ---------------------------> Draining ------------------------.
//!      ^  \                                                               |
//!      |   '--- reset while tasks wait --> Resetting --- likewise --------+
//!      |                                                                  |
//!      '------------------------------------------------------------------'
//!   any of them ---- abort ----> Broken ---- reset ----> Resetting, or Filling if nobody is inside
//! ```

use std::cell::Cell;
use std::fmt;

use super::condition::Condition;
use super::error::BrokenBarrier;
use super::lock::LockGuard;
use crate::target::What;

/// A place where tasks wait until so many of them have come; then all go on, and it can be used again.
///
/// ```
/// use std::rc::Rc;
/// use wheelhouse::{gather, run, spawn, sync::Barrier};
///
/// run(async {
///     let start = Rc::new(Barrier::new(3));
///     let runners = (0..3).map(|_| {
///         let start = Rc::clone(&start);
///         spawn(async move { start.wait().await.unwrap() })
///     });
///     let mut places: Vec<usize> =
///         gather(runners).await.into_iter().map(Result::unwrap).collect();
///     places.sort();
///     assert_eq!(places, [0, 1, 2]);
/// })
/// .unwrap();
/// ```
pub struct Barrier {
    parties: usize,
    condition: Condition,
    state: Cell<State>,
    /// How many tasks are inside: have come and not left.
    count: Cell<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Filling,
    Draining,
    Resetting,
    Broken,
}

impl Barrier {
    /// A barrier for so many tasks.
    ///
    /// # Panics
    ///
    /// If `parties` is zero.
    #[must_use = "a barrier does nothing by itself"]
    #[track_caller]
    pub const fn new(parties: usize) -> Barrier {
        assert!(parties > 0, "a barrier for no tasks would never open");
        Barrier {
            parties,
            condition: Condition::new(()),
            state: Cell::new(State::Filling),
            count: Cell::new(0),
        }
    }

    /// Waits until as many tasks have come as the barrier is for, and tells which one this was, counted
    /// from zero. The last one to come does not suspend.
    ///
    /// While the tasks of one round leave, newcomers wait for the next.
    ///
    /// # Errors
    ///
    /// [`BrokenBarrier`], if the barrier is aborted, or reset while this task waits.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a cancelled task has not come.
    ///
    /// # Panics
    ///
    /// Outside a task, if it must suspend.
    pub async fn wait(&self) -> Result<usize, BrokenBarrier> {
        let mut guard = self.condition.lock().await;
        self.enter(&mut guard).await?;
        let _inside = Inside { barrier: self };
        let index = self.count.get();
        self.count.set(index + 1);
        if index + 1 == self.parties {
            self.change(State::Draining);
        } else {
            self.wait_until_full(&mut guard).await?;
        }
        Ok(index)
    }

    /// Makes the barrier as new. Tasks that wait at it get [`BrokenBarrier`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: cancelled, it did not happen.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn reset(&self) {
        let _guard = self.condition.lock().await;
        self.change(if self.count.get() > 0 { State::Resetting } else { State::Filling });
    }

    /// Breaks the barrier: tasks that wait at it, and all that come, get [`BrokenBarrier`], until it is
    /// [reset](Barrier::reset).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: cancelled, it did not happen.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn abort(&self) {
        let _guard = self.condition.lock().await;
        self.change(State::Broken);
    }

    /// How many tasks it is for.
    #[must_use = "this only looks"]
    pub const fn parties(&self) -> usize {
        self.parties
    }

    /// How many tasks have come and wait for others.
    #[must_use = "this only looks"]
    pub fn n_waiting(&self) -> usize {
        if self.state.get() == State::Filling { self.count.get() } else { 0 }
    }

    /// Was it aborted?
    #[must_use = "this only looks"]
    pub fn is_broken(&self) -> bool {
        self.state.get() == State::Broken
    }

    /// Waits for the tasks of an earlier round to leave.
    async fn enter(&self, guard: &mut LockGuard<'_>) -> Result<(), BrokenBarrier> {
        let is_open = |_: &mut ()| !matches!(self.state.get(), State::Draining | State::Resetting);
        self.condition.wait_for_at(guard, is_open, What::BarrierLeft).await;
        match self.state.get() {
            State::Broken => Err(BrokenBarrier { parties: self.parties }),
            _ => Ok(()),
        }
    }

    async fn wait_until_full(&self, guard: &mut LockGuard<'_>) -> Result<(), BrokenBarrier> {
        let is_over = |_: &mut ()| self.state.get() != State::Filling;
        self.condition.wait_for_at(guard, is_over, What::BarrierFull).await;
        match self.state.get() {
            State::Broken | State::Resetting => Err(BrokenBarrier { parties: self.parties }),
            _ => Ok(()),
        }
    }

    fn change(&self, state: State) {
        self.state.set(state);
        self.condition.notify_all_unlocked();
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("state", &self.state.get())
            .field("inside", &self.count.get())
            .finish_non_exhaustive()
    }
}

/// A task that has come. It leaves however its wait ends; the last one to leave lets newcomers in.
struct Inside<'a> {
    barrier: &'a Barrier,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let Barrier { state, count, .. } = self.barrier;
        count.set(count.get() - 1);
        if count.get() == 0 {
            let over = matches!(state.get(), State::Draining | State::Resetting);
            self.barrier.change(if over { State::Filling } else { state.get() });
        }
    }
}
