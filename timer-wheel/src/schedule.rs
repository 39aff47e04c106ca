//! The wheel without its payloads: which timer expires when, by index.
//!
//! A timer is in one of three places. Those of later slots are on a level, in the slot of their
//! deadline. Those of the current slot, or of the past, are in the due stage, which orders them;
//! but one armed since the last advance is *fresh* first, and joins the due stage with the next.

use std::collections::BTreeSet;

use crate::due::Due;
use crate::level::{self, Level, Place, SLOTS, Slot};
use crate::slab::Slab;

#[derive(Debug)]
pub(crate) struct Schedule<T> {
    now: u64,
    /// How often timers were armed: the order among equal deadlines.
    sequence: u64,
    /// What [`next_wakeup`](Self::next_wakeup) found, while it holds.
    wakeup: Option<u64>,
    tuning: Tuning,
    levels: Box<[Level]>,
    fresh: Slot,
    due: Due,
    pub(crate) slab: Slab<T>,
}

/// Numbers that trade one cost for another, and that no result depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    /// A slot of the finest level is 2^`slot_bits` wide; at least 2, so that slots can be counted on.
    pub(crate) slot_bits: u32,
    /// An upcoming slot with more timers than this is emptied bit by bit.
    pub(crate) smooth_above: u32,
}

impl Tuning {
    /// For time in nanoseconds: slots of about a millisecond.
    pub(crate) const DEFAULT: Tuning = Tuning {
        slot_bits: 20,
        smooth_above: 256,
    };
}

impl<T> Schedule<T> {
    pub(crate) fn new(now: u64, tuning: Tuning) -> Self {
        Schedule {
            now,
            sequence: 0,
            wakeup: None,
            tuning,
            levels: vec![Level::EMPTY; level::levels(tuning.slot_bits)].into(),
            fresh: Slot::EMPTY,
            due: Due::default(),
            slab: Slab::new(),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn deadline(&self, index: u32) -> u64 {
        self.slab.deadline(index)
    }

    /// What timers are ordered by.
    pub(crate) fn rank(&self, index: u32) -> (u64, u64) {
        (self.slab.deadline(index), self.slab.sequence(index))
    }

    /// Puts a timer that is nowhere where its deadline belongs, as the last one armed.
    pub(crate) fn arm(&mut self, index: u32, deadline: u64) {
        self.sequence += 1;
        self.wakeup = self.wakeup.map(|at| at.min(deadline));
        let place = self.place_of(deadline).unwrap_or(Place::FRESH);
        self.slab.arm(index, deadline, self.sequence, place);
        self.put(index, deadline, place);
    }

    /// Takes a timer from wherever it is.
    pub(crate) fn disarm(&mut self, index: u32) {
        let slab = &mut self.slab;
        let deadline = slab.deadline(index);
        let emptied = match slab.place(index) {
            Place::FRESH => self.fresh.remove(slab, index),
            Place::DUE => self.due.remove(slab, index),
            at => self.levels[at.level()].remove(slab, at.position(), index),
        };
        self.wakeup = self.wakeup.filter(|&at| at != deadline && !emptied);
    }

    /// Moves time on, and with it all that was fresh or has come too near for its slot.
    pub(crate) fn advance(&mut self, now: u64) {
        let from = self.tick(self.now);
        self.now = self.now.max(now);
        let to = self.tick(self.now);
        // If time has come to the wake-up, either a timer is due or the timer it was meant for is
        // gone: a new look will tell.
        self.wakeup = self.wakeup.filter(|&at| at > self.now);
        let mut fresh = std::mem::replace(&mut self.fresh, Slot::EMPTY);
        self.move_on(&mut fresh, u64::MAX);
        if from != to {
            self.pass_slots(from, to);
            self.smooth(from, to);
        }
    }

    /// Disarms the first timer, by rank, that has expired.
    pub(crate) fn pop_expired(&mut self) -> Option<(u64, u32)> {
        let expired = self
            .due
            .first()
            .filter(|&(deadline, _)| deadline <= self.now);
        expired.inspect(|&(_, index)| self.disarm(index))
    }

    pub(crate) fn next_wakeup(&mut self) -> Option<u64> {
        if self.wakeup.is_none() {
            self.wakeup = self
                .earliest_slots()
                .map(|slot| slot.min)
                .chain(self.first_due())
                .min();
        }
        self.wakeup
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.earliest_slots()
            .fold(self.first_due(), |earliest, slot| {
                // No need to walk through a slot that cannot hold anything earlier.
                if earliest.is_some_and(|earliest| earliest <= slot.min) {
                    return earliest;
                }
                let deadlines = self
                    .slab
                    .members(slot.bag)
                    .map(|index| self.slab.deadline(index));
                deadlines.chain(earliest).min()
            })
    }

    /// Disarms all timers.
    pub(crate) fn clear(&mut self) {
        self.levels.fill(Level::EMPTY);
        self.fresh = Slot::EMPTY;
        self.due.clear();
        self.slab.chunks.clear();
        self.wakeup = None;
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
                self.slab.place(index),
                Place::DUE,
                "timer {index} is in the due stage"
            );
            assert_eq!(
                self.place_of(self.deadline(index)),
                None,
                "timer {index} is not due yet"
            );
        }
        self.assert_slot(&self.fresh, Place::FRESH);
        for (level, ring) in self.levels.iter().enumerate() {
            self.assert_level(level, ring);
        }
        let slots = self
            .levels
            .iter()
            .flat_map(|level| &level.slots)
            .chain([&self.fresh]);
        let listed = slots
            .flat_map(|slot| self.slab.members(slot.bag))
            .chain(self.due.indices());
        let listed = BTreeSet::from_iter(listed);
        let armed = BTreeSet::from_iter(self.slab.iter());
        assert_eq!(
            listed, armed,
            "the timers that are somewhere are those that are armed"
        );
        let earliest = armed.iter().map(|&index| self.deadline(index)).min();
        assert_eq!(
            self.next_deadline(),
            earliest,
            "the next deadline is the earliest"
        );
        assert!(
            self.wakeup
                .is_none_or(|at| earliest.is_some_and(|earliest| at <= earliest)),
            "the wake-up {:?} is later than the earliest deadline {earliest:?}",
            self.wakeup
        );
    }

