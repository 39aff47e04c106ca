//! Sleeping: asyncio's `sleep`, `loop.time`, and a periodic `interval`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::context::{self, Core};
use crate::delay::End;
use crate::remote::{Message, Remote};
use crate::wait::Progress;
use crate::waits::WaitKey;

/// The running loop's time: how long it has existed, or what its virtual clock shows.
///
/// # Panics
///
/// Outside a running loop.
#[must_use = "this only reads the clock"]
#[track_caller]
pub fn time() -> Duration {
    Duration::from_nanos(context::current("time", |core| core.clock.now()))
}

/// Suspends for `delay`, counted from the first poll; never shorter. From 100 ms on it may be a tenth of a
/// millisecond longer, so that the clock need not be read for it. [`Duration::ZERO`] is one bare turn, as
/// [`yield_now`].
///
/// A delay so long that its end cannot be told (584 years) never ends.
///
/// # Cancel safety
///
/// Cancel safe: nothing is lost with a sleep.
pub fn sleep(delay: Duration) -> Sleep {
    Sleep { stage: Stage::Before(End::After(delay)) }
}

/// Suspends until the loop's [`time`] is `when`. A time that has come is one bare turn.
///
/// # Cancel safety
///
/// Cancel safe: nothing is lost with a sleep.
pub fn sleep_until(when: Duration) -> Sleep {
    Sleep { stage: Stage::Before(End::At(when)) }
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It is `Send`: an entry in a loop's timers, and the way to give it back. Dropped on another thread, it
/// is given back through the loop's inbox.
#[must_use = "a sleep does nothing until it is awaited"]
#[derive(Debug)]
pub struct Sleep {
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Before(End),
    Armed(Armed),
    /// A bare turn has begun.
    Turn,
    Over,
}

/// Many sleep at once.
const _: () = assert!(size_of::<Sleep>() == 24);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.stage {
            Stage::Before(End::After(Duration::ZERO)) => self.begin_turn(cx),
            &Stage::Before(end) => self.begin(end, cx),
            Stage::Armed(armed) => match armed.poll(cx) {
                Napping::Sleeps => Poll::Pending,
                Napping::Missed => self.begin_turn(cx),
                Napping::Over => self.end(),
            },
            Stage::Turn | Stage::Over => self.end(),
        }
    }
}

impl Sleep {
    /// Starts over with another delay, which counts from this call if the sleep has begun, else from its
    /// first poll. Who waits for it is woken at its new end and no earlier, even if the old one had come in
    /// this very turn; a sleep that is over sleeps once more. It costs less than a new sleep.
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::time::Duration;
    /// use wheelhouse::{EventLoop, sleep, time};
    ///
    /// let mut event_loop = EventLoop::builder().virtual_clock().build().unwrap();
    /// let end = event_loop.run_until_complete(async {
    ///     let mut idle = pin!(sleep(Duration::from_secs(30)));
    ///     idle.as_mut().await;
    ///     idle.reset(Duration::from_secs(5));
    ///     idle.await;
    ///     time()
    /// });
    /// assert_eq!(end.unwrap(), Duration::from_secs(35));
    /// ```
    pub fn reset(&mut self, delay: Duration) {
        self.start_over(End::After(delay));
    }

    /// As [`reset`](Sleep::reset), until the loop's [`time`] is `when`.
    pub fn reset_until(&mut self, when: Duration) {
        self.start_over(End::At(when));
    }

    fn start_over(&mut self, end: End) {
        let reset = match &self.stage {
            Stage::Armed(armed) => armed.at_home(|core| {
                core.with(|state| {
                    let deadline = state.deadline(&core.clock, end);
                    state.reset_sleep(armed.wait, deadline);
                });
            }),
            _ => None,
        };
        if reset.is_none() {
            // It has not begun, or in a loop that does not run here: it begins where it is polled next.
            self.stage = Stage::Before(end);
        }
    }

    fn begin(&mut self, end: End, cx: &mut Context<'_>) -> Poll<()> {
        let call = match end {
            End::After(_) => "sleep",
            End::At(_) => "sleep_until",
        };
        let armed = context::current(call, |core| {
            let deadline = core.with(|state| state.deadline(&core.clock, end));
            if deadline.has_come {
                return None;
            }
            let waker = core.foreign_waker(cx);
            let wait = core.with(|state| state.open_sleep(deadline, waker));
            Some(Armed { remote: Arc::clone(&core.remote), wait })
        });
        let Some(armed) = armed else { return self.begin_turn(cx) };
        self.stage = Stage::Armed(armed);
        Poll::Pending
    }

    fn begin_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stage = Stage::Turn;
        context::wake_by_ref(cx);
        Poll::Pending
    }

    fn end(&mut self) -> Poll<()> {
        self.stage = Stage::Over;
        Poll::Ready(())
    }
}

