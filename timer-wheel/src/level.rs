//! The rings of the wheel, 64 slots each with a bit for each, and which slot is whose: arithmetic.
//!
//! A *tick* is a time divided by the width of a slot of the finest level. A slot of level `l` is
//! 8^l ticks wide, and slots are counted from time 0 without end; the ring keeps slot `s` at
//! position `s % 64`. Only the 63 slots after the current one are ever occupied, so a position
//! means one slot at any moment.

use crate::bag::Bag;
use crate::slab::{Armed, Slab};

/// Slots on each level.
pub(crate) const SLOTS: u64 = 64;
/// Each level is 2^3 times as coarse as the one below.
const LEVEL_BITS: u32 = 3;

/// Which slot of `level` a tick lies in.
pub(crate) const fn slot_of(tick: u64, level: usize) -> u64 {
    tick >> (LEVEL_BITS * level as u32)
}

/// The first tick of a slot.
pub(crate) const fn start_of(slot: u64, level: usize) -> u64 {
    slot << (LEVEL_BITS * level as u32)
}

/// Where a timer is, in 11 bits: a slot of a level, or one of the places below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) u16);

impl Place {
    /// In the due stage: of the current slot or of the past.
    pub(crate) const DUE: Place = Place(2047);
    /// Nowhere: the timer is idle.
    pub(crate) const IDLE: Place = Place(2046);

    pub(crate) fn new(level: usize, slot: u64) -> Place {
        Place((level as u64 * SLOTS + slot % SLOTS) as u16)
    }

    /// The finest level whose ring reaches from tick `now` to `tick`; `None` if the two lie in one
    /// slot of the finest level, or `tick` in the past.
    #[inline]
    pub(crate) fn of(now: u64, tick: u64) -> Option<Place> {
        if tick <= now {
            return None;
        }
        // The lowest level on which the way is shorter than 64 slots, rounded down ...
        let level = (((tick - now) | (SLOTS - 1)).ilog2() / LEVEL_BITS - 1) as usize;
        // ... but from within one slot into another, it may take one slot more.
        let too_far = slot_of(tick, level) - slot_of(now, level) == SLOTS;
        let level = level + usize::from(too_far);
        Some(Place::new(level, slot_of(tick, level)))
    }

    /// The slot that has this place once the one of `current` is the present one.
    pub(crate) fn slot_after(self, current: u64) -> u64 {
        current + u64::from(self.0).wrapping_sub(current) % SLOTS
    }

    pub(crate) fn level(self) -> usize {
        usize::from(self.0) / SLOTS as usize
    }

    fn bit(self) -> u64 {
        1 << (u64::from(self.0) % SLOTS)
    }
}

/// The timers of one slot, unordered. Some may have been put off, and belong to a later one by now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// No timer in the slot is earlier.
    pub(crate) min: u64,
    /// Whether all that is known of the earliest timer is that it is not before `min`, because the
    /// one that was is gone.
    pub(crate) loose: bool,
    pub(crate) bag: Bag,
}

impl Slot {
    const EMPTY: Slot = Slot { min: u64::MAX, loose: false, bag: Bag::EMPTY };
}

/// All levels, and behind them one more slot, for what is [fresh](Self::fresh).
#[derive(Debug)]
pub(crate) struct Rings {
    slots: Box<[Slot]>,
    /// For each level a bit for each slot: set if the slot is not empty.
    occupied: Box<[u64]>,
    /// A bit for each level: set if one of its slots is not empty.
    in_use: u32,
}

impl Rings {
    /// The levels it takes to reach every `u64`, with slots 2^`slot_bits` wide on the finest.
    pub(crate) fn new(slot_bits: u32) -> Self {
        let reach = u64::BITS - slot_bits - SLOTS.ilog2();
        let levels = reach.div_ceil(LEVEL_BITS) as usize + 1;
        Rings {
            slots: vec![Slot::EMPTY; levels * SLOTS as usize + 1].into(),
            occupied: vec![0; levels + 1].into(),
            in_use: 0,
        }
    }

    pub(crate) fn levels(&self) -> usize {
        self.occupied.len() - 1
    }

