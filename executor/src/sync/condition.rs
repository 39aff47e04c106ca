//! [`Condition`]: asyncio's `Condition`.

use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::error::NotLocked;
use super::lock::{Lock, LockGuard};
use super::waiters::{Stage, Turn, Waiters};
use crate::cancelled::Cancelled;
use crate::scoped::{Exit, InScope, OpenScope};
use crate::target::{Target, What};

/// A lock whose holders can wait for each other: give the lock up, wait to be notified that what it
/// guards has changed, and hold it again.
///
/// ```
/// use std::rc::Rc;
/// use wheelhouse::{run, spawn, sync::Condition};
///
/// run(async {
///     let stock = Rc::new(Condition::new(0));
///     let buyer = spawn({
///         let stock = Rc::clone(&stock);
///         async move {
///             let mut guard = stock.lock().await;
///             stock.wait_for(&mut guard, |apples| *apples >= 3).await;
///             *guard -= 3;
///         }
///     });
///     *stock.lock().await += 5;
///     let guard = stock.lock().await;
///     stock.notify_all().unwrap();
///     drop(guard);
///     buyer.await.unwrap();
///     assert_eq!(*stock.lock().await, 2);
/// })
/// .unwrap();
/// ```
#[derive(Default)]
pub struct Condition<T = ()> {
    lock: Home<T>,
    waiters: Waiters,
}

/// Where the lock lives.
enum Home<T> {
    Own(Lock<T>),
    Shared(Rc<Lock<T>>),
}

impl<T> Condition<T> {
    /// A condition with a lock of its own around `value`.
    #[must_use = "a condition does nothing by itself"]
    pub const fn new(value: T) -> Condition<T> {
        Condition { lock: Home::Own(Lock::new(value)), waiters: Waiters::new() }
    }

    /// A condition on a lock that others use, too: other conditions, for example.
    #[must_use = "a condition does nothing by itself"]
    pub const fn on(lock: Rc<Lock<T>>) -> Condition<T> {
        Condition { lock: Home::Shared(lock), waiters: Waiters::new() }
    }

