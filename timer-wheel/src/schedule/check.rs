//! Every invariant of the wheel, checked.

use std::collections::BTreeSet;

use super::Schedule;
use crate::level::{Place, Slot};

impl<T> Schedule<T> {
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
        let bound = self.bound();
        assert!(bound <= earliest && bound.is_some() == earliest.is_some(), "it is a bound");
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
            assert!(self.may_be_in(place, deadline), "timer {index} belongs to another slot");
        }
    }

    /// Whether a timer may wait in a place: it must not be due before the slot comes.
    fn may_be_in(&self, place: Place, deadline: u64) -> bool {
        if place == self.rings.fresh() {
            return self.place_of(deadline).is_none();
        }
        let level = place.level();
        let slot = self.slot_at(place);
        slot > self.slot_on(level, self.now) && slot <= self.slot_on(level, deadline)
    }
}