    /// The place of timers armed since the last advance, for the current slot or the past.
    pub(crate) fn fresh(&self) -> Place {
        Place::new(self.levels(), 0)
    }

    /// Whether a place is a slot of a level.
    pub(crate) fn has(&self, place: Place) -> bool {
        place.0 < self.fresh().0
    }

    pub(crate) fn slot(&self, place: Place) -> &Slot {
        &self.slots[usize::from(place.0)]
    }

    /// Adds a timer where it says it is.
    pub(crate) fn push<T>(&mut self, slab: &mut Slab<T>, index: u32, armed: Armed) {
        let place = armed.place();
        let slot = &mut self.slots[usize::from(place.0)];
        slab.push(&mut slot.bag, index);
        if armed.deadline <= slot.min {
            (slot.min, slot.loose) = (armed.deadline, false);
        }
        if slot.bag.len == 1 {
            self.mark(place);
        }
    }

    /// Removes a timer; `true` if it was the last one of its slot.
    pub(crate) fn remove<T>(&mut self, slab: &mut Slab<T>, index: u32, armed: Armed) -> bool {
        let slot = &mut self.slots[usize::from(armed.place().0)];
        slab.remove(&mut slot.bag, index);
        slot.loose |= armed.deadline == slot.min;
        let emptied = slot.bag.is_empty();
        if emptied {
            self.take(armed.place());
        }
        emptied
    }

    /// A timer stays where it is, and gets a later deadline than this.
    pub(crate) fn put_off(&mut self, armed: Armed) {
        let slot = &mut self.slots[usize::from(armed.place().0)];
        slot.loose |= armed.deadline == slot.min;
    }

    /// The earliest deadline of a slot has been looked up.
    pub(crate) fn tighten(&mut self, place: Place, earliest: u64) {
        let slot = &mut self.slots[usize::from(place.0)];
        (slot.min, slot.loose) = (earliest, false);
    }

    /// Takes the contents of a slot.
    pub(crate) fn take(&mut self, place: Place) -> Slot {
        self.unmark(place);
        std::mem::replace(&mut self.slots[usize::from(place.0)], Slot::EMPTY)
    }

    /// The slots of a level after `from` up to `to` that are occupied now.
    pub(crate) fn passed(
        &self,
        level: usize,
        from: u64,
        to: u64,
    ) -> impl Iterator<Item = Place> + use<> {
        let passed = self.occupied[level] & positions(from, to);
        (0..SLOTS)
            .filter(move |slot| passed & 1 << slot != 0)
            .map(move |slot| Place::new(level, slot))
    }

    /// Puts back what is left of the contents of a slot.
    pub(crate) fn put_back(&mut self, place: Place, slot: Slot) {
        if !slot.bag.is_empty() {
            self.mark(place);
            self.slots[usize::from(place.0)] = Slot { loose: true, ..slot };
        }
    }

    /// Of each level in use its first occupied slot after tick `now`; and what is fresh, if anything is.
    pub(crate) fn first_slots(&self, now: u64) -> impl Iterator<Item = Place> {
        let mut left = self.in_use;
        let levels = std::iter::from_fn(move || {
            let level = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (level < u32::BITS).then_some(level as usize)
        });
        levels.map(move |level| self.first(level, slot_of(now, level)))
    }

    /// The first slot of a level after `current` that is occupied, as one is.
    fn first(&self, level: usize, current: u64) -> Place {
        let ahead = self.occupied[level].rotate_right((current % SLOTS) as u32).trailing_zeros();
        Place::new(level, current + u64::from(ahead))
    }

    fn mark(&mut self, place: Place) {
        self.occupied[place.level()] |= place.bit();
        self.in_use |= 1 << place.level();
    }

    fn unmark(&mut self, place: Place) {
        let level = &mut self.occupied[place.level()];
        *level &= !place.bit();
        if *level == 0 {
            self.in_use &= !(1 << place.level());
        }
    }

    pub(crate) fn clear(&mut self) {
        self.slots.fill(Slot::EMPTY);
        self.occupied.fill(0);
        self.in_use = 0;
    }

