//! What a timer wheel does, in the plainest way: a sorted map with the API of [`TimerWheel`].
//!
//! It is what the wheel itself is tested against, and it can stand in for the wheel in property
//! tests of your own (feature `model`), where a difference between the two would be a bug here.
//! Every answer is the wheel's, with two exceptions: the keys are of its own making, and what
//! [`next_wakeup`](ModelWheel::next_wakeup) and [`next_wakeup_within`](ModelWheel::next_wakeup_within)
//! say is always exact.
//!
//! ```
//! use timer_wheel::{TimerWheel, model::ModelWheel};
//!
//! let (mut wheel, mut model) = (TimerWheel::new(), ModelWheel::new());
//! for deadline in [30, 10, 20] {
//!     wheel.insert(deadline, deadline);
//!     model.insert(deadline, deadline);
//! }
//! wheel.advance(20);
//! model.advance(20);
//! while let Some(expected) = model.pop_expired() {
//!     assert_eq!(wheel.pop_expired().map(|timer| timer.value), Some(expected.value));
//! }
//! assert!(wheel.pop_expired().is_none());
//! ```
//!
//! [`TimerWheel`]: crate::TimerWheel

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

use crate::{Expired, TimerKey};

/// A deadline, and a sequence number that orders equal ones.
type Rank = (u64, u64);

/// The same as a [`TimerWheel`](crate::TimerWheel), only slower.
#[derive(Debug)]
pub struct ModelWheel<T> {
    now: u64,
    /// How often timers were armed.
    sequence: u64,
    /// Timers armed up to this one may be popped.
    released: u64,
    /// How many keys were given out.
    keys: u64,
    timers: BTreeMap<Rank, (TimerKey, T)>,
    idle: HashMap<TimerKey, T>,
    ranks: HashMap<TimerKey, Rank>,
}

impl<T> ModelWheel<T> {
    /// See [`TimerWheel::new`](crate::TimerWheel::new).
    #[must_use = "a wheel does nothing by itself"]
    pub fn new() -> Self {
        Self::with_start(0)
    }

    /// See [`TimerWheel::with_start`](crate::TimerWheel::with_start).
    #[must_use = "a wheel does nothing by itself"]
    pub fn with_start(now: u64) -> Self {
        let (timers, idle, ranks) = (BTreeMap::new(), HashMap::new(), HashMap::new());
        ModelWheel { now, sequence: 0, released: 0, keys: 0, timers, idle, ranks }
    }

    /// See [`TimerWheel::insert`](crate::TimerWheel::insert).
    ///
    /// # Panics
    ///
    /// After 2^63 insertions.
    pub fn insert(&mut self, deadline: u64, value: T) -> TimerKey {
        let key = self.new_key();
        self.arm(key, deadline, value);
        key
    }

    /// See [`TimerWheel::insert_idle`](crate::TimerWheel::insert_idle).
    ///
    /// # Panics
    ///
    /// After 2^63 insertions.
    pub fn insert_idle(&mut self, value: T) -> TimerKey {
        let key = self.new_key();
        self.idle.insert(key, value);
        key
    }

    fn new_key(&mut self) -> TimerKey {
        let generation = u32::try_from(self.keys >> u32::BITS).ok().and_then(|g| g.checked_add(1));
        let generation = generation.and_then(NonZeroU32::new).expect("too many timers");
        let key = TimerKey { index: self.keys as u32, generation };
        self.keys += 1;
        key
    }

    /// See [`TimerWheel::disarm`](crate::TimerWheel::disarm).
    pub fn disarm(&mut self, key: TimerKey) -> bool {
        let Some(rank) = self.ranks.remove(&key) else { return false };
        let armed = self.timers.remove(&rank);
        self.idle.extend(armed);
        true
    }

    /// See [`TimerWheel::remove`](crate::TimerWheel::remove).
    pub fn remove(&mut self, key: TimerKey) -> Option<T> {
        match self.ranks.remove(&key) {
            Some(rank) => self.timers.remove(&rank).map(|(_, value)| value),
            None => self.idle.remove(&key),
        }
    }

    /// See [`TimerWheel::reset`](crate::TimerWheel::reset).
    pub fn reset(&mut self, key: TimerKey, deadline: u64) -> bool {
        let value = self.remove(key);
        value.map(|value| self.arm(key, deadline, value)).is_some()
    }

    /// See [`TimerWheel::advance`](crate::TimerWheel::advance).
    pub fn advance(&mut self, now: u64) {
        self.now = self.now.max(now);
        self.released = self.sequence;
    }

    /// See [`TimerWheel::pop_expired`](crate::TimerWheel::pop_expired).
    #[must_use = "an expired timer is gone from the wheel, its payload is here only"]
    pub fn pop_expired(&mut self) -> Option<Expired<T>> {
        let rank = self.first_expired()?;
        let (key, value) = self.timers.remove(&rank)?;
        self.ranks.remove(&key);
        Some(Expired { key, deadline: rank.0, value })
    }

