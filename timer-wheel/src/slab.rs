//! All timers: keys with generations, and what the wheel knows of each timer.
//!
//! A cell is reused as soon as its timer is gone, the last one freed first. Each use has its own
//! generation, so a key kept too long is told apart, always: a cell that has used up its
//! generations is retired, and a cell that was given back to the allocator and comes again starts
//! above every generation it had.
//!
//! With many timers pending, time goes into fetching them from memory. So most of what there is to
//! know of a timer lies side by side, and is fetched at once. Positions lie apart: they are often
//! changed without looking at the timer.

use std::num::NonZeroU32;

use crate::bag::{CHUNK, Chunks};
use crate::level::Place;

/// Names one timer of one [`TimerWheel`](crate::TimerWheel), for as long as it is pending.
///
/// A key outlives its timer harmlessly: once the timer has been popped or removed, every use of
/// the key finds nothing, even when the storage of the timer serves another one by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerKey {
    pub(crate) index: u32,
    pub(crate) generation: NonZeroU32,
}

impl TimerKey {
    /// Where the timer lives: a small number that no two timers have at the same time. Once the timer is
    /// gone another one may have it; what outlives timers keeps keys.
    #[must_use = "asking changes nothing"]
    pub fn index(self) -> u32 {
        self.index
    }
}

/// When a timer expires, its rank among equal deadlines, and where it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Armed {
    pub(crate) deadline: u64,
    /// The sequence number, and below it the place. The place is stored, never recomputed: what a
    /// computation would say changes as time goes by.
    tag: u64,
}

/// Bits of an [`Armed`] tag that say where the timer is. The sequence number has the other 53: at a
/// million timers a second it lasts for 285 years, and after that only mixes up equal deadlines.
const PLACE_BITS: u32 = 11;

impl Armed {
    /// What an idle timer has in place of a deadline.
    pub(crate) const IDLE: Armed = Armed { deadline: u64::MAX, tag: Place::IDLE.0 as u64 };

    pub(crate) fn is_idle(self) -> bool {
        self.place() == Place::IDLE
    }

    pub(crate) fn new(deadline: u64, sequence: u64, place: Place) -> Self {
        Armed { deadline, tag: sequence << PLACE_BITS | u64::from(place.0) }
    }

    /// The same timer with a later deadline, where it was.
    pub(crate) fn put_off(self, deadline: u64, sequence: u64) -> Self {
        Armed::new(deadline, sequence, self.place())
    }

    /// The same timer in another place.
    pub(crate) fn moved_to(self, place: Place) -> Self {
        Armed::new(self.deadline, self.sequence(), place)
    }

    /// The order among equal deadlines.
    pub(crate) fn sequence(self) -> u64 {
        self.tag >> PLACE_BITS
    }

    pub(crate) fn place(self) -> Place {
        Place((self.tag & ((1 << PLACE_BITS) - 1)) as u16)
    }
}

/// The timers, and the bags they are in.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    cells: Vec<Cell<T>>,
    /// Where in its bag or in the due stage each timer is.
    positions: Vec<u32>,
    /// The cell to reuse next.
    free: u32,
    /// How many cells hold a timer.
    len: usize,
    /// Where the generations of new cells start.
    first_generation: NonZeroU32,
    pub(crate) chunks: Chunks,
}

#[derive(Debug)]
enum Cell<T> {
    Timer {
        generation: NonZeroU32,
        armed: Armed,
        value: T,
    },
    /// The generation of the next timer, and the next free cell; without a generation left, the
    /// cell is not in the list of free ones.
    Free {
        generation: NonZeroU32,
        next: u32,
    },
}

/// The generation after the last one: there are no keys of it.
const RETIRED: NonZeroU32 = NonZeroU32::MAX;

/// "No cell": the end of the list of free ones.
const NIL: u32 = u32::MAX;

/// Half of what indices could count, so that positions in chunks, some of which are not full, never
/// come to the end of theirs.
const MAX_TIMERS: usize = 1 << 31;

