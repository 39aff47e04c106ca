//! Unordered collections of timers, as many as there are slots, in chunks from one pool.
//!
//! A bag is filled and emptied at the end; one taken from the middle is replaced by the last. So
//! all chunks but the last are full, and a bag is read sixteen timers at a time. Moving timers is
//! most of what expiring them costs, and would take several times as long with linked lists, where
//! nothing is known of the next timer before the one in front of it has come from memory.

use crate::slab::{Armed, Slab, make_room};

/// Timers in a chunk.
pub(crate) const CHUNK: usize = 16;

/// "No position": the end of an empty bag, or of the free list.
const NIL: u32 = u32::MAX;

/// A collection of timers; it means something only to the slab it was filled from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bag {
    /// The position of the timer that is last.
    last: u32,
    pub(crate) len: u32,
}

impl Bag {
    pub(crate) const EMPTY: Bag = Bag { last: NIL, len: 0 };

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The chunks of all bags.
#[derive(Debug)]
pub(crate) struct Chunks {
    /// The chunks, one after the other.
    timers: Vec<u32>,
    /// For each chunk the last position of the one before it in its bag; for a free chunk, the
    /// first position of the next free one.
    before: Vec<u32>,
    /// The first position of the chunk to use next.
    free: u32,
}

impl<T> Slab<T> {
    pub(crate) fn push(&mut self, bag: &mut Bag, timer: u32) {
        bag.last = match bag.last.wrapping_add(1) {
            next if next % CHUNK as u32 == 0 => self.chunks.take(bag.last),
            next => next,
        };
        bag.len += 1;
        self.put(bag.last, timer);
    }

    /// Takes out a timer of this bag.
    pub(crate) fn remove(&mut self, bag: &mut Bag, timer: u32) {
        let (position, last) = (self.position(timer), self.chunks.timers[bag.last as usize]);
        self.put(position, last);
        bag.len -= 1;
        bag.last = match bag.last % CHUNK as u32 {
            0 => self.chunks.give_back(bag.last),
            _ => bag.last - 1,
        };
    }

    /// Takes out the timers of the last chunk: their number, and that many of the array.
    ///
    /// What they are like is read for all at once: it is likely to be far away in memory, and to
    /// wait for sixteen takes hardly longer than to wait for one.
    pub(crate) fn pop_chunk(&mut self, bag: &mut Bag) -> (usize, [(u32, Armed); CHUNK]) {
        let first = bag.last - bag.last % CHUNK as u32;
        let timers = &self.chunks.timers[first as usize..=bag.last as usize];
        let mut popped = [(0, Armed::default()); CHUNK];
        for (popped, &timer) in popped.iter_mut().zip(timers) {
            *popped = (timer, self.armed(timer));
        }
        let len = timers.len();
        bag.len -= len as u32;
        bag.last = self.chunks.give_back(first);
        (len, popped)
    }

    /// All timers in a bag.
    pub(crate) fn members(&self, bag: Bag) -> impl Iterator<Item = u32> {
        let some = |position: u32| (position != NIL).then_some(position);
        let positions = std::iter::successors(some(bag.last), move |&position| {
            match position as usize % CHUNK {
                0 => some(self.chunks.before[position as usize / CHUNK]),
                _ => Some(position - 1),
            }
        });
        positions.map(|position| self.chunks.timers[position as usize])
    }

    pub(crate) fn assert_bag(&self, bag: Bag) {
        assert_eq!(
            self.members(bag).count(),
            bag.len as usize,
            "the chunks of {bag:?} fit its length"
        );
        for timer in self.members(bag) {
            let position = self.position(timer) as usize;
            assert_eq!(self.chunks.timers[position], timer, "timer {timer} knows its position");
        }
    }

    fn put(&mut self, position: u32, timer: u32) {
        self.chunks.timers[position as usize] = timer;
        self.set_position(timer, position);
    }
}

impl Chunks {
    pub(crate) const fn new() -> Self {
        Chunks { timers: Vec::new(), before: Vec::new(), free: NIL }
    }

    /// Frees all chunks; bags filled before must not be used any more.
    pub(crate) fn clear(&mut self) {
        self.timers.clear();
        self.before.clear();
        self.free = NIL;
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.timers.shrink_to_fit();
        self.before.shrink_to_fit();
    }

    /// A chunk to follow that which ends at `before`: returns its first position.
    fn take(&mut self, before: u32) -> u32 {
        let first = self.free;
        let Some(chunk) = self.before.get_mut(first as usize / CHUNK) else {
            return self.grow(before);
        };
        self.free = std::mem::replace(chunk, before);
        first
    }

    #[cold]
    fn grow(&mut self, before: u32) -> u32 {
        let first = self.timers.len();
        make_room(&mut self.timers, CHUNK);
        self.timers.resize(first + CHUNK, 0);
        self.before.push(before);
        first as u32
    }

    /// Frees the chunk that begins at `first`; returns the last position of the one before it.
    fn give_back(&mut self, first: u32) -> u32 {
        let free = std::mem::replace(&mut self.free, first);
        std::mem::replace(&mut self.before[first as usize / CHUNK], free)
    }
}
