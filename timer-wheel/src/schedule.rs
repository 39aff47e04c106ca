//! What happens in the wheel: timers are armed and leave, and when to wake up next. How time goes by is in
//! `schedule/advance.rs`.
//!
//! A timer is in one of three places. Those of later slots are on a level, in the slot of their
//! deadline. Those of the current slot, or of the past, are in the due stage, which orders them;
//! but one armed since the last advance is *fresh* first, and joins the due stage with the next. One
//! that is put off stays in its slot until that comes, so a slot's earliest timer may have to be looked for.

use crate::due::Due;
use crate::level::{self, Place, Rings, Slot};
use crate::slab::{Armed, Slab, TimerKey};
use crate::wheel::Expired;

mod advance;
mod check;

#[derive(Debug)]
pub(crate) struct Schedule<T> {
    now: u64,
    /// How often timers were armed: the order among equal deadlines.
    sequence: u64,
    /// How many timers are idle.
    idle: usize,
    /// What [`next_wakeup`](Self::next_wakeup) found, while it holds.
    wakeup: Option<u64>,
    tuning: Tuning,
    rings: Rings,
    due: Due,
    pub(crate) slab: Slab<T>,
}

/// Numbers that trade one cost for another, and that no result depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    /// A slot of the finest level is 2^`slot_bits` wide: at least 2, so that there is a number
    /// for the slot after the last one, too.
    pub(crate) slot_bits: u32,
    /// An upcoming slot with more timers than this is emptied bit by bit.
    pub(crate) smooth_above: u32,
}

impl Tuning {
    /// For time in nanoseconds: slots of about a millisecond.
    pub(crate) const DEFAULT: Tuning = Tuning { slot_bits: 20, smooth_above: 256 };
}

