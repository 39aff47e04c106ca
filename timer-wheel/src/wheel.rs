//! The wheel itself: insert, remove, reset, the next deadline, and expiring.

use std::fmt;
use std::ops::{Index, IndexMut};

use crate::schedule::{Schedule, Tuning};
use crate::slab::TimerKey;

/// Timers by deadline: a set of payloads, each taken out once its time has come.
///
/// The [crate documentation](crate) says how it works and what it promises.
pub struct TimerWheel<T> {
    schedule: Schedule<T>,
}

/// A timer whose time has come, as [`TimerWheel::pop_expired`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired<T> {
    /// The key the timer had: stale by now, but it may be how the caller knows the timer.
    pub key: TimerKey,
    /// When the timer was to expire: at or before the time of the last advance.
    pub deadline: u64,
    /// What was inserted.
    pub value: T,
}

impl<T> TimerWheel<T> {
    /// A wheel whose time starts at 0.
    #[must_use = "a wheel does nothing by itself"]
    pub fn new() -> Self {
        Self::with_start(0)
    }

    /// A wheel whose time starts at `now`.
    #[must_use = "a wheel does nothing by itself"]
    pub fn with_start(now: u64) -> Self {
        Self::tuned(now, Tuning::DEFAULT)
    }

    pub(crate) fn tuned(now: u64, tuning: Tuning) -> Self {
        TimerWheel { schedule: Schedule::new(now, tuning) }
    }

    /// Adds a timer that expires at `deadline`, behind those already there with the same deadline.
    ///
    /// A deadline that has passed is as good as any: the timer expires with the next
    /// [`advance`](Self::advance).
    ///
    /// # Panics
    ///
    /// If the wheel holds 2^31 timers already.
    pub fn insert(&mut self, deadline: u64, value: T) -> TimerKey {
        self.schedule.insert(deadline, value)
    }

    /// Adds a timer that does not expire: it is *idle*, a payload with a key, until it is
    /// [reset](Self::reset) to a deadline.
    ///
    /// # Panics
    ///
    /// If the wheel holds 2^31 timers already.
    pub fn insert_idle(&mut self, value: T) -> TimerKey {
        self.schedule.insert_idle(value)
    }

    /// Takes a timer's deadline away and keeps the timer, idle as by [`insert_idle`](Self::insert_idle);
    /// `false` if it is idle already, or `key` is stale.
    pub fn disarm(&mut self, key: TimerKey) -> bool {
        self.schedule.disarm(key)
    }

    /// Takes a timer out and returns its payload; `None` if `key` is stale.
    pub fn remove(&mut self, key: TimerKey) -> Option<T> {
        self.schedule.remove(key).map(|timer| timer.value)
    }

    /// Gives a timer another deadline; `false` if `key` is stale.
    ///
    /// The key stays valid. In all else it is as if the timer had been removed and inserted
    /// again: it comes behind timers with the same deadline, and if it was about to be
    /// [popped](Self::pop_expired) it no longer is.
    pub fn reset(&mut self, key: TimerKey, deadline: u64) -> bool {
        self.schedule.reset(key, deadline)
    }

    /// Moves time on to `now`; [`pop_expired`](Self::pop_expired) then returns what has expired.
    ///
    /// Time never goes back: an earlier `now` counts as the present one.
    pub fn advance(&mut self, now: u64) {
        self.schedule.advance(now);
    }

    /// Takes out the next timer that has expired, in the order of (deadline, insertion).
    ///
    /// Only timers that were there at the last [`advance`](Self::advance) count: one inserted or
    /// reset since, to whatever deadline, waits for the next. So a timer that is set again for
    /// "now" each time it expires cannot keep the caller in a loop.
    #[must_use = "an expired timer is gone from the wheel, its payload is here only"]
    pub fn pop_expired(&mut self) -> Option<Expired<T>> {
        self.schedule.pop_expired()
    }

    /// As [`pop_expired`](Self::pop_expired), but keeps the timer: it is idle from now on, and its key
    /// valid until it is [removed](Self::remove).
    #[must_use = "the key says which timer has expired"]
    pub fn disarm_expired(&mut self) -> Option<TimerKey> {
        self.schedule.disarm_expired()
    }

    /// When to advance next: never later than the earliest deadline.
    ///
    /// It is the earliest deadline, unless the timer that had it was removed or reset; then it may
    /// be earlier, once for each. Cheap enough to ask each time round a loop: the answer is kept.
    #[must_use = "asking changes nothing that matters"]
    pub fn next_wakeup(&mut self) -> Option<u64> {
        self.schedule.next_wakeup()
    }