/// A sleep that has begun: its entry in a loop's timers.
struct Armed {
    remote: Arc<Remote>,
    wait: WaitKey,
}

/// How a sleep that has begun is found.
enum Napping {
    Sleeps,
    /// Its time came while it was given up.
    Missed,
    Over,
}

impl Armed {
    fn poll(&self, cx: &Context<'_>) -> Napping {
        context::current("sleep", |core| {
            assert!(Arc::ptr_eq(&core.remote, &self.remote), "a sleep was moved to another loop");
            match core.touch_wait(self.wait, cx) {
                Progress::Set => Napping::Over,
                Progress::Pending => Napping::Sleeps,
                Progress::Cancelled
                    if core.peek(|state| state.waits.deadline(self.wait)).is_some() =>
                {
                    Napping::Sleeps
                }
                Progress::Cancelled => Napping::Missed,
            }
        })
    }

    /// Shows `look` the loop the timer is armed in, if it runs on this thread.
    fn at_home<R>(&self, look: impl FnOnce(&Core) -> R) -> Option<R> {
        context::at_home(&self.remote, |core| look(core))
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        if self.at_home(|core| core.with(|state| state.remove_wait(self.wait))).is_none() {
            // A loop that is gone has no timer left to give back.
            let _ = self.remote.send(Message::DropWait(self.wait));
        }
    }
}

impl fmt::Debug for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deadline = self.at_home(|core| core.peek(|state| state.waits.deadline(self.wait)));
        f.debug_struct("Armed")
            .field("deadline", &deadline.flatten().map(Duration::from_nanos))
            .finish_non_exhaustive()
    }
}

/// Lets everything that is ready run once, then goes on: asyncio's `sleep(0)`.
///
/// # Cancel safety
///
/// Cancel safe: nothing is lost with a turn.
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "a yield does nothing until it is awaited"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        context::wake_by_ref(cx);
        Poll::Pending
    }
}

/// What an [`Interval`] does about ticks it came too late for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTicks {
    /// Makes up for them, one right after the other.
    #[default]
    Burst,
    /// Starts counting anew from the late one.
    Delay,
    /// Leaves them out and keeps to the original beat.
    Skip,
}

/// Ticks now, and then every `period`.
///
/// # Panics
///
/// If `period` is zero: it would tick for ever without time passing.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "`interval` was given a period of zero: use `yield_now` in a loop");
    Interval { period, missed: MissedTicks::Burst, next: None, sleep: None }
}

/// Ticks when the loop's [`time`] is `first`, and then every `period`.
///
/// # Panics
///
/// If `period` is zero: it would tick for ever without time passing.
#[track_caller]
pub fn interval_at(first: Duration, period: Duration) -> Interval {
    Interval { next: Some(first), ..interval(period) }
}

/// A beat: see [`interval`] and [`interval_at`].
#[must_use = "an interval does nothing until a tick of it is awaited"]
pub struct Interval {
    period: Duration,
    missed: MissedTicks,
    /// Loop time of the next tick; `None` for the first, at once.
    next: Option<Duration>,
    sleep: Option<Sleep>,
}

impl Interval {
    /// Chooses what to do about missed ticks; [`MissedTicks::Burst`] by default.
    pub fn missed_ticks(mut self, policy: MissedTicks) -> Interval {
        self.missed = policy;
        self
    }

    /// Waits for the next tick and returns the loop time it was due. A tick that has come already does not
    /// suspend.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a tick that was not returned comes again.
    pub async fn tick(&mut self) -> Duration {
        std::future::poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// The polling form of [`tick`](Interval::tick).
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        let now = time();
        let due = *self.next.get_or_insert(now);
        if now < due {
            let sleep = self.sleep.get_or_insert_with(|| sleep_until(due));
            ready!(Pin::new(sleep).poll(cx));
        }
        self.sleep = None;
        self.next = Some(self.after(due, time()));
        Poll::Ready(due)
    }

    fn after(&self, due: Duration, now: Duration) -> Duration {
        let next = due.saturating_add(self.period);
        if next > now {
            return next;
        }
        match self.missed {
            MissedTicks::Burst => next,
            MissedTicks::Delay => now.saturating_add(self.period),
            MissedTicks::Skip => {
                let late = (now - due).as_nanos() % self.period.as_nanos();
                let late = u64::try_from(late).unwrap_or(u64::MAX);
                now.saturating_add(self.period).saturating_sub(Duration::from_nanos(late))
            }
        }
    }
}

#[cfg(feature = "stream")]
impl futures_core::Stream for Interval {
    type Item = Duration;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Duration>> {
        self.poll_tick(cx).map(Some)
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("period", &self.period)
            .field("missed_ticks", &self.missed)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
