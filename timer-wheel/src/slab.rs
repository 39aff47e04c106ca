//! All timers, in one vector: keys with generations, and what the wheel knows of each timer.
//!
//! A cell is reused as soon as its timer is gone, the last one freed first. Each use has its own
//! generation, so a key kept too long is told apart, always: a cell that has used up its
//! generations is retired, and a cell that was given back to the allocator and comes again starts
//! above every generation it had.
//!
//! Everything about a timer lies side by side, because with many timers pending the time goes into
//! fetching them from memory: one fetch is what each move, cancellation and expiry should cost.

use std::num::NonZeroU32;

use crate::bag::Chunks;
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

/// Bits of a cell's `tag` that say where the timer is; the sequence number has the other 53.
const PLACE_BITS: u32 = 11;

/// "No cell": the end of the free list.
const NIL: u32 = u32::MAX;

/// The timers, and the bags they are in.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    cells: Vec<Cell<T>>,
    /// The cell to reuse next.
    free: u32,
    /// How many cells hold a timer.
    len: usize,
    /// Where the generations of new cells start.
    first_generation: NonZeroU32,
    pub(crate) chunks: Chunks,
}

/// In this order, whatever the payload is, so that what the wheel works with stays together.
#[derive(Debug)]
#[repr(C)]
struct Cell<T> {
    deadline: u64,
    /// The sequence number, and below it the place. The place is stored, never recomputed: what a
    /// computation would say changes as time goes by.
    tag: u64,
    /// Where in its bag or in the due stage the timer is; the next free cell if there is none.
    position: u32,
    /// Of the timer that is here, or of the next one.
    generation: NonZeroU32,
    value: Option<T>,
}

impl<T> Cell<T> {
    fn is_free(&self) -> bool {
        self.value.is_none() && !self.is_retired()
    }

    /// Whether the generations are used up: nobody ever has a key of the last one.
    fn is_retired(&self) -> bool {
        self.generation == NonZeroU32::MAX
    }
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Slab {
            cells: Vec::new(),
            free: NIL,
            len: 0,
            first_generation: NonZeroU32::MIN,
            chunks: Chunks::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Makes a timer, which is nowhere until [armed](Self::arm).
    pub(crate) fn insert(&mut self, value: T) -> TimerKey {
        self.len += 1;
        let index = self.free;
        let Some(cell) = self.cells.get_mut(index as usize) else {
            return self.grow(value);
        };
        self.free = cell.position;
        cell.value = Some(value);
        TimerKey {
            index,
            generation: cell.generation,
        }
    }

    /// Takes a timer out, and makes its key stale.
    pub(crate) fn take(&mut self, index: u32) -> (TimerKey, T) {
        let cell = &mut self.cells[index as usize];
        let value = cell.value.take().expect("only what is there is taken");
        let key = TimerKey {
            index,
            generation: cell.generation,
        };
        cell.generation = cell.generation.saturating_add(1);
        if !cell.is_retired() {
            cell.position = std::mem::replace(&mut self.free, index);
        }
        self.len -= 1;
        (key, value)
    }

    /// The payload of a timer; `None` if `key` is stale.
    pub(crate) fn get(&self, key: TimerKey) -> Option<&T> {
        let cell = self.cells.get(key.index as usize)?;
        cell.value
            .as_ref()
            .filter(|_| cell.generation == key.generation)
    }

    pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        let cell = self.cells.get_mut(key.index as usize)?;
        cell.value
            .as_mut()
            .filter(|_| cell.generation == key.generation)
    }

    pub(crate) fn contains(&self, key: TimerKey) -> bool {
        self.get(key).is_some()
    }

    /// Sets a timer's deadline, its rank among equal deadlines, and its place.
    pub(crate) fn arm(&mut self, index: u32, deadline: u64, sequence: u64, place: Place) {
        let cell = &mut self.cells[index as usize];
        cell.deadline = deadline;
        cell.tag = sequence << PLACE_BITS | u64::from(place.0);
    }

    pub(crate) fn deadline(&self, index: u32) -> u64 {
        self.cells[index as usize].deadline
    }

    /// The order among equal deadlines.
    pub(crate) fn sequence(&self, index: u32) -> u64 {
        self.cells[index as usize].tag >> PLACE_BITS
    }

    pub(crate) fn place(&self, index: u32) -> Place {
        Place((self.cells[index as usize].tag & ((1 << PLACE_BITS) - 1)) as u16)
    }

    pub(crate) fn set_place(&mut self, index: u32, place: Place) {
        let tag = &mut self.cells[index as usize].tag;
        *tag = *tag >> PLACE_BITS << PLACE_BITS | u64::from(place.0);
    }

    pub(crate) fn position(&self, index: u32) -> u32 {
        self.cells[index as usize].position
    }

    pub(crate) fn set_position(&mut self, index: u32, position: u32) {
        self.cells[index as usize].position = position;
    }

    /// The indices of all timers, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        (0..)
            .zip(&self.cells)
            .filter(|(_, cell)| cell.value.is_some())
            .map(|(index, _)| index)
    }

    /// Gives back memory that is not in use: of cells, those behind the last timer.
    pub(crate) fn shrink_to_fit(&mut self) {
        while let Some(cell) = self.cells.last().filter(|cell| cell.is_free()) {
            self.first_generation = self.first_generation.max(cell.generation);
            self.cells.pop();
        }
        self.cells.shrink_to_fit();
        self.chunks.shrink_to_fit();
        self.relink_free();
    }

    pub(crate) fn assert_valid(&self) {
        assert_eq!(self.iter().count(), self.len, "the slab counts its timers");
        let next = |index: u32| self.cells.get(index as usize).map(|cell| (index, cell));
        let listed = std::iter::successors(next(self.free), |(_, cell)| next(cell.position));
        // One more than there can be, should the list go in circles.
        let listed = listed.take(self.cells.len() + 1).inspect(|(index, cell)| {
            assert!(cell.is_free(), "cell {index} is free");
        });
        let free = self.cells.iter().filter(|cell| cell.is_free()).count();
        assert_eq!(
            listed.count(),
            free,
            "the free list holds each free cell once"
        );
    }

    fn grow(&mut self, value: T) -> TimerKey {
        let index = u32::try_from(self.cells.len())
            .ok()
            .filter(|&index| index != NIL);
        let index = index.expect("a wheel holds at most 2^32 - 1 timers");
        let generation = self.first_generation;
        let value = Some(value);
        self.cells.push(Cell {
            deadline: 0,
            tag: 0,
            position: 0,
            generation,
            value,
        });
        TimerKey { index, generation }
    }

    fn relink_free(&mut self) {
        self.free = NIL;
        for (index, cell) in (0..).zip(&mut self.cells) {
            if cell.is_free() {
                cell.position = std::mem::replace(&mut self.free, index);
            }
        }
    }
}