    /// Every slot and its place, each checked to have its bit set if and only if it is occupied.
    pub(crate) fn checked(&self) -> impl Iterator<Item = (Place, &Slot)> {
        let in_use = |level: usize| self.in_use & 1 << level != 0;
        let levels = self.occupied.iter().enumerate();
        levels.for_each(|(level, slots)| assert_eq!(in_use(level), *slots != 0, "of {level}"));
        (0..).map(Place).zip(&self.slots).inspect(|(place, slot)| {
            let occupied = self.occupied[place.level()] & place.bit() != 0;
            assert_eq!(occupied, !slot.bag.is_empty(), "the occupancy bit of {place:?} is right");
        })
    }
}

/// A bit for each position of the slots after `from` up to `to`.
fn positions(from: u64, to: u64) -> u64 {
    match to - from {
        passed if passed < SLOTS => ((1 << passed) - 1u64).rotate_left(((from + 1) % SLOTS) as u32),
        _ => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`Place::of`] says, tried out level by level.
    fn searched(now: u64, tick: u64) -> Option<Place> {
        let reaches = |&level: &usize| slot_of(tick, level) - slot_of(now, level) < SLOTS;
        (tick > now).then(|| (0..).find(reaches)).flatten().map(|level| {
            assert!(
                slot_of(tick, level) > slot_of(now, level),
                "no level has it in the current slot"
            );
            Place::new(level, slot_of(tick, level))
        })
    }

    #[test]
    fn a_place_is_on_the_finest_level_that_reaches() {
        for now in [0u64, 1, 7, 8, 62, 63, 64, 511, 512, (1 << 43) + 4095, (1 << 44) - 1] {
            let near = (0..5000).map(|ahead| now + ahead);
            let far = (0..44).flat_map(|bit| (1..65).flat_map(move |n| [n << bit, (n << bit) - 1]));
            for tick in near.chain(far.map(|ahead| now + ahead)).chain([now.saturating_sub(1), 0]) {
                assert_eq!(Place::of(now, tick), searched(now, tick), "from {now} to {tick}");
            }
        }
    }

    #[test]
    fn there_are_as_many_levels_as_it_takes_and_no_more() {
        for slot_bits in 1..=20 {
            let rings = Rings::new(slot_bits);
            let last = Place::of(0, u64::MAX >> slot_bits).expect("a place for every time");
            assert_eq!(last.level() + 1, rings.levels());
            assert!(rings.fresh().0 < Place::IDLE.0);
        }
    }

    #[test]
    fn the_slots_passed_are_those_after_the_one_left_up_to_the_one_reached() {
        for from in [0, 5, 62, 63, 64, 127] {
            for passed in 0..130 {
                let one_by_one =
                    (from + 1..=from + passed).fold(0, |bits, slot| bits | 1 << (slot % 64));
                assert_eq!(positions(from, from + passed), one_by_one, "{passed} after {from}");
            }
        }
    }

    #[test]
    fn the_bound_of_a_slot_is_exact_as_long_as_that_can_be_known() {
        let (mut rings, mut slab) = (Rings::new(20), Slab::new());
        let armed = |deadline| Armed::new(deadline, 0, Place::new(1, 9));
        let bound = |rings: &Rings| {
            let slot = rings.slot(Place::new(1, 9));
            (slot.min, slot.loose)
        };
        let mut index = [0; 10];
        for deadline in [7, 5, 9] {
            index[deadline as usize] = slab.insert(armed(deadline), ()).index;
            rings.push(&mut slab, index[deadline as usize], armed(deadline));
        }
        assert_eq!(bound(&rings), (5, false));
        rings.remove(&mut slab, index[7], armed(7));
        assert_eq!(bound(&rings), (5, false), "the earliest is still there");
        rings.remove(&mut slab, index[5], armed(5));
        assert_eq!(bound(&rings), (5, true), "the earliest is gone");
        rings.push(&mut slab, index[5], armed(5));
        assert_eq!(bound(&rings), (5, false), "another of the same time came");
        rings.remove(&mut slab, index[5], armed(5));
        rings.push(&mut slab, index[5], armed(3));
        assert_eq!(bound(&rings), (3, false), "an earlier one came");
    }
}
