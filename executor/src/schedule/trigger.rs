//! When a job is to run: `Trigger`, and the two that need no calendar.

use std::fmt;
use std::time::{Duration, SystemTime};

/// Says when a job is to run. [`IntervalTrigger`], [`DateTrigger`] and, with the feature `cron`, `Cron` are
/// such.
///
/// An implementation must not call the scheduler that asks it: that panics.
pub trait Trigger {
    /// A scheduler takes the trigger over, at this time.
    fn begin(&mut self, now: SystemTime) {
        let _ = now;
    }

    /// The first time after `after`; `None` if there is none any more.
    #[must_use = "this only computes a time"]
    fn next_after(&self, after: SystemTime) -> Option<SystemTime>;
}

/// At regular intervals: `APScheduler`'s `interval`.
///
/// The first time is one period after it was added to a scheduler, unless [`starting`](IntervalTrigger::starting)
/// says otherwise. Pauses and late runs do not shift the beat.
#[derive(Clone, Debug)]
pub struct IntervalTrigger {
    period: Duration,
    start: Option<SystemTime>,
    end: Option<SystemTime>,
}

impl IntervalTrigger {
    /// Every `period`.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    #[track_caller]
    #[must_use = "a trigger does nothing by itself"]
    pub fn new(period: Duration) -> IntervalTrigger {
        assert!(!period.is_zero(), "`IntervalTrigger::new` was given a period of zero");
        IntervalTrigger { period, start: None, end: None }
    }

    /// The first time is `start`; one that is past only sets the beat.
    #[must_use = "a trigger does nothing by itself"]
    pub fn starting(mut self, start: SystemTime) -> IntervalTrigger {
        self.start = Some(start);
        self
    }

    /// Not after `end`.
    #[must_use = "a trigger does nothing by itself"]
    pub fn ending(mut self, end: SystemTime) -> IntervalTrigger {
        self.end = Some(end);
        self
    }
}

impl Trigger for IntervalTrigger {
    fn begin(&mut self, now: SystemTime) {
        if self.start.is_none() {
            self.start = now.checked_add(self.period);
        }
    }

    fn next_after(&self, after: SystemTime) -> Option<SystemTime> {
        let start = self.start?;
        let next = match after.duration_since(start) {
            Err(_) => start,
            Ok(since) => {
                let into_period = since.as_nanos() % self.period.as_nanos();
                let rest = self.period.as_nanos() - into_period;
                after.checked_add(Duration::from_nanos(u64::try_from(rest).ok()?))?
            }
        };
        self.end.is_none_or(|end| next <= end).then_some(next)
    }
}

/// Once, at a time: `APScheduler`'s `date`.
#[derive(Clone, Debug)]
pub struct DateTrigger {
    when: SystemTime,
}

impl DateTrigger {
    /// At `when`.
    #[must_use = "a trigger does nothing by itself"]
    pub fn new(when: SystemTime) -> DateTrigger {
        DateTrigger { when }
    }
}

impl Trigger for DateTrigger {
    fn next_after(&self, after: SystemTime) -> Option<SystemTime> {
        (self.when > after).then_some(self.when)
    }
}

impl fmt::Debug for dyn Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a trigger")
    }
}