impl<T> Schedule<T> {
    pub(crate) fn new(now: u64, tuning: Tuning) -> Self {
        Schedule {
            now,
            sequence: 0,
            idle: 0,
            wakeup: None,
            tuning,
            rings: Rings::new(tuning.slot_bits),
            due: Due::default(),
            slab: Slab::new(),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// Adds a timer, behind those with the same deadline.
    pub(crate) fn insert(&mut self, deadline: u64, value: T) -> TimerKey {
        let armed = self.arm(deadline);
        let key = self.slab.insert(armed, value);
        self.join(key.index, armed);
        key
    }

    /// Adds a timer that is nowhere yet.
    pub(crate) fn insert_idle(&mut self, value: T) -> TimerKey {
        self.idle += 1;
        self.slab.insert(Armed::IDLE, value)
    }

    /// How many timers are not idle.
    pub(crate) fn armed(&self) -> usize {
        self.slab.len() - self.idle
    }

    /// Takes a timer from its place and keeps it; `false` if `key` is stale or the timer idle.
    pub(crate) fn disarm(&mut self, key: TimerKey) -> bool {
        let Some(armed) = self.slab.armed_mut(key).filter(|armed| !armed.is_idle()) else {
            return false;
        };
        let before = std::mem::replace(armed, Armed::IDLE);
        self.leave(key.index, before);
        self.idle += 1;
        true
    }

    /// Gives a timer another deadline. For a later one it stays in its slot until that comes, as most of
    /// those who put something off do so again before.
    pub(crate) fn reset(&mut self, key: TimerKey, deadline: u64) -> bool {
        let new = self.arm(deadline);
        let Some(armed) = self.slab.armed_mut(key) else { return false };
        let before = *armed;
        if deadline >= before.deadline && self.rings.has(before.place()) {
            *armed = before.put_off(deadline, new.sequence());
            self.rings.put_off(before);
        } else {
            *armed = new;
            self.leave(key.index, before);
            self.join(key.index, new);
        }
        true
    }

    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Expired<T>> {
        let (armed, value) = self.slab.take(key)?;
        self.leave(key.index, armed);
        Some(Expired { key, deadline: armed.deadline, value })
    }

    pub(crate) fn pop_expired(&mut self) -> Option<Expired<T>> {
        self.first_expired().and_then(|key| self.remove(key))
    }

    /// Makes the next timer that has expired idle.
    pub(crate) fn disarm_expired(&mut self) -> Option<TimerKey> {
        let key = self.first_expired()?;
        self.slab.set_armed(key.index, Armed::IDLE);
        self.idle += 1;
        self.due.pop(&mut self.slab);
        // The wake-up was for this timer, or for one that has gone: time has come to it.
        self.wakeup = None;
        Some(key)
    }

    fn first_expired(&self) -> Option<TimerKey> {
        let (deadline, index) = self.due.first()?;
        self.slab.key(index).filter(|_| deadline <= self.now)
    }

    pub(crate) fn next_wakeup(&mut self) -> Option<u64> {
        if self.wakeup.is_none() {
            self.wakeup = self.bound();
        }
        self.wakeup
    }

    /// The latest deadline known that is no more than `slack` after the next wake-up: if that is in the present
    /// slot, whose timers are all known; of a later slot it is the earliest.
    pub(crate) fn next_wakeup_within(&mut self, slack: u64) -> Option<u64> {
        let wakeup = self.next_wakeup()?;
        if slack == 0 || self.place_of(wakeup).is_some() {
            return Some(wakeup);
        }
        let limit = wakeup.saturating_add(slack);
        let is_near = |&deadline: &u64| deadline <= limit;
        let fresh = self.slab.members(self.rings.slot(self.rings.fresh()).bag);
        let fresh = fresh.map(|index| self.slab.armed(index).deadline);
        let later = self.earliest_slots().map(|place| self.rings.slot(place));
        let later = later.filter(|slot| !slot.loose).map(|slot| slot.min);
        let known = [fresh.filter(is_near).max(), later.filter(is_near).max()];
        known.into_iter().fold(self.due.latest(limit).max(Some(wakeup)), Option::max)
    }

    /// The earliest deadline. A slot is looked into if its bound could be it.
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        self.wakeup = loop {
            let Some(place) = self.earliest_slot() else { break self.first_due() };
            let slot = self.rings.slot(place);
            if !slot.loose {
                break Some(slot.min);
            }
            self.look_into(place);
        };
        self.wakeup
    }

    /// Takes all timers out, in order.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        let mut keys: Vec<TimerKey> = self.slab.keys().collect();
        keys.sort_unstable_by_key(|key| {
            let armed = self.slab.armed(key.index);
            (armed.is_idle(), armed.deadline, armed.sequence())
        });
        self.rings.clear();
        self.due.clear();
        self.idle = 0;
        self.slab.chunks.clear();
        self.wakeup = None;
        keys.into_iter().filter_map(|key| self.slab.take(key)).map(|(_, value)| value).collect()
    }

