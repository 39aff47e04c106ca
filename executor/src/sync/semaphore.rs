//! [`Semaphore`]: asyncio's `Semaphore` and `BoundedSemaphore`, in the form they have since 3.13: a waiter
//! is paid for when it is woken, and whoever leaves the queue wakes as many others as there is left for.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::error::OverRelease;
use super::waiters::{Stage, Turn, Waiters};
use crate::target::{Target, What};

/// Lets so many tasks at a time through. Tasks get their permits in order of arrival, those that want
/// many not later than those that want one.
///
/// ```
/// use std::rc::Rc;
/// use std::time::Duration;
/// use wheelhouse::{run, sleep, spawn, sync::Semaphore};
///
/// run(async {
///     let downloads = Rc::new(Semaphore::new(2));
///     let tasks: Vec<_> = (0..5)
///         .map(|_| {
///             let downloads = Rc::clone(&downloads);
///             spawn(async move {
///                 let _permit = downloads.acquire().await;
///                 sleep(Duration::from_millis(1)).await; // two at a time
///             })
///         })
///         .collect();
///     for task in tasks {
///         task.await.unwrap();
///     }
///     assert_eq!(downloads.available(), 2);
/// })
/// .unwrap();
/// ```
pub struct Semaphore {
    available: Cell<usize>,
    bound: usize,
    /// Waiters that have their permits and have not run yet. Newcomers stay behind them.
    woken: Cell<usize>,
    /// Each with the number of permits it wants.
    waiters: Waiters<usize>,
}

impl Semaphore {
    /// A semaphore with so many permits; more can be added with [`release`](Semaphore::release).
    #[must_use = "a semaphore does nothing by itself"]
    pub const fn new(permits: usize) -> Semaphore {
        Semaphore::with_bound(permits, usize::MAX)
    }

    /// A semaphore that never has more permits than at the beginning: asyncio's `BoundedSemaphore`.
    #[must_use = "a semaphore does nothing by itself"]
    pub const fn bounded(permits: usize) -> Semaphore {
        Semaphore::with_bound(permits, permits)
    }

    const fn with_bound(permits: usize, bound: usize) -> Semaphore {
        Semaphore {
            available: Cell::new(permits),
            bound,
            woken: Cell::new(0),
            waiters: Waiters::new(),
        }
    }

