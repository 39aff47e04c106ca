//! `every`: the same work again and again; in asyncio a loop around `await asyncio.sleep(period)`.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::race::{Either, race};
use crate::sync::Event;
use crate::{Interval, JoinError, MissedTicks, Task, TaskHandle, interval_at, sleep, time};

/// Work to be done every `period`: at once, and then on a fixed beat, unless it is told otherwise.
///
/// Runs never overlap: a run that takes longer than the period makes the ones after it late, and
/// [`missed_ticks`](Every::missed_ticks) says what becomes of these.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{EventLoop, schedule::every, sleep, time};
///
/// let mut event_loop = EventLoop::builder().virtual_clock().build()?;
/// event_loop.run_until_complete(async {
///     let beat = every(Duration::from_secs(10)).spawn(async || println!("at {:?}", time()));
///     sleep(Duration::from_secs(25)).await;
///     beat.stop();
///     assert_eq!(beat.await.unwrap(), 3); // at 0, 10 and 20 s
/// })?;
/// # Ok::<(), wheelhouse::RunError>(())
/// ```
///
/// # Panics
///
/// If `period` is zero: it would run for ever without time passing.
#[track_caller]
pub fn every(period: Duration) -> Every {
    assert!(!period.is_zero(), "`every` was given a period of zero: use `yield_now` in a loop");
    Every {
        period,
        first: Duration::ZERO,
        beat: Beat::Rate(MissedTicks::Burst),
        until: None,
        name: None,
    }
}

/// How work is repeated: see [`every`].
#[must_use = "nothing is repeated until `spawn` or `run`"]
#[derive(Clone)]
pub struct Every {
    period: Duration,
    /// The delay of the first run.
    first: Duration,
    beat: Beat,
    until: Option<Rc<Event>>,
    name: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug)]
enum Beat {
    /// From beginning to beginning.
    Rate(MissedTicks),
    /// From end to beginning.
    Delay,
}

impl Every {
    /// The first run comes after `delay`, not at once.
    pub fn first_after(mut self, delay: Duration) -> Every {
        self.first = delay;
        self
    }

    /// Counts the period from the end of a run to the beginning of the next one. Without this it is counted
    /// from beginning to beginning, however long a run takes.
    pub fn fixed_delay(mut self) -> Every {
        self.beat = Beat::Delay;
        self
    }

    /// What to do about runs that could not begin in time, on a fixed beat; [`MissedTicks::Burst`] by
    /// default. Takes [`fixed_delay`](Every::fixed_delay) back.
    pub fn missed_ticks(mut self, policy: MissedTicks) -> Every {
        self.beat = Beat::Rate(policy);
        self
    }

    /// Stops when `event` is set: a run that has begun goes on to its end, and no other begins.
    pub fn until(mut self, event: Rc<Event>) -> Every {
        self.until = Some(event);
        self
    }

    /// What messages and reports call the task.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Every {
        self.name = Some(name.into());
        self
    }

    /// Repeats `job` in a task of its own. A panic in it ends the task, and comes back to who awaits it.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[track_caller]
    pub fn spawn(mut self, mut job: impl AsyncFnMut() + 'static) -> Periodic {
        let stop = Rc::clone(self.until.get_or_insert_default());
        let runs = Rc::new(Cell::new(0));
        let counter = Rc::clone(&runs);
        let mut builder = Task::builder();
        if let Some(name) = self.name.take() {
            builder = builder.name(name);
        }
        let task = builder.spawn(async move {
            self.run(async || {
                counter.set(counter.get() + 1);
                job().await;
            })
            .await;
            counter.get()
        });
        Periodic { task, stop, runs }
    }

    /// Repeats `job` in the task that awaits this, until the event of [`until`](Every::until) is set; without
    /// one, until it is cancelled. `job` may borrow what is around it.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as `job`: a cancel between two runs loses nothing.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub async fn run(self, mut job: impl AsyncFnMut()) {
        let stop = self.until.clone().unwrap_or_default();
        let mut pace = Pace::new(&self);
        while let Either::Second(()) = race(stop.wait(), pace.next()).await {
            job().await;
        }
    }
}

impl fmt::Debug for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Every")
            .field("period", &self.period)
            .field("first", &self.first)
            .field("beat", &self.beat)
            .field("until", &self.until)
            .field("name", &self.name)
            .finish()
    }
}

/// When the next run begins.
enum Pace {
    Rate(Interval),
    Delay { next: Duration, period: Duration },
}

impl Pace {
    fn new(every: &Every) -> Pace {
        let first = time().saturating_add(every.first);
        match every.beat {
            Beat::Rate(policy) => Pace::Rate(interval_at(first, every.period).missed_ticks(policy)),
            Beat::Delay => Pace::Delay { next: every.first, period: every.period },
        }
    }

    async fn next(&mut self) {
        match self {
            Pace::Rate(beat) => drop(beat.tick().await),
            Pace::Delay { next, period } => {
                let delay = std::mem::replace(next, *period);
                if !delay.is_zero() {
                    sleep(delay).await;
                }
            }
        }
    }
}

/// The task that [`Every::spawn`] started, and the future of how often it ran.
///
/// It is a [`TaskHandle`] as well: [`cancel`](TaskHandle::cancel) cancels, in the middle of a run if there
/// is one. Dropping it lets the task run on by itself.
///
/// # Cancel safety
///
/// As a [`Task`]: an await forwards, and so cancelling the waiter cancels the work (rule C9).
#[must_use = "dropping it detaches the task; await it, keep it, or say `.detach()`"]
pub struct Periodic {
    task: Task<u64>,
    stop: Rc<Event>,
    runs: Rc<Cell<u64>>,
}

impl Periodic {
    /// Lets a run that has begun go on to its end, and begins no other.
    pub fn stop(&self) {
        self.stop.set();
    }

    /// How many runs have begun.
    #[must_use = "this only reads the count"]
    pub fn runs(&self) -> u64 {
        self.runs.get()
    }

    /// Lets the task run on by itself.
    pub fn detach(self) {}
}

impl Deref for Periodic {
    type Target = TaskHandle;

    fn deref(&self) -> &TaskHandle {
        self.task.handle()
    }
}

impl Future for Periodic {
    type Output = Result<u64, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl fmt::Debug for Periodic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Periodic")
            .field("task", &self.task)
            .field("runs", &self.runs())
            .field("stopping", &self.stop.is_set())
            .finish()
    }
}