    /// Gives back memory that is not in use.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.slab.shrink_to_fit();
        self.due.shrink_to_fit();
    }

    /// Whether a deadline lies in the slot of a place, and not in a later one.
    fn is_slot_of(&self, place: Place, deadline: u64) -> bool {
        place == self.rings.fresh() || self.slot_at(place) == self.slot_on(place.level(), deadline)
    }

    /// The slot that a place means by now.
    fn slot_at(&self, place: Place) -> u64 {
        place.slot_after(self.slot_on(place.level(), self.now))
    }

    fn slot_on(&self, level: usize, time: u64) -> u64 {
        level::slot_of(self.tick(time), level)
    }

    /// What a timer is like that is armed now, as the last one so far.
    fn arm(&mut self, deadline: u64) -> Armed {
        self.sequence += 1;
        let place = self.place_of(deadline).unwrap_or(self.rings.fresh());
        Armed::new(deadline, self.sequence, place)
    }

    /// Puts a timer into its place.
    fn join(&mut self, index: u32, armed: Armed) {
        if self.wakeup.is_some_and(|at| armed.deadline < at) {
            self.wakeup = Some(armed.deadline);
        }
        self.rings.push(&mut self.slab, index, armed);
    }

    /// Takes a timer from its place.
    #[inline]
    fn leave(&mut self, index: u32, armed: Armed) {
        if armed.is_idle() {
            self.idle -= 1;
        } else {
            self.leave_slot(index, armed);
        }
    }

    fn leave_slot(&mut self, index: u32, armed: Armed) {
        let slab = &mut self.slab;
        let emptied = match armed.place() {
            Place::DUE => self.due.remove(slab, index),
            _ => self.rings.remove(slab, index, armed),
        };
        if emptied || self.wakeup == Some(armed.deadline) {
            self.wakeup = None;
        }
    }

    /// The slots that between them have the earliest bound of all that is not in the due stage.
    ///
    /// All levels are asked: what is near may well be on a coarser level than what is far.
    fn earliest_slots(&self) -> impl Iterator<Item = Place> {
        self.rings.first_slots(self.tick(self.now))
    }

    /// The slot with the earliest bound, if that is earlier than all in the due stage.
    fn earliest_slot(&self) -> Option<Place> {
        let bound = |&place: &Place| self.rings.slot(place).min;
        let first = self.earliest_slots().min_by_key(bound)?;
        self.first_due().is_none_or(|due| bound(&first) < due).then_some(first)
    }

    /// No timer is earlier.
    fn bound(&self) -> Option<u64> {
        self.earliest_slot().map(|place| self.rings.slot(place).min).or(self.first_due())
    }

    /// Finds the earliest timer of a slot. If all that are left there were put off, they move to where they
    /// belong.
    fn look_into(&mut self, place: Place) {
        let earliest = self.earliest_of(self.rings.slot(place));
        match earliest.filter(|&earliest| self.is_slot_of(place, earliest)) {
            Some(earliest) => self.rings.tighten(place, earliest),
            None => {
                let mut slot = self.rings.take(place);
                self.move_on(&mut slot, u64::MAX);
            }
        }
    }

    fn earliest_of(&self, slot: &Slot) -> Option<u64> {
        self.slab.members(slot.bag).map(|index| self.slab.armed(index).deadline).min()
    }

    fn first_due(&self) -> Option<u64> {
        self.due.first().map(|(deadline, _)| deadline)
    }

    /// Where a deadline belongs; `None` if in the current slot or the past.
    fn place_of(&self, deadline: u64) -> Option<Place> {
        Place::of(self.tick(self.now), self.tick(deadline))
    }

    fn tick(&self, time: u64) -> u64 {
        time >> self.tuning.slot_bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_is_put_off_stays_in_its_slot_until_that_comes() {
        const SLOT: u64 = 1 << 20;
        let mut schedule = Schedule::new(0, Tuning::DEFAULT);
        let keys = [5, 5, 100, 9000].map(|slots| schedule.insert(slots * SLOT, slots));
        let place =
            |schedule: &Schedule<u64>, key: TimerKey| schedule.slab.armed(key.index).place();
        let first = place(&schedule, keys[0]);

        schedule.reset(keys[0], 9000 * SLOT);
        assert_eq!(place(&schedule, keys[0]), first);
        schedule.reset(keys[1], 100 * SLOT);
        schedule.assert_valid();
        assert_eq!(schedule.next_wakeup(), Some(5 * SLOT), "its wake-up is left behind");
        schedule.advance(5 * SLOT);
        schedule.assert_valid();
        assert_ne!(place(&schedule, keys[0]), first);
        assert!(schedule.pop_expired().is_none());

        assert_eq!(schedule.next_wakeup(), Some(100 * SLOT));
        schedule.reset(keys[0], 9000 * SLOT - 1);
        schedule.advance(9000 * SLOT);
        let mut expired = || schedule.pop_expired().map(|timer| timer.key);
        let order = [expired(), expired(), expired(), expired()];
        assert_eq!(order, [keys[2], keys[1], keys[0], keys[3]].map(Some));
    }

    #[test]
    fn the_next_deadline_is_exact_when_all_timers_of_a_slot_were_put_off() {
        let mut schedule = Schedule::new(0, Tuning::DEFAULT);
        let keys = [1, 2, 3].map(|n| schedule.insert(n + (9 << 20), ()));
        for (key, slots) in keys.into_iter().zip([700, 20, 300]) {
            schedule.reset(key, slots << 20);
        }
        schedule.insert(400 << 20, ());
        assert_eq!(schedule.next_deadline(), Some(20 << 20));
        assert_eq!(schedule.next_wakeup(), Some(20 << 20));
        schedule.assert_valid();
    }
}
