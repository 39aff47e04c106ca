//! [`Lock`]: asyncio's `Lock`, with the value it guards inside.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::error::NotLocked;
use super::label::{Holder, Label, Posted};
use super::waiters::{Stage, Turn, Waiters};
use crate::context::{self, Core};
use crate::target::Target;

/// Lets one task at a time at a value, for as long as it likes, awaits included. Tasks get their turn in
/// order of arrival.
///
/// ```
/// use std::rc::Rc;
/// use wheelhouse::{run, spawn, sync::Lock, yield_now};
///
/// run(async {
///     let account = Rc::new(Lock::new(100));
///     let deposits: Vec<_> = (0..3)
///         .map(|_| {
///             let account = Rc::clone(&account);
///             spawn(async move {
///                 let mut balance = account.lock().await;
///                 let seen = *balance;
///                 yield_now().await; // nobody else gets in between
///                 *balance = seen + 10;
///             })
///         })
///         .collect();
///     for deposit in deposits {
///         deposit.await.unwrap();
///     }
///     assert_eq!(*account.lock().await, 130);
/// })
/// .unwrap();
/// ```
pub struct Lock<T = ()> {
    hold: Cell<Hold>,
    holder: Cell<Holder>,
    name: Option<Arc<str>>,
    /// What a deadlock's report says; made when somebody first waits.
    label: RefCell<Option<Posted>>,
    waiters: Waiters,
    value: RefCell<T>,
}

/// How the lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Free,
    /// By [`Lock::acquire`]: anybody may release it.
    Raw,
    /// By a guard: that guard alone releases it.
    Guard,
}

impl<T> Lock<T> {
    /// A free lock around `value`.
    #[must_use = "a lock does nothing by itself"]
    pub const fn new(value: T) -> Lock<T> {
        Lock {
            hold: Cell::new(Hold::Free),
            holder: Cell::new(Holder::NOBODY),
            name: None,
            label: RefCell::new(None),
            waiters: Waiters::new(),
            value: RefCell::new(value),
        }
    }

    /// A free lock with a name, for deadlock reports and errors.
    #[must_use = "a lock does nothing by itself"]
    pub fn named(name: impl Into<Arc<str>>, value: T) -> Lock<T> {
        Lock { name: Some(name.into()), ..Lock::new(value) }
    }

    /// Waits for the lock and holds it for as long as the guard lives.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a lock that was about to be this waiter's goes to the next one.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn lock(&self) -> LockGuard<'_, T> {
        // Straight to it if it is free, without making a place in the queue first.
        if !self.try_take() {
            self.acquire().await;
        }
        LockGuard::take_over(self)
    }

    /// The lock, if it is free and nobody waits for it.
    #[must_use = "the lock is released when the guard is dropped"]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        self.try_take().then(|| LockGuard::take_over(self))
    }

    /// Waits for the lock and holds it until [`release`](Lock::release) is called, by whomever: asyncio's
    /// `acquire`. Prefer [`lock`](Lock::lock), whose guard cannot be forgotten.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a lock that was about to be this waiter's goes to the next one.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn acquire(&self) {
        let mut acquire = Acquire { lock: self, turn: Turn::new(&self.waiters) };
        poll_fn(|cx| acquire.poll(cx)).await;
    }

    /// Releases what [`acquire`](Lock::acquire) took, and wakes the first waiter.
    ///
    /// # Errors
    ///
    /// [`NotLocked`], if the lock is free or held by a guard.
    pub fn release(&self) -> Result<(), NotLocked> {
        if self.hold.get() != Hold::Raw {
            return Err(self.not_locked("Lock::release"));
        }
        self.unlock();
        Ok(())
    }

    /// Does anybody hold it? A lock that was released for a waiter is free until that waiter runs.
    #[must_use = "this only looks"]
    pub fn is_locked(&self) -> bool {
        self.hold.get() != Hold::Free
    }

    /// The value, without locking: nobody else can have the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, out of the lock.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    pub(super) fn not_locked(&self, call: &'static str) -> NotLocked {
        NotLocked { call, lock: self.name.clone(), by_guard: self.is_locked() }
    }

    /// asyncio's fast path: nobody barges past a waiter that has been woken.
    fn try_take(&self) -> bool {
        let free = !self.is_locked() && self.waiters.all_gave_up();
        if free {
            self.hold(Hold::Raw);
        }
        free
    }

    fn hold(&self, hold: Hold) {
        self.hold.set(hold);
        self.note_holder(Holder::current());
    }

    /// Makes a raw hold a guard's.
    fn hand_over(&self) -> RefMut<'_, T> {
        self.hold.set(Hold::Guard);
        self.value.borrow_mut()
    }

    pub(super) fn unlock(&self) {
        self.hold.set(Hold::Free);
        self.note_holder(Holder::NOBODY);
        self.waiters.wake_first();
    }

    fn note_holder(&self, holder: Holder) {
        self.holder.set(holder);
        if let Some(label) = &*self.label.borrow() {
            label.note_holder(holder);
        }
    }

    /// What a wait for it is for: its label, which is posted in this loop if it is not yet.
    fn target(&self, core: &Rc<Core>) -> Target {
        let mut label = self.label.borrow_mut();
        if label.as_ref().is_some_and(|posted| !posted.is_in(core)) {
            *label = None;
        }
        let posted = label.get_or_insert_with(|| {
            Posted::new(core, Label::new(self.name.clone(), self.holder.get()))
        });
        Target::Lock(posted.key())
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Lock::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lock = f.debug_struct("Lock");
        if let Some(name) = &self.name {
            lock.field("name", name);
        }
        lock.field("locked", &self.is_locked()).field("waiters", &self.waiters.len());
        match self.value.try_borrow() {
            Ok(value) => lock.field("value", &*value).finish(),
            Err(_) => lock.finish_non_exhaustive(),
        }
    }
}

