//! [`RwLock`]: many readers or one writer. asyncio has none; this one is a semaphore of which a reader
//! takes one permit and a writer all, and so is as fair as that.

use std::cell::{Ref, RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::semaphore::{Permit, Semaphore};
use crate::target::What;

/// What a writer takes; also how many readers there can be, as many as a [`RefCell`] can count.
const ALL: usize = isize::MAX as usize;

/// Lets many readers or one writer at a value, awaits included. Tasks get their turn in order of arrival:
/// who comes after a waiting writer waits behind it, readers too.
///
/// ```
/// use wheelhouse::{run, sync::RwLock};
///
/// run(async {
///     let config = RwLock::new(String::from("dark"));
///     {
///         let (one, other) = (config.read().await, config.read().await);
///         assert_eq!(*one, *other);
///         assert!(config.try_write().is_none());
///     }
///     *config.write().await = String::from("light");
///     assert_eq!(*config.read().await, "light");
/// })
/// .unwrap();
/// ```
pub struct RwLock<T = ()> {
    turns: Semaphore,
    value: RefCell<T>,
}

impl<T> RwLock<T> {
    /// A free lock around `value`.
    #[must_use = "a lock does nothing by itself"]
    pub const fn new(value: T) -> RwLock<T> {
        RwLock { turns: Semaphore::bounded(ALL), value: RefCell::new(value) }
    }

    /// Waits until nobody writes, and reads for as long as the guard lives.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a lock that was about to be this waiter's goes to the next ones.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn read(&self) -> ReadGuard<'_, T> {
        let turn = self.turns.acquire_as(What::ReadLock, 1).await;
        self.reading(turn)
    }

    /// Waits until nobody else reads or writes, and writes for as long as the guard lives.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a lock that was about to be this waiter's goes to the next ones.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn write(&self) -> WriteGuard<'_, T> {
        let turn = self.turns.acquire_as(What::WriteLock, ALL).await;
        self.writing(turn)
    }

    /// Reads, if nobody writes or waits.
    #[must_use = "the lock is released when the guard is dropped"]
    pub fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        self.turns.try_acquire().map(|turn| self.reading(turn))
    }

    /// Writes, if nobody reads, writes or waits.
    #[must_use = "the lock is released when the guard is dropped"]
    pub fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        self.turns.try_acquire_many(ALL).map(|turn| self.writing(turn))
    }

    /// The value, without locking: nobody else can have the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, out of the lock.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    fn reading<'a>(&'a self, turn: Permit<&'a Semaphore>) -> ReadGuard<'a, T> {
        ReadGuard { value: self.value.borrow(), _turn: turn }
    }

    fn writing<'a>(&'a self, turn: Permit<&'a Semaphore>) -> WriteGuard<'a, T> {
        WriteGuard { value: self.value.borrow_mut(), _turn: turn }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.try_borrow() {
            Ok(value) => f.debug_struct("RwLock").field("value", &*value).finish_non_exhaustive(),
            Err(_) => f.debug_struct("RwLock").finish_non_exhaustive(),
        }
    }
}

/// Reads what an [`RwLock`] guards; dropping it lets writers in.
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct ReadGuard<'a, T = ()> {
    // In this order: the value is let go of before the next one may take it.
    value: Ref<'a, T>,
    _turn: Permit<&'a Semaphore>,
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Writes what an [`RwLock`] guards; dropping it lets others in.
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct WriteGuard<'a, T = ()> {
    // In this order: the value is let go of before the next one may take it.
    value: RefMut<'a, T>,
    _turn: Permit<&'a Semaphore>,
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