    /// Waits for a permit and holds it for as long as the value lives.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a permit that was about to be this waiter's goes to the next one.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn acquire(&self) -> Permit<&Semaphore> {
        self.acquire_many(1).await
    }

    /// Waits for `count` permits at once. Those that come later wait behind it, even if there is enough
    /// for them.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: permits that were about to be this waiter's go to the next ones.
    ///
    /// # Panics
    ///
    /// If the semaphore is bounded to fewer permits, since that would never end; and outside a running
    /// loop, if it must suspend.
    pub async fn acquire_many(&self, count: usize) -> Permit<&Semaphore> {
        self.acquire_as(What::Permit, count).await
    }

    /// As [`acquire_many`](Semaphore::acquire_many), for permits that outlive this reference: to be given
    /// to a task that is about to be spawned, for example.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: permits that were about to be this waiter's go to the next ones.
    ///
    /// # Panics
    ///
    /// As [`acquire_many`](Semaphore::acquire_many).
    pub async fn acquire_owned(self: Rc<Self>, count: usize) -> Permit<Rc<Semaphore>> {
        self.acquire_many(count).await.forget();
        Permit { semaphore: self, count }
    }

    pub(super) async fn acquire_as(&self, what: What, count: usize) -> Permit<&Semaphore> {
        assert!(
            count <= self.bound,
            "`Semaphore::acquire_many({count})` would never end: the semaphore is bounded to {}",
            self.bound
        );
        let mut acquire = Acquire { semaphore: self, turn: Turn::new(&self.waiters), count, what };
        poll_fn(|cx| acquire.poll(cx)).await;
        Permit { semaphore: self, count }
    }

    /// A permit, if there is one and nobody waits for it.
    #[must_use = "the permit is given back when it is dropped"]
    pub fn try_acquire(&self) -> Option<Permit<&Semaphore>> {
        self.try_acquire_many(1)
    }

    /// So many permits, if they are there and nobody waits for them.
    #[must_use = "the permits are given back when they are dropped"]
    pub fn try_acquire_many(&self, count: usize) -> Option<Permit<&Semaphore>> {
        self.try_take(count).then(|| Permit { semaphore: self, count })
    }

    /// Adds a permit: the raw form, for one that was [forgotten](Permit::forget).
    ///
    /// # Errors
    ///
    /// [`OverRelease`], if a bounded semaphore has all its permits.
    pub fn release(&self) -> Result<(), OverRelease> {
        if self.available.get() >= self.bound {
            return Err(OverRelease { bound: self.bound });
        }
        self.give_back(1);
        Ok(())
    }

    /// How many permits nobody has.
    #[must_use = "this only looks"]
    pub fn available(&self) -> usize {
        self.available.get()
    }

    /// Would [`acquire`](Semaphore::acquire) have to wait? There may be permits, and others waiting for
    /// them.
    #[must_use = "this only looks"]
    pub fn is_locked(&self) -> bool {
        self.available.get() == 0 || self.is_claimed()
    }

    /// Is anybody in line: woken and not run yet, or waiting?
    fn is_claimed(&self) -> bool {
        self.woken.get() > 0 || !self.waiters.all_gave_up()
    }

    fn try_take(&self, count: usize) -> bool {
        let free = count <= self.available.get() && !self.is_claimed();
        if free {
            self.available.set(self.available.get() - count);
        }
        free
    }

    /// Every permit wakes one waiter at most, as if they were released one by one.
    fn give_back(&self, count: usize) {
        let available = self.available.get();
        self.available.set(available + count.min(self.bound - available));
        for _ in 0..count {
            if !self.wake_next() {
                break;
            }
        }
    }

    /// Wakes the first waiter if there is enough for it, and takes its permits at once.
    fn wake_next(&self) -> bool {
        self.waiters.wake_next(|&count| {
            let enough = count <= self.available.get();
            if enough {
                self.available.set(self.available.get() - count);
                self.woken.set(self.woken.get() + 1);
            }
            enough
        })
    }

    /// A woken waiter has run, or will not: others may have lined up behind it.
    fn wake_as_many_as_there_are(&self) {
        while self.available.get() > 0 && self.wake_next() {}
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available())
            .field("waiters", &(self.woken.get() + self.waiters.len()))
            .finish_non_exhaustive()
    }
}

/// asyncio's `Semaphore.acquire`.
struct Acquire<'a> {
    semaphore: &'a Semaphore,
    turn: Turn<'a, usize>,
    count: usize,
    what: What,
}

impl Acquire<'_> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let semaphore = self.semaphore;
        match self.turn.resume(cx) {
            Stage::Waiting => return Poll::Pending,
            Stage::Woken => {
                semaphore.woken.set(semaphore.woken.get() - 1);
                semaphore.wake_as_many_as_there_are();
                return Poll::Ready(());
            }
            Stage::GivenUp => semaphore.wake_as_many_as_there_are(),
            Stage::Outside => {}
        }
        if semaphore.try_take(self.count) {
            return Poll::Ready(());
        }
        self.turn.enter("Semaphore::acquire", &Target::Plain(self.what), self.count, cx);
        Poll::Pending
    }

    /// Leaves without the permits; if they were taken for it, they go back.
    fn give_up(&mut self) {
        let Semaphore { available, woken, .. } = self.semaphore;
        if self.turn.leave() {
            woken.set(woken.get() - 1);
            available.set(available.get() + self.count);
        }
        self.semaphore.wake_as_many_as_there_are();
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        if self.turn.has_begun() {
            self.give_up();
        }
    }
}

/// Holds permits of a [`Semaphore`], by reference or in an `Rc`; dropping it gives them back.
#[must_use = "the permits are given back when they are dropped"]
pub struct Permit<S: Deref<Target = Semaphore>> {
    semaphore: S,
    count: usize,
}

impl<S: Deref<Target = Semaphore>> Permit<S> {
    /// Keeps the permits out of the semaphore, until somebody [releases](Semaphore::release) them.
    pub fn forget(mut self) {
        self.count = 0;
    }

    /// How many permits it holds.
    #[must_use = "this only looks"]
    pub fn count(&self) -> usize {
        self.count
    }
}

impl<S: Deref<Target = Semaphore>> Drop for Permit<S> {
    fn drop(&mut self) {
        self.semaphore.give_back(self.count);
    }
}

impl<S: Deref<Target = Semaphore>> fmt::Debug for Permit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("count", &self.count).finish_non_exhaustive()
    }
}
