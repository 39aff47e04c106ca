//! [`Event`]: asyncio's `Event`.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use super::waiters::{Stage, Turn, Waiters};
use crate::target::{Target, What};

/// A flag that tasks wait for. Setting it wakes them all.
///
/// ```
/// use std::rc::Rc;
/// use wheelhouse::{run, spawn, sync::Event};
///
/// run(async {
///     let ready = Rc::new(Event::new());
///     let waiter = spawn({
///         let ready = Rc::clone(&ready);
///         async move { ready.wait().await }
///     });
///     ready.set();
///     waiter.await.unwrap();
/// })
/// .unwrap();
/// ```
#[derive(Default)]
pub struct Event {
    set: Cell<bool>,
    waiters: Waiters,
}

impl Event {
    /// An event that is not set.
    #[must_use = "an event does nothing by itself"]
    pub const fn new() -> Event {
        Event { set: Cell::new(false), waiters: Waiters::new() }
    }

    /// Sets the flag and wakes everybody who waits, in order of arrival. They wake even if the flag is
    /// cleared again before they run.
    pub fn set(&self) {
        if !self.set.replace(true) {
            self.waiters.wake_all();
        }
    }

    /// Clears the flag: who waits from now on waits for the next [`set`](Event::set).
    pub fn clear(&self) {
        self.set.set(false);
    }

    /// Is the flag set?
    #[must_use = "this only looks"]
    pub fn is_set(&self) -> bool {
        self.set.get()
    }

    /// Waits until the flag is set; does not suspend if it is.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: an event is not used up by seeing it.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn wait(&self) {
        self.wait_as(What::Event).await;
    }

    /// Waits, under another name in a deadlock report.
    pub(super) async fn wait_as(&self, what: What) {
        let mut turn = Turn::new(&self.waiters);
        poll_fn(|cx| self.poll_wait(&mut turn, what, cx)).await;
    }

    fn poll_wait(&self, turn: &mut Turn<'_>, what: What, cx: &Context<'_>) -> Poll<()> {
        match turn.resume(cx) {
            Stage::Waiting => return Poll::Pending,
            Stage::Woken => return Poll::Ready(()),
            Stage::Outside | Stage::GivenUp => {}
        }
        if self.is_set() {
            return Poll::Ready(());
        }
        turn.enter("Event::wait", &Target::Plain(what), (), cx);
        Poll::Pending
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("set", &self.is_set())
            .field("waiters", &self.waiters.len())
            .finish()
    }
}
