//! One ring of the wheel, 64 slots and a bit for each, and the arithmetic of which slot is whose.
//!
//! A *tick* is a time divided by the width of a slot of the finest level. A slot of level `l` is
//! 8^l ticks wide, and slots are counted from time 0 without end; the ring keeps slot `s` at
//! position `s % 64`. Only the 63 slots after the current one are ever occupied, so a position
//! means one slot at any moment.

use crate::bag::Bag;
use crate::slab::Slab;

/// Slots on each level.
pub(crate) const SLOTS: u64 = 64;
/// Each level is 2^3 times as coarse as the one below.
const LEVEL_BITS: u32 = 3;

/// How many levels reach every time that fits a `u64`, with slots 2^`slot_bits` wide on the finest.
pub(crate) const fn levels(slot_bits: u32) -> usize {
    let reach = u64::BITS - slot_bits - SLOTS.ilog2();
    reach.div_ceil(LEVEL_BITS) as usize + 1
}

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
    /// Of the current slot or of the past, and waiting for the next advance to notice.
    pub(crate) const FRESH: Place = Place(2046);
    /// Of the current slot or of the past, in the due stage.
    pub(crate) const DUE: Place = Place(2047);

    /// The finest level whose ring reaches from tick `now` to `tick`; `None` if the two lie in one
    /// slot of the finest level, or `tick` in the past.
    pub(crate) fn of(now: u64, tick: u64) -> Option<Place> {
        let ahead = tick.checked_sub(now).filter(|&ahead| ahead != 0)?;
        let bits = u64::BITS - ahead.leading_zeros();
        // The lowest level on which `ahead` is less than 64 slots, rounded down ...
        let mut level = (bits.saturating_sub(4) / LEVEL_BITS) as usize;
        // ... but from within one slot into another, it may take one slot more.
        if slot_of(tick, level) - slot_of(now, level) == SLOTS {
            level += 1;
        }
        Some(Place::new(level, slot_of(tick, level)))
    }

    pub(crate) fn new(level: usize, slot: u64) -> Place {
        Place((level as u64 * SLOTS + slot % SLOTS) as u16)
    }

    pub(crate) fn level(self) -> usize {
        usize::from(self.0) / SLOTS as usize
    }

    pub(crate) fn position(self) -> usize {
        usize::from(self.0) % SLOTS as usize
    }
}

/// The timers of one slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// No timer in the slot is earlier; after removals the earliest may be later.
    pub(crate) min: u64,
    pub(crate) bag: Bag,
}

impl Slot {
    pub(crate) const EMPTY: Slot = Slot {
        min: u64::MAX,
        bag: Bag::EMPTY,
    };

    pub(crate) fn push<T>(&mut self, slab: &mut Slab<T>, index: u32, deadline: u64) {
        slab.push(&mut self.bag, index);
        self.min = self.min.min(deadline);
    }

    /// Removes a timer; `true` if it was the last one.
    pub(crate) fn remove<T>(&mut self, slab: &mut Slab<T>, index: u32) -> bool {
        slab.remove(&mut self.bag, index);
        if self.is_empty() {
            self.min = u64::MAX;
        }
        self.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bag.len == 0
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Level {
    /// Bit `p` is set if the slot at position `p` is not empty.
    pub(crate) occupied: u64,
    pub(crate) slots: [Slot; SLOTS as usize],
}

impl Level {
    pub(crate) const EMPTY: Level = Level {
        occupied: 0,
        slots: [Slot::EMPTY; SLOTS as usize],
    };

    pub(crate) fn push<T>(
        &mut self,
        slab: &mut Slab<T>,
        position: usize,
        index: u32,
        deadline: u64,
    ) {
        self.slots[position].push(slab, index, deadline);
        self.occupied |= 1 << position;
    }

    /// Removes a timer; `true` if it was the last one of its slot.
    pub(crate) fn remove<T>(&mut self, slab: &mut Slab<T>, position: usize, index: u32) -> bool {
        let emptied = self.slots[position].remove(slab, index);
        self.occupied &= !(u64::from(emptied) << position);
        emptied
    }

    /// The first occupied slot after `current`.
    pub(crate) fn first(&self, current: u64) -> Option<&Slot> {
        let ahead = self
            .occupied
            .rotate_right((current % SLOTS) as u32)
            .trailing_zeros();
        let position = (current + u64::from(ahead)) % SLOTS;
        (self.occupied != 0).then(|| &self.slots[position as usize])
    }

    /// Takes the contents of one of the occupied slots after `from` up to `to`.
    pub(crate) fn take_passed(&mut self, from: u64, to: u64) -> Option<Slot> {
        let passed = self.occupied & positions(from, to);
        (passed != 0).then(|| self.take(passed.trailing_zeros() as usize))
    }

    pub(crate) fn take(&mut self, position: usize) -> Slot {
        self.occupied &= !(1 << position);
        std::mem::replace(&mut self.slots[position], Slot::EMPTY)
    }

    /// Puts back what is left of the contents of a slot.
    pub(crate) fn put_back(&mut self, position: usize, slot: Slot) {
        if !slot.is_empty() {
            self.occupied |= 1 << position;
            self.slots[position] = slot;
        }
    }
}

/// A bit for each position of the slots after `from` up to `to`.
fn positions(from: u64, to: u64) -> u64 {
    match to - from {
        passed if passed < SLOTS => ((1 << passed) - 1u64).rotate_left(((from + 1) % SLOTS) as u32),
        _ => u64::MAX,
    }
}