    /// See [`TimerWheel::disarm_expired`](crate::TimerWheel::disarm_expired).
    #[must_use = "the key says which timer has expired"]
    pub fn disarm_expired(&mut self) -> Option<TimerKey> {
        let key = self.timers[&self.first_expired()?].0;
        self.disarm(key);
        Some(key)
    }

    fn first_expired(&self) -> Option<Rank> {
        let mut expired = self.timers.range(..=(self.now, u64::MAX));
        expired.find(|&(&(_, sequence), _)| sequence <= self.released).map(|(&rank, _)| rank)
    }

    /// See [`TimerWheel::next_wakeup`](crate::TimerWheel::next_wakeup); here it is exact.
    #[must_use = "asking changes nothing"]
    pub fn next_wakeup(&mut self) -> Option<u64> {
        self.next_deadline()
    }

    /// See [`TimerWheel::next_wakeup_within`](crate::TimerWheel::next_wakeup_within); here every deadline
    /// is known.
    #[must_use = "asking changes nothing"]
    pub fn next_wakeup_within(&mut self, slack: u64) -> Option<u64> {
        let limit = self.next_deadline()?.saturating_add(slack);
        self.timers.range(..=(limit, u64::MAX)).next_back().map(|(&(deadline, _), _)| deadline)
    }

    /// See [`TimerWheel::next_deadline`](crate::TimerWheel::next_deadline).
    #[must_use = "asking changes nothing"]
    pub fn next_deadline(&mut self) -> Option<u64> {
        self.earliest()
    }

    fn earliest(&self) -> Option<u64> {
        self.timers.first_key_value().map(|(&(deadline, _), _)| deadline)
    }

    /// See [`TimerWheel::get`](crate::TimerWheel::get).
    #[must_use = "asking changes nothing"]
    pub fn get(&self, key: TimerKey) -> Option<&T> {
        match self.ranks.get(&key) {
            Some(rank) => self.timers.get(rank).map(|(_, value)| value),
            None => self.idle.get(&key),
        }
    }

    /// See [`TimerWheel::get_mut`](crate::TimerWheel::get_mut).
    #[must_use = "asking changes nothing"]
    pub fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        match self.ranks.get(&key) {
            Some(rank) => self.timers.get_mut(rank).map(|(_, value)| value),
            None => self.idle.get_mut(&key),
        }
    }

    /// See [`TimerWheel::deadline`](crate::TimerWheel::deadline).
    #[must_use = "asking changes nothing"]
    pub fn deadline(&self, key: TimerKey) -> Option<u64> {
        self.ranks.get(&key).map(|&(deadline, _)| deadline)
    }

    /// See [`TimerWheel::contains`](crate::TimerWheel::contains).
    #[must_use = "asking changes nothing"]
    pub fn contains(&self, key: TimerKey) -> bool {
        self.get(key).is_some()
    }

    /// See [`TimerWheel::len`](crate::TimerWheel::len).
    #[must_use = "asking changes nothing"]
    pub fn len(&self) -> usize {
        self.timers.len() + self.idle.len()
    }

    /// See [`TimerWheel::armed`](crate::TimerWheel::armed).
    #[must_use = "asking changes nothing"]
    pub fn armed(&self) -> usize {
        self.timers.len()
    }

    /// See [`TimerWheel::is_empty`](crate::TimerWheel::is_empty).
    #[must_use = "asking changes nothing"]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// See [`TimerWheel::now`](crate::TimerWheel::now).
    #[must_use = "asking changes nothing"]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// See [`TimerWheel::clear`](crate::TimerWheel::clear).
    pub fn clear(&mut self) {
        drop(self.drain());
    }

    /// See [`TimerWheel::drain`](crate::TimerWheel::drain).
    pub fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.ranks.clear();
        let armed = std::mem::take(&mut self.timers).into_values().map(|(_, value)| value);
        armed.chain(std::mem::take(&mut self.idle).into_values())
    }

    /// See [`TimerWheel::shrink_to_fit`](crate::TimerWheel::shrink_to_fit).
    pub fn shrink_to_fit(&mut self) {
        self.ranks.shrink_to_fit();
    }

    /// See [`TimerWheel::assert_valid`](crate::TimerWheel::assert_valid).
    ///
    /// # Panics
    ///
    /// If the two maps disagree.
    pub fn assert_valid(&self) {
        assert_eq!(self.timers.len(), self.ranks.len(), "each timer has one key");
        for (rank, (key, _)) in &self.timers {
            assert_eq!(self.ranks.get(key), Some(rank), "the key of a timer leads to it");
        }
    }

    fn arm(&mut self, key: TimerKey, deadline: u64, value: T) {
        self.sequence += 1;
        let rank = (deadline, self.sequence);
        self.timers.insert(rank, (key, value));
        self.ranks.insert(key, rank);
    }
}

impl<T> Default for ModelWheel<T> {
    fn default() -> Self {
        Self::new()
    }
}
