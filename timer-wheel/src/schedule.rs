//! What happens in the wheel: timers are armed and leave, time goes by, and when to wake up next.
//!
//! A timer is in one of three places. Those of later slots are on a level, in the slot of their
//! deadline. Those of the current slot, or of the past, are in the due stage, which orders them;
//! but one armed since the last advance is *fresh* first, and joins the due stage with the next.

use std::collections::BTreeSet;

use crate::due::Due;
use crate::level::{self, Place, Rings, SLOTS, Slot};
use crate::slab::{Armed, Slab, TimerKey};
use crate::wheel::Expired;

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
        let before = self.slab.rearm(key, Armed::IDLE).filter(|before| !before.is_idle());
        if let Some(before) = before {
            self.leave(key.index, before);
            self.idle += 1;
        }
        before.is_some()
    }

    pub(crate) fn reset(&mut self, key: TimerKey, deadline: u64) -> bool {
        let armed = self.arm(deadline);
        let before = self.slab.rearm(key, armed);
        if let Some(before) = before {
            self.leave(key.index, before);
            self.join(key.index, armed);
        }
        before.is_some()
    }

    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Expired<T>> {
        let (armed, value) = self.slab.take(key)?;
        self.leave(key.index, armed);
        Some(Expired { key, deadline: armed.deadline, value })
    }

    /// Moves time on, and with it all that was fresh or has come too near for its slot.
    pub(crate) fn advance(&mut self, now: u64) {
        let from = self.tick(self.now);
        self.now = self.now.max(now);
        let to = self.tick(self.now);
        // If time has come to the wake-up, either a timer is due or the timer it was meant for is
        // gone: a new look will tell.
        self.wakeup = self.wakeup.filter(|&at| at > self.now);
        let mut fresh = self.rings.take(self.rings.fresh());
        self.move_on(&mut fresh, u64::MAX);
        if from != to {
            self.pass_slots(from, to);
            self.smooth(from, to);
        }
    }

    pub(crate) fn pop_expired(&mut self) -> Option<Expired<T>> {
        self.first_expired().and_then(|key| self.remove(key))
    }

    /// Makes the next timer that has expired idle.
    pub(crate) fn disarm_expired(&mut self) -> Option<TimerKey> {
        let key = self.first_expired()?;
        self.disarm(key);
        Some(key)
    }

    fn first_expired(&self) -> Option<TimerKey> {
        let (deadline, index) = self.due.first()?;
        self.slab.key(index).filter(|_| deadline <= self.now)
    }

    pub(crate) fn next_wakeup(&mut self) -> Option<u64> {
        if self.wakeup.is_none() {
            self.wakeup = self.earliest_slots().map(|slot| slot.min).chain(self.first_due()).min();
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
        let fresh = self.slab.members(self.rings.slot(self.rings.fresh()).bag);
        let fresh = fresh.map(|index| self.slab.armed(index).deadline);
        let later = self.earliest_slots().filter(|slot| !slot.loose).map(|slot| slot.min);
        let known = fresh.chain(later).filter(|&deadline| deadline <= limit);
        known.chain(self.due.latest(limit)).chain([wakeup]).max()
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.earliest_slots().fold(self.first_due(), |earliest, slot| {
            if earliest.is_some_and(|earliest| earliest <= slot.min) {
                return earliest;
            }
            let found = if slot.loose { self.earliest_of(slot) } else { Some(slot.min) };
            found.into_iter().chain(earliest).min()
        })
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

    pub(crate) fn assert_valid(&self) {
        self.slab.assert_valid();
        self.due.assert_valid(&self.slab);
        for index in self.due.indices() {
            assert_eq!(
                self.slab.armed(index).place(),
                Place::DUE,
                "timer {index} is in the due stage"
            );
            assert_eq!(
                self.place_of(self.slab.armed(index).deadline),
                None,
                "timer {index} is not due yet"
            );
        }
        for (place, slot) in self.rings.checked() {
            self.assert_slot(place, slot);
        }
        let bags = self.rings.checked().map(|(_, slot)| slot.bag);
        let listed = bags.flat_map(|bag| self.slab.members(bag)).chain(self.due.indices());
        let listed = BTreeSet::from_iter(listed);
        assert_eq!(listed.len(), self.armed(), "the idle timers are counted");
        let indices = self.slab.keys().map(|key| key.index);
        let armed = BTreeSet::from_iter(indices.filter(|&index| !self.slab.armed(index).is_idle()));
        assert_eq!(listed, armed, "the timers that are somewhere are those that are armed");
        let earliest = armed.iter().map(|&index| self.slab.armed(index).deadline).min();
        assert_eq!(self.next_deadline(), earliest, "the next deadline is the earliest");
        assert!(
            self.wakeup.is_none_or(|at| earliest.is_some_and(|earliest| at <= earliest)),
            "the wake-up {:?} is later than the earliest deadline {earliest:?}",
            self.wakeup
        );
    }

    fn assert_slot(&self, place: Place, slot: &Slot) {
        self.slab.assert_bag(slot.bag);
        let earliest = self.earliest_of(slot).unwrap_or(u64::MAX);
        assert!(slot.min <= earliest, "no timer of {place:?} is under its bound");
        assert!(slot.loose || slot.min == earliest, "the bound of {place:?} is exact");
        for index in self.slab.members(slot.bag) {
            let deadline = self.slab.armed(index).deadline;
            assert_eq!(self.slab.armed(index).place(), place, "timer {index} knows its place");
            assert!(self.reaches(place, deadline), "timer {index} belongs to another slot");
        }
    }

    /// Whether the ring of a place reaches a deadline from now, and the place is its slot.
    fn reaches(&self, place: Place, deadline: u64) -> bool {
        let level = place.level();
        let slot = |time| level::slot_of(self.tick(time), level);
        if place == self.rings.fresh() {
            return self.place_of(deadline).is_none();
        }
        let ahead = slot(deadline).checked_sub(slot(self.now));
        ahead.is_some_and(|ahead| (1..SLOTS).contains(&ahead))
            && place == Place::new(level, slot(deadline))
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

    /// Empties the slots that time has come to, or passed, on its way between two ticks.
    ///
    /// Their timers go to finer levels, or to the due stage; finer levels are emptied first, so
    /// that what they receive is not mixed up with what was there.
    fn pass_slots(&mut self, from: u64, to: u64) {
        for level in 0..self.rings.levels() {
            let (from, to) = (level::slot_of(from, level), level::slot_of(to, level));
            if from == to {
                break; // and so it is on every coarser level
            }
            while let Some(mut slot) = self.rings.take_passed(level, from, to) {
                self.move_on(&mut slot, u64::MAX);
            }
        }
    }

    /// Empties upcoming slots bit by bit, so that no step of time has to move many timers at once.
    ///
    /// The rings overlap: what is in the next slot of one level fits the level below already. Each
    /// advance moves the share that keeps pace with the time left, in whole chunks.
    fn smooth(&mut self, from: u64, to: u64) {
        for level in 1..self.rings.levels() {
            let next = level::slot_of(to, level) + 1;
            let place = Place::new(level, next);
            let len = self.rings.slot(place).bag.len;
            if len > self.tuning.smooth_above {
                let left = level::start_of(next, level) - from;
                // Should this ever saturate, the slot is emptied later, which is all right.
                let share = u64::from(len).saturating_mul(to - from) / left;
                let mut slot = self.rings.take(place);
                self.move_on(&mut slot, share);
                self.rings.put_back(place, slot);
            }
        }
    }

    /// Moves timers of a slot, `count` or as many as fill the chunk, to where they belong by now.
    fn move_on(&mut self, slot: &mut Slot, count: u64) {
        let mut moved = 0;
        while moved < count && !slot.bag.is_empty() {
            let (len, timers) = self.slab.pop_chunk(&mut slot.bag);
            for &(index, armed) in &timers[..len] {
                self.move_one(index, armed);
            }
            moved += len as u64;
        }
    }

    fn move_one(&mut self, index: u32, armed: Armed) {
        let place = self.place_of(armed.deadline).unwrap_or(Place::DUE);
        let armed = armed.moved_to(place);
        let slab = &mut self.slab;
        slab.set_armed(index, armed);
        match place {
            Place::DUE => self.due.push(slab, index, armed.deadline),
            _ => self.rings.push(slab, index, armed),
        }
    }

    /// The slots that between them hold the earliest timer that is not in the due stage.
    ///
    /// All levels are asked: what is near may well be on a coarser level than what is far.
    fn earliest_slots(&self) -> impl Iterator<Item = &Slot> {
        let now = self.tick(self.now);
        let first = move |level| self.rings.first(level, level::slot_of(now, level));
        let fresh = Some(self.rings.slot(self.rings.fresh()));
        (0..self.rings.levels()).filter_map(first).chain(fresh.filter(|slot| !slot.bag.is_empty()))
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

    /// Starts 8 timers in each slot, and returns the most timers that any advance by `step` slots
    /// found in one place and left in another. They all have to expire when they are to, besides.
    fn most_moves(tuning: Tuning, step: u64, delay: impl Fn(u64) -> u64) -> usize {
        let mut schedule = Schedule::new(0, tuning);
        let places = |schedule: &Schedule<()>| {
            let indices = schedule.slab.keys().map(|key| key.index);
            Vec::from_iter(indices.map(|index| schedule.slab.armed(index).place()))
        };
        let mut most = 0;
        for turn in 1..1200 / step {
            for n in 0..8 * step {
                schedule.insert(schedule.now() + n + delay(turn * 8 * step + n), ());
            }
            let before = places(&schedule);
            let (from, to) = (schedule.now(), (turn * step) << tuning.slot_bits);
            schedule.advance(to);
            if turn % 16 == 0 {
                schedule.assert_valid();
            }
            let after = places(&schedule);
            most = most.max(before.iter().zip(after).filter(|(from, to)| *from != to).count());
            while let Some(timer) = schedule.pop_expired() {
                assert!(from < timer.deadline && timer.deadline <= to);
            }
            assert!(schedule.next_deadline() > Some(to));
        }
        most
    }

    #[test]
    fn no_advance_moves_a_crowd() {
        let smooth = Tuning { slot_bits: 10, smooth_above: 32 };
        let rough = Tuning { smooth_above: u32::MAX, ..smooth };
        let fixed = |_| 600 << 10;
        let spread = |n: u64| ((n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) * (1200 << 10)) >> 32;
        // Of 4800 timers, each time.
        assert!(most_moves(smooth, 1, fixed) < 80);
        assert!(most_moves(smooth, 1, spread) < 110);
        assert!(most_moves(smooth, 5, fixed) < 160);
        assert!(most_moves(rough, 1, fixed) > 500, "this is what smoothing is for");
    }
}
