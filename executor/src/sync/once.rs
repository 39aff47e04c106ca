//! [`OnceCell`]: initialised once, by whoever comes first, with an await. asyncio has none.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use super::waiters::{Stage, Turn, Waiters};
use crate::target::{Target, What};

/// A value that is made when it is first asked for, however long that takes. Who asks meanwhile waits for
/// it; if the one who makes it fails or is cancelled, the next one makes it.
///
/// ```
/// use std::rc::Rc;
/// use std::time::Duration;
/// use wheelhouse::{run, sleep, spawn, sync::OnceCell};
///
/// async fn connect() -> String {
///     sleep(Duration::from_millis(1)).await;
///     "connected".to_owned()
/// }
///
/// run(async {
///     let connection = Rc::new(OnceCell::new());
///     let other = spawn({
///         let connection = Rc::clone(&connection);
///         async move { connection.get_or_init(connect).await.len() }
///     });
///     assert_eq!(connection.get_or_init(connect).await, "connected");
///     assert_eq!(other.await.unwrap(), 9);
/// })
/// .unwrap();
/// ```
pub struct OnceCell<T> {
    value: std::cell::OnceCell<T>,
    /// Somebody is making the value.
    in_making: Cell<bool>,
    waiters: Waiters,
}

impl<T> OnceCell<T> {
    /// A cell without a value.
    #[must_use = "a cell does nothing by itself"]
    pub const fn new() -> OnceCell<T> {
        OnceCell {
            value: std::cell::OnceCell::new(),
            in_making: Cell::new(false),
            waiters: Waiters::new(),
        }
    }

    /// The value, if it has been made.
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, without sharing it.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// The value, out of the cell.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Sets the value by hand and wakes everybody who waits for it.
    ///
    /// # Errors
    ///
    /// The value comes back if there is one already, or one is being made.
    pub fn set(&self, value: T) -> Result<(), T> {
        if self.in_making.get() {
            return Err(value);
        }
        self.value.set(value)?;
        self.waiters.wake_all();
        Ok(())
    }

    /// The value; made by `make` if nobody has made or begun to make one.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a cancelled making is dropped, and the next waiter begins its own.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn get_or_init(&self, make: impl AsyncFnOnce() -> T) -> &T {
        match self.get_or_try_init(async || Ok::<T, Infallible>(make().await)).await {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// As [`get_or_init`](OnceCell::get_or_init), for a `make` that can fail; then the next waiter begins
    /// its own.
    ///
    /// # Errors
    ///
    /// That of `make`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a cancelled making is dropped, and the next waiter begins its own.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn get_or_try_init<E>(
        &self,
        make: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        if let Some(making) = self.made_or_mine().await {
            let made = make().await?;
            making.finish(made);
        }
        Ok(self.get().expect("nobody returns before there is a value"))
    }

    /// Waits until the value is there (`None`), or is this one's to make.
    async fn made_or_mine(&self) -> Option<Making<'_, T>> {
        let mut asking = Asking { cell: self, turn: Turn::new(&self.waiters) };
        poll_fn(|cx| asking.poll(cx)).await
    }

    fn begin(&self) -> Making<'_, T> {
        self.in_making.set(true);
        Making { cell: self }
    }

    /// Nobody makes the value now: one of those who wait for it may.
    fn wake_next(&self) {
        if !self.in_making.get() {
            self.waiters.wake(1);
        }
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        OnceCell::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell")
            .field("value", &self.get())
            .field("in_making", &self.in_making.get())
            .field("waiters", &self.waiters.len())
            .finish()
    }
}

/// The right to make the value. Dropped, however that comes about, it goes to the next one.
struct Making<'a, T> {
    cell: &'a OnceCell<T>,
}

impl<T> Making<'_, T> {
    fn finish(self, value: T) {
        if self.cell.value.set(value).is_err() {
            unreachable!("only one value is made at a time");
        }
        self.cell.waiters.wake_all();
    }
}

impl<T> Drop for Making<'_, T> {
    fn drop(&mut self) {
        self.cell.in_making.set(false);
        self.cell.wake_next();
    }
}

struct Asking<'a, T> {
    cell: &'a OnceCell<T>,
    turn: Turn<'a>,
}

impl<'a, T> Asking<'a, T> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<Making<'a, T>>> {
        if self.turn.resume(cx) == Stage::Waiting {
            return Poll::Pending;
        }
        if self.cell.get().is_some() {
            return Poll::Ready(None);
        }
        if !self.cell.in_making.get() {
            return Poll::Ready(Some(self.cell.begin()));
        }
        let target = Target::Plain(What::ValueInTheMaking);
        self.turn.enter("OnceCell::get_or_init", &target, (), cx);
        Poll::Pending
    }
}

impl<T> Drop for Asking<'_, T> {
    fn drop(&mut self) {
        if self.turn.leave() {
            self.cell.wake_next();
        }
    }
}