    /// Waits for the lock: see [`Lock::lock`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a lock that was about to be this waiter's goes to the next one.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn lock(&self) -> LockGuard<'_, T> {
        self.home().lock().await
    }

    /// The lock, if it is free and nobody waits for it.
    #[must_use = "the lock is released when the guard is dropped"]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        self.home().try_lock()
    }

    /// Releases the lock, waits to be notified, and takes the lock again. It may return without having
    /// been notified: check what you wait for, or use [`wait_for`](Condition::wait_for).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe with the lock: a cancel, too, first waits for the lock, so that the guard holds it
    /// when the cancel goes on; the notification goes to another waiter. Dropped by foreign code (the
    /// losing side of a `select!`), the wait passes its notification on as well, but leaves a guard that
    /// does not hold its lock: see [`LockGuard::is_held`].
    ///
    /// # Panics
    ///
    /// If the guard is one of another lock or does not hold it; and outside a task.
    pub async fn wait(&self, guard: &mut LockGuard<'_, T>) {
        self.wait_at(guard, What::Condition).await;
    }

    pub(super) async fn wait_at(&self, guard: &mut LockGuard<'_, T>, what: What) {
        assert!(
            std::ptr::eq(guard.lock(), self.home()),
            "`Condition::wait` needs a guard of its own lock"
        );
        assert!(guard.is_held(), "`Condition::wait` needs a guard that holds its lock");
        guard.give_up();
        let woken = self.wait_unlocked(what).await;
        guard.resume();
        woken.see().await;
    }

    /// Waits, as [`wait`](Condition::wait), until `is_met` says of the guarded value that it is enough.
    /// Does not suspend if it is.
    ///
    /// # Cancel safety
    ///
    /// As [`wait`](Condition::wait).
    ///
    /// # Panics
    ///
    /// As [`wait`](Condition::wait).
    pub async fn wait_for(&self, guard: &mut LockGuard<'_, T>, is_met: impl FnMut(&mut T) -> bool) {
        self.wait_for_at(guard, is_met, What::Condition).await;
    }

    pub(super) async fn wait_for_at(
        &self,
        guard: &mut LockGuard<'_, T>,
        mut is_met: impl FnMut(&mut T) -> bool,
        what: What,
    ) {
        while !is_met(guard) {
            self.wait_at(guard, what).await;
        }
    }

    /// Wakes up to `n` waiters, in order of arrival. Each returns when it has the lock, so not before the
    /// caller releases it.
    ///
    /// # Errors
    ///
    /// [`NotLocked`], if nobody holds the lock.
    pub fn notify(&self, n: usize) -> Result<(), NotLocked> {
        if !self.home().is_locked() {
            return Err(self.home().not_locked("Condition::notify"));
        }
        self.waiters.wake(n);
        Ok(())
    }

    /// Wakes every waiter: see [`notify`](Condition::notify).
    ///
    /// # Errors
    ///
    /// [`NotLocked`], if nobody holds the lock.
    pub fn notify_all(&self) -> Result<(), NotLocked> {
        self.notify(usize::MAX)
    }

    /// Waits for the lock without a guard: see [`Lock::acquire`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a lock that was about to be this waiter's goes to the next one.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn acquire(&self) {
        self.home().acquire().await;
    }

    /// Releases what [`acquire`](Condition::acquire) took: see [`Lock::release`].
    ///
    /// # Errors
    ///
    /// [`NotLocked`], if the lock is free or held by a guard.
    pub fn release(&self) -> Result<(), NotLocked> {
        self.home().release()
    }

    /// Does anybody hold the lock?
    #[must_use = "this only looks"]
    pub fn is_locked(&self) -> bool {
        self.home().is_locked()
    }

    /// As [`wait`](Condition::wait), for a lock that was [acquired](Condition::acquire) without a guard.
    ///
    /// # Errors
    ///
    /// [`NotLocked`], if the lock is free or held by a guard.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe with the lock: a cancel, too, first waits for the lock, and goes on with the lock held.
    /// Dropped by foreign code, the wait passes its notification on and does not hold the lock.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn wait_raw(&self) -> Result<(), NotLocked> {
        self.release()?;
        self.wait_unlocked(What::Condition).await.see().await;
        Ok(())
    }

    /// Waits for a notification and for the lock, whatever is cancelled meanwhile.
    async fn wait_unlocked(&self, what: What) -> Woken<'_> {
        let scope = OpenScope::new("Condition::wait");
        let mut notification =
            Notification { waiters: &self.waiters, turn: Turn::new(&self.waiters), taken: false };
        let notified = InScope::new(&scope, poll_fn(|cx| notification.poll(what, cx))).await;
        let mut cancelled = matches!(notified, Exit::Cancelled);
        notification.take();
        while let Exit::Cancelled = InScope::new(&scope, self.acquire()).await {
            cancelled = true;
        }
        notification.taken = false;
        Woken { waiters: &self.waiters, cancelled }
    }

    /// Notifies although the lock may not be held.
    pub(super) fn notify_all_unlocked(&self) {
        self.waiters.wake_all();
    }

    fn home(&self) -> &Lock<T> {
        match &self.lock {
            Home::Own(lock) => lock,
            Home::Shared(lock) => lock,
        }
    }
}

impl<T: Default> Default for Home<T> {
    fn default() -> Self {
        Home::Own(Lock::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("lock", self.home())
            .field("waiters", &self.waiters.len())
            .finish()
    }
}

/// A waiter's claim to a notification. Dropped with one that nobody has seen, it passes that on.
struct Notification<'a> {
    waiters: &'a Waiters,
    turn: Turn<'a>,
    /// It came, and the lock is still to be had.
    taken: bool,
}

impl Notification<'_> {
    fn poll(&mut self, what: What, cx: &Context<'_>) -> Poll<()> {
        match self.turn.resume(cx) {
            Stage::Waiting => return Poll::Pending,
            Stage::Woken => {
                self.taken = true;
                return Poll::Ready(());
            }
            Stage::Outside | Stage::GivenUp => {}
        }
        self.turn.enter("Condition::wait", &Target::Plain(what), (), cx);
        Poll::Pending
    }

    /// Leaves the queue, with or without a notification.
    fn take(&mut self) {
        self.taken |= self.turn.leave();
    }
}

impl Drop for Notification<'_> {
    fn drop(&mut self) {
        self.take();
        if self.taken {
            self.waiters.wake(1);
        }
    }
}

/// A wait that is over, with the lock held again.
struct Woken<'a> {
    waiters: &'a Waiters,
    cancelled: bool,
}

impl Woken<'_> {
    /// A cancel that was held back goes on now. It may have come after a notification: somebody else gets
    /// that, or wakes for nothing, which a condition may do.
    async fn see(self) {
        if self.cancelled {
            self.waiters.wake(1);
            Cancelled::raise().await;
        }
    }
}
