//! `Sched`: Python's `sched.scheduler`, for actions that await. One after another, by time, then priority,
//! then the order in which they were entered.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::race::race;
use crate::sync::Event;
use crate::{sleep_until, time, yield_now};

/// Runs actions in order: by time, then by priority (the lower number first), then by entry.
///
/// [`run`](Sched::run) does them in the task that awaits it, one after another: one that is due while another
/// runs waits for it. Actions, and other tasks, may enter and cancel events meanwhile.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{EventLoop, schedule::Sched, time};
///
/// let mut event_loop = EventLoop::builder().virtual_clock().build()?;
/// event_loop.run_until_complete(async {
///     let sched = Sched::new();
///     sched.enter(Duration::from_secs(10), 2, async { println!("{:?}: second", time()) });
///     sched.enter(Duration::from_secs(10), 1, async { println!("{:?}: first", time()) });
///     let third = sched.enter(Duration::from_secs(15), 1, async { unreachable!() });
///     sched.cancel(third).unwrap();
///     sched.run().await;
///     assert!(sched.is_empty() && time() == Duration::from_secs(10));
/// })?;
/// # Ok::<(), wheelhouse::RunError>(())
/// ```
#[derive(Default)]
pub struct Sched {
    events: RefCell<BTreeMap<SchedEvent, Action>>,
    /// How many were ever entered.
    entered: Cell<u64>,
    /// Set when the first event may have become another one.
    changed: Event,
}

type Action = Pin<Box<dyn Future<Output = ()>>>;

/// An event of a [`Sched`]: when it is due, and the name to cancel it by.
///
/// Ordered as events are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchedEvent {
    time: Duration,
    priority: i64,
    entry: u64,
}

impl SchedEvent {
    /// The loop time at which it is due.
    #[must_use = "this only reads the time"]
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Its priority: of events that are due at the same time, the one with the lower number runs first.
    #[must_use = "this only reads the priority"]
    pub fn priority(&self) -> i64 {
        self.priority
    }
}

impl Sched {
    /// A scheduler without events.
    #[must_use = "a scheduler does nothing by itself"]
    pub fn new() -> Sched {
        Sched::default()
    }

    /// Enters an event that is due once `delay` has passed from now.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub fn enter(
        &self,
        delay: Duration,
        priority: i64,
        action: impl Future<Output = ()> + 'static,
    ) -> SchedEvent {
        self.enter_abs(time().saturating_add(delay), priority, action)
    }

    /// Enters an event that is due when the loop's [`time`] is `when`: Python's `enterabs`.
    pub fn enter_abs(
        &self,
        when: Duration,
        priority: i64,
        action: impl Future<Output = ()> + 'static,
    ) -> SchedEvent {
        let entry = self.entered.replace(self.entered.get() + 1);
        let event = SchedEvent { time: when, priority, entry };
        self.events.borrow_mut().insert(event, Box::pin(action));
        self.changed.set();
        event
    }

    /// Takes an event back.
    ///
    /// # Errors
    ///
    /// [`NoSuchEvent`], if it has begun, or was taken back before.
    pub fn cancel(&self, event: SchedEvent) -> Result<(), NoSuchEvent> {
        let action = self.events.borrow_mut().remove(&event);
        self.changed.set();
        action.map(drop).ok_or(NoSuchEvent { event })
    }

    /// Is there no event?
    #[must_use = "this only looks"]
    pub fn is_empty(&self) -> bool {
        self.events.borrow().is_empty()
    }

    /// The events to come, in their order.
    #[must_use = "this only looks"]
    pub fn queue(&self) -> Vec<SchedEvent> {
        self.events.borrow().keys().copied().collect()
    }

    /// Waits for events and runs them until there are none left.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe but for the action that runs, which is dropped: the others stay, and can be run again.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub async fn run(&self) {
        while let Some(delay) = self.run_due().await {
            self.changed.clear();
            race(sleep_until(time().saturating_add(delay)), self.changed.wait()).await;
        }
    }

    /// Runs the events that are due, and says how long it is until the next one; `None` if there is none:
    /// Python's `run(blocking=False)`.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Sched::run).
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub async fn run_due(&self) -> Option<Duration> {
        loop {
            let delay = self.events.borrow().keys().next()?.time.saturating_sub(time());
            if !delay.is_zero() {
                return Some(delay);
            }
            let first = self.events.borrow_mut().pop_first();
            let (_, action) = first.expect("there was one a moment ago");
            action.await;
            yield_now().await; // others get their turn
        }
    }
}

impl fmt::Debug for Sched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sched").field("queue", &self.queue()).finish_non_exhaustive()
    }
}

/// An event was cancelled that is not in the queue: Python's `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchEvent {
    event: SchedEvent,
}

impl fmt::Display for NoSuchEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.event.time.as_secs_f64();
        write!(f, "the event of {seconds:.3} s of loop time has begun, or was cancelled before")
    }
}

impl Error for NoSuchEvent {}