    /// When to advance next so that one advance serves several timers, each of which may be late by `slack`:
    /// at [`next_wakeup`](Self::next_wakeup), or at the latest deadline that is known to follow it within
    /// `slack`.
    ///
    /// So a timer is late for the sake of others only, never for nothing. Known are all deadlines of the
    /// present slot, a millisecond of nanoseconds, and the earliest of those that come; whoever waits for
    /// something that is further off hears of its time alone.
    #[must_use = "asking changes nothing that matters"]
    pub fn next_wakeup_within(&mut self, slack: u64) -> Option<u64> {
        self.schedule.next_wakeup_within(slack)
    }

    /// The earliest deadline, exactly.
    ///
    /// It is known, unless the timer that had it was removed or reset; then it may take a walk
    /// through the timers of the same slot.
    #[must_use = "asking changes nothing that matters"]
    pub fn next_deadline(&mut self) -> Option<u64> {
        self.schedule.next_deadline()
    }

    /// The payload of a timer; `None` if `key` is stale.
    #[must_use = "asking changes nothing"]
    pub fn get(&self, key: TimerKey) -> Option<&T> {
        self.schedule.slab.get(key)
    }

    /// The payload of a timer, to change it; `None` if `key` is stale.
    #[must_use = "asking changes nothing"]
    pub fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        self.schedule.slab.get_mut(key)
    }

    /// The key of the timer that lives at an [index](TimerKey::index); `None` if none does.
    #[must_use = "asking changes nothing"]
    pub fn key_at(&self, index: u32) -> Option<TimerKey> {
        self.schedule.slab.key(index)
    }

    /// When a timer expires; `None` if it is idle, or `key` is stale.
    #[must_use = "asking changes nothing"]
    pub fn deadline(&self, key: TimerKey) -> Option<u64> {
        let armed = self.contains(key).then(|| self.schedule.slab.armed(key.index))?;
        (!armed.is_idle()).then_some(armed.deadline)
    }

    /// Whether the timer is still in the wheel, armed or idle: neither popped nor removed.
    #[must_use = "asking changes nothing"]
    pub fn contains(&self, key: TimerKey) -> bool {
        self.get(key).is_some()
    }

    /// How many timers there are, with those that are idle, and those that have expired but were not
    /// popped.
    #[must_use = "asking changes nothing"]
    pub fn len(&self) -> usize {
        self.schedule.slab.len()
    }

    /// How many timers there are that are not idle.
    #[must_use = "asking changes nothing"]
    pub fn armed(&self) -> usize {
        self.schedule.armed()
    }

    /// Whether there are no timers.
    #[must_use = "asking changes nothing"]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time of the last [`advance`](Self::advance).
    #[must_use = "asking changes nothing"]
    pub fn now(&self) -> u64 {
        self.schedule.now()
    }

    /// Drops all timers. Time stays what it is, and keys to them are stale.
    pub fn clear(&mut self) {
        drop(self.drain());
    }

    /// Takes all timers out, and returns their payloads in the order in which they would have
    /// expired; those of idle ones last, in no order.
    ///
    /// The wheel is empty at once, whatever becomes of the iterator.
    pub fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.schedule.drain().into_iter()
    }

    /// Gives memory back that is not in use, as far as the timers that remain do not pin it.
    pub fn shrink_to_fit(&mut self) {
        self.schedule.shrink_to_fit();
    }

    /// Checks every invariant of the wheel, in time proportional to its size.
    ///
    /// # Panics
    ///
    /// If one does not hold, which is a bug in this crate.
    pub fn assert_valid(&self) {
        self.schedule.assert_valid();
    }
}

/// By the [index](TimerKey::index) of a timer that is there: for links between timers, which do not outlive
/// what they point to.
///
/// # Panics
///
/// If no timer lives at the index.
impl<T> Index<u32> for TimerWheel<T> {
    type Output = T;
    #[inline]
    fn index(&self, index: u32) -> &T {
        self.schedule.slab.at(index)
    }
}

impl<T> IndexMut<u32> for TimerWheel<T> {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut T {
        self.schedule.slab.at_mut(index)
    }
}

impl<T> Default for TimerWheel<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for TimerWheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerWheel")
            .field("now", &self.now())
            .field("len", &self.len())
            .field("armed", &self.armed())
            .finish_non_exhaustive()
    }
}