    fn assert_level(&self, level: usize, ring: &Level) {
        let current = level::slot_of(self.tick(self.now), level);
        for distance in 0..SLOTS {
            let place = Place::new(level, current.wrapping_add(distance));
            let slot = &ring.slots[place.position()];
            let occupied = ring.occupied >> place.position() & 1 == 1;
            assert_eq!(
                occupied,
                !slot.is_empty(),
                "the occupancy bit of {place:?} is right"
            );
            assert!(
                distance > 0 || !occupied,
                "the current slot {place:?} is empty"
            );
            for index in self.slab.members(slot.bag) {
                let there = level::slot_of(self.tick(self.deadline(index)), level);
                assert_eq!(
                    there.checked_sub(current),
                    Some(distance),
                    "{place:?} is ahead"
                );
            }
            self.assert_slot(slot, place);
        }
    }

    fn assert_slot(&self, slot: &Slot, place: Place) {
        self.slab.assert_bag(slot.bag);
        for index in self.slab.members(slot.bag) {
            assert_eq!(
                self.slab.place(index),
                place,
                "timer {index} knows its place"
            );
            assert!(
                slot.min <= self.deadline(index),
                "timer {index} is under the bound of its slot"
            );
        }
    }

    fn put(&mut self, index: u32, deadline: u64, place: Place) {
        let slab = &mut self.slab;
        match place {
            Place::FRESH => self.fresh.push(slab, index, deadline),
            Place::DUE => self.due.push(slab, index, deadline),
            _ => self.levels[place.level()].push(slab, place.position(), index, deadline),
        }
    }

    /// Empties the slots that time has come to, or passed, on its way between two ticks.
    ///
    /// Their timers go to finer levels, or to the due stage; finer levels are emptied first, so
    /// that what they receive is not mixed up with what was there.
    fn pass_slots(&mut self, from: u64, to: u64) {
        for level in 0..self.levels.len() {
            let (from, to) = (level::slot_of(from, level), level::slot_of(to, level));
            if from == to {
                break; // and so it is on every coarser level
            }
            while let Some(mut slot) = self.levels[level].take_passed(from, to) {
                self.move_on(&mut slot, u64::MAX);
            }
        }
    }

    /// Empties upcoming slots bit by bit, so that no step of time has to move many timers at once.
    ///
    /// The rings overlap: what is in the next slot of one level fits the level below already. Each
    /// advance moves the share that keeps pace with the time left, and a few more.
    fn smooth(&mut self, from: u64, to: u64) {
        for level in 1..self.levels.len() {
            let next = level::slot_of(to, level) + 1;
            let place = Place::new(level, next);
            let len = self.levels[level].slots[place.position()].bag.len;
            if len > self.tuning.smooth_above {
                let left = level::start_of(next, level) - from;
                // Should this ever saturate, the slot is emptied later, which is all right.
                let share = u64::from(len).saturating_mul(to - from) / left + 16;
                let mut slot = self.levels[level].take(place.position());
                self.move_on(&mut slot, share);
                self.levels[level].put_back(place.position(), slot);
            }
        }
    }

    /// Moves timers of a slot, at most so many, to where their deadlines belong by now.
    fn move_on(&mut self, slot: &mut Slot, count: u64) {
        for _ in 0..count {
            let Some(index) = self.slab.pop(&mut slot.bag) else {
                break;
            };
            let deadline = self.slab.deadline(index);
            let place = self.place_of(deadline).unwrap_or(Place::DUE);
            self.slab.set_place(index, place);
            self.put(index, deadline, place);
        }
    }

    /// The slots that between them hold the earliest timer that is not in the due stage.
    ///
    /// All levels are asked: what is near may well be on a coarser level than what is far.
    fn earliest_slots(&self) -> impl Iterator<Item = &Slot> {
        let now = self.tick(self.now);
        let rings = self.levels.iter().enumerate();
        rings
            .filter_map(move |(level, ring)| ring.first(level::slot_of(now, level)))
            .chain(Some(&self.fresh).filter(|slot| !slot.is_empty()))
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
