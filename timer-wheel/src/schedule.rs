//! What happens in the wheel: timers are armed and leave, time goes by, and when to wake up next.
//!
//! A timer is in one of three places. Those of later slots are on a level, in the slot of their
//! deadline. Those of the current slot, or of the past, are in the due stage, which orders them;
//! but one armed since the last advance is *fresh* first, and joins the due stage with the next. One
//! that is put off stays in its slot until that comes, so a slot's earliest timer may have to be looked for.

use crate::due::Due;
use crate::level::{self, Place, Rings, Slot};
use crate::slab::{Armed, Slab, TimerKey};
use crate::wheel::Expired;

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
        let fresh = self.slab.members(self.rings.slot(self.rings.fresh()).bag);
        let fresh = fresh.map(|index| self.slab.armed(index).deadline);
        let later = self.earliest_slots().map(|place| self.rings.slot(place));
        let later = later.filter(|slot| !slot.loose).map(|slot| slot.min);
        let known = fresh.chain(later).filter(|&deadline| deadline <= limit);
        known.chain(self.due.latest(limit)).chain([wakeup]).max()
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

    /// Empties the slots that time has come to, or passed, on its way between two ticks.
    ///
    /// Their timers go to finer levels, or to the due stage; finer levels are emptied first, so
    /// that what they receive is not mixed up with what was there. Those that were put off go anywhere;
    /// if it is into one of the rings' places that is still to be emptied, they move once more.
    fn pass_slots(&mut self, from: u64, to: u64) {
        for level in 0..self.rings.levels() {
            let (from, to) = (level::slot_of(from, level), level::slot_of(to, level));
            if from == to {
                break; // and so it is on every coarser level
            }
            for place in self.rings.passed(level, from, to) {
                let mut slot = self.rings.take(place);
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