impl<T> Cell<T> {
    /// Whether the cell waits for another timer.
    fn is_free(&self) -> bool {
        matches!(self, &Cell::Free { generation, .. } if generation != RETIRED)
    }
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Slab {
            cells: Vec::new(),
            positions: Vec::new(),
            free: NIL,
            len: 0,
            first_generation: NonZeroU32::MIN,
            chunks: Chunks::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn insert(&mut self, armed: Armed, value: T) -> TimerKey {
        if self.free == NIL {
            self.grow();
        }
        self.len += 1;
        let index = self.free;
        let cell = &mut self.cells[index as usize];
        let &mut Cell::Free { generation, next } = cell else {
            unreachable!("the list of free cells holds only those")
        };
        *cell = Cell::Timer { generation, armed, value };
        self.free = next;
        TimerKey { index, generation }
    }

    /// What a timer is armed for, to be changed; `None` if `key` is stale.
    #[inline]
    pub(crate) fn armed_mut(&mut self, key: TimerKey) -> Option<&mut Armed> {
        match self.cells.get_mut(key.index as usize)? {
            Cell::Timer { generation, armed, .. } if *generation == key.generation => Some(armed),
            _ => None,
        }
    }

    /// Takes a timer out, and makes its key stale; `None` if it is.
    #[inline]
    pub(crate) fn take(&mut self, key: TimerKey) -> Option<(Armed, T)> {
        let cell = self.cells.get_mut(key.index as usize)?;
        if !matches!(cell, Cell::Timer { generation, .. } if *generation == key.generation) {
            return None;
        }
        let generation = key.generation.saturating_add(1);
        let free = Cell::Free { generation, next: self.free };
        let Cell::Timer { armed, value, .. } = std::mem::replace(cell, free) else {
            unreachable!("it is a timer")
        };
        if generation != RETIRED {
            self.free = key.index;
        }
        self.len -= 1;
        Some((armed, value))
    }

    /// The payload of a timer; `None` if `key` is stale.
    pub(crate) fn get(&self, key: TimerKey) -> Option<&T> {
        match self.cells.get(key.index as usize)? {
            Cell::Timer { generation, value, .. } if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        match self.cells.get_mut(key.index as usize)? {
            Cell::Timer { generation, value, .. } if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    /// The key of the timer of a cell.
    pub(crate) fn key(&self, index: u32) -> Option<TimerKey> {
        match self.cells.get(index as usize)? {
            &Cell::Timer { generation, .. } => Some(TimerKey { index, generation }),
            Cell::Free { .. } => None,
        }
    }

    /// The keys of all timers.
    pub(crate) fn keys(&self) -> impl Iterator<Item = TimerKey> {
        (0..self.cells.len() as u32).filter_map(|index| self.key(index))
    }

    /// The payload of the timer of a cell.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[inline]
    pub(crate) fn at(&self, index: u32) -> &T {
        match self.cells.get(index as usize) {
            Some(Cell::Timer { value, .. }) => value,
            _ => no_timer(index),
        }
    }

    /// As [`at`](Self::at), to change it.
    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> &mut T {
        match self.cells.get_mut(index as usize) {
            Some(Cell::Timer { value, .. }) => value,
            _ => no_timer(index),
        }
    }

    pub(crate) fn armed(&self, index: u32) -> Armed {
        match self.cells.get(index as usize) {
            Some(&Cell::Timer { armed, .. }) => armed,
            _ => no_timer(index),
        }
    }

    pub(crate) fn set_armed(&mut self, index: u32, new: Armed) {
        match self.cells.get_mut(index as usize) {
            Some(Cell::Timer { armed, .. }) => *armed = new,
            _ => no_timer(index),
        }
    }

    pub(crate) fn position(&self, index: u32) -> u32 {
        self.positions[index as usize]
    }

    pub(crate) fn set_position(&mut self, index: u32, position: u32) {
        self.positions[index as usize] = position;
    }

    /// Gives back memory that is not in use: of cells, those behind the last timer.
    pub(crate) fn shrink_to_fit(&mut self) {
        while let Some(&Cell::Free { generation, .. }) =
            self.cells.last().filter(|cell| cell.is_free())
        {
            self.first_generation = self.first_generation.max(generation);
            self.cells.pop();
        }
        self.cells.shrink_to_fit();
        self.positions.truncate(self.cells.len());
        self.positions.shrink_to_fit();
        if self.len == 0 {
            self.chunks.clear();
        }
        self.chunks.shrink_to_fit();
        self.relink_free();
    }

    pub(crate) fn assert_valid(&self) {
        assert_eq!(self.keys().count(), self.len, "the slab counts its timers");
        let mut free = self.cells.iter().filter(|cell| cell.is_free()).count();
        let mut next = self.free;
        while next != NIL {
            let Cell::Free { next: after, .. } = self.cells[next as usize] else {
                panic!("cell {next} is in the list of free ones, and is not");
            };
            free = free.checked_sub(1).expect("the list of free cells ends");
            next = after;
        }
        assert_eq!(free, 0, "all free cells are in their list");
    }

    /// Adds a cell to the free ones, of which there are none. That a timer is not handed through here lets it
    /// be written straight to its place.
    #[cold]
    fn grow(&mut self) {
        assert!(self.cells.len() < MAX_TIMERS, "a wheel holds at most 2^31 timers");
        self.free = self.cells.len() as u32;
        make_room(&mut self.cells, 1);
        make_room(&mut self.positions, 1);
        self.cells.push(Cell::Free { generation: self.first_generation, next: NIL });
        self.positions.push(0);
    }

    fn relink_free(&mut self) {
        self.free = NIL;
        for (index, cell) in (0..).zip(&mut self.cells) {
            match cell {
                Cell::Free { generation, next } if *generation != RETIRED => {
                    *next = std::mem::replace(&mut self.free, index);
                }
                _ => {}
            }
        }
    }
}

/// Sees that there is room for so many more entries, at most a chunk of them; if there is not, for an eighth of
/// what there are: with doubling, a large wheel would hold up to twice what it needs.
pub(crate) fn make_room<T>(entries: &mut Vec<T>, more: usize) {
    if entries.capacity() - entries.len() < more {
        entries.reserve_exact(CHUNK.max(entries.len() / 8));
    }
}

#[cold]
fn no_timer(index: u32) -> ! {
    panic!("there is no timer at index {index}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_out_of_generations_is_never_used_again() {
        let mut slab = Slab::new();
        let old = slab.insert(Armed::default(), "old");
        slab.take(old);
        slab.first_generation = NonZeroU32::new(u32::MAX - 1).expect("not zero");
        slab.shrink_to_fit();

        let last = slab.insert(Armed::default(), "last");
        assert_eq!(last.generation.get(), u32::MAX - 1);
        assert!(slab.take(last).is_some());
        slab.assert_valid();
        assert!(slab.get(last).is_none());
        slab.shrink_to_fit();
        slab.assert_valid();
        assert_eq!(slab.cells.len(), 1, "if it went, it could come again");

        slab.first_generation = NonZeroU32::MIN;
        let other = slab.insert(Armed::default(), "other");
        assert_eq!((other.index, slab.get(other)), (1, Some(&"other")));
        slab.assert_valid();
    }

    #[test]
    fn a_cell_costs_no_more_than_its_parts() {
        assert_eq!(size_of::<Cell<u64>>(), 32);
        assert_eq!(size_of::<Cell<Box<u64>>>(), 32);
    }

    #[test]
    fn place_and_sequence_do_not_touch_each_other() {
        let armed = Armed::new(7, (1 << 53) - 1, Place(5));
        assert_eq!((armed.place(), armed.sequence()), (Place(5), (1 << 53) - 1));
        let moved = armed.moved_to(Place::DUE);
        assert_eq!((moved.place(), moved.sequence()), (Place::DUE, (1 << 53) - 1));
        assert_eq!(moved.deadline, 7);
    }
}