/// asyncio's `Lock.acquire`.
struct Acquire<'a, T> {
    lock: &'a Lock<T>,
    turn: Turn<'a>,
}

impl<T> Acquire<'_, T> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        match self.turn.resume(cx) {
            Stage::Waiting => return Poll::Pending,
            Stage::Woken => {
                self.lock.hold(Hold::Raw);
                return Poll::Ready(());
            }
            Stage::GivenUp => self.see_to_others(),
            Stage::Outside => {}
        }
        if self.lock.try_take() {
            return Poll::Ready(());
        }
        const CALL: &str = "Lock::lock";
        let target = context::current(CALL, |core| self.lock.target(core));
        self.turn.enter(CALL, &target, (), cx);
        Poll::Pending
    }

    /// A waiter that has left without the lock makes sure that the head of the queue will run: it may have
    /// been woken itself, or have stood, cancelled, where `release` looked.
    fn see_to_others(&self) {
        if !self.lock.is_locked() {
            self.lock.waiters.wake_first();
        }
    }
}

impl<T> Drop for Acquire<'_, T> {
    fn drop(&mut self) {
        if self.turn.has_begun() {
            self.turn.leave();
            self.see_to_others();
        }
    }
}

/// Holds a [`Lock`]; dropping it releases the lock.
///
/// During [`Condition::wait`](super::Condition::wait) it does not hold, and stays so if the wait is dropped
/// half-way, by a `select!` for example: see [`is_held`](LockGuard::is_held).
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard<'a, T = ()> {
    lock: &'a Lock<T>,
    /// `None` while the lock is given up.
    value: Option<RefMut<'a, T>>,
}

impl<'a, T> LockGuard<'a, T> {
    /// Makes a guard of a raw hold.
    fn take_over(lock: &'a Lock<T>) -> LockGuard<'a, T> {
        LockGuard { lock, value: Some(lock.hand_over()) }
    }

    /// Does the guard hold its lock? Only a condition's wait that was dropped half-way leaves one that
    /// does not.
    #[must_use = "this only looks"]
    pub fn is_held(&self) -> bool {
        self.value.is_some()
    }

    pub(super) fn lock(&self) -> &'a Lock<T> {
        self.lock
    }

    /// Gives the lock up and stays behind, to [`resume`](LockGuard::resume) later.
    pub(super) fn give_up(&mut self) {
        if self.value.take().is_some() {
            self.lock.unlock();
        }
    }

    /// Takes over a raw hold of the lock.
    pub(super) fn resume(&mut self) {
        self.value = Some(self.lock.hand_over());
    }
}

impl<T> Drop for LockGuard<'_, T> {
    fn drop(&mut self) {
        self.give_up();
    }
}

const GIVEN_UP: &str = "this guard lost its lock in a `Condition::wait` that was dropped half-way";

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;

    #[track_caller]
    fn deref(&self) -> &T {
        self.value.as_ref().expect(GIVEN_UP)
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(GIVEN_UP)
    }
}

impl<T: fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard").field("value", &self.value).finish()
    }
}
