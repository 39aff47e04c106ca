//! Unordered collections of timers, as many as there are slots, in chunks from one pool.
//!
//! A bag is filled and emptied at the end; one taken from the middle is replaced by the last. So
//! all chunks but the first are full, and reading a bag from end to end takes one jump in memory
//! for every 16 timers, where a linked list would take one for each: the difference is most of
//! what expiring a timer costs.

use crate::slab::Slab;

/// Timers in a chunk.
const CHUNK: u32 = 16;

/// "No chunk": the end of a bag, or of the free list.
const NIL: u32 = u32::MAX;

/// A collection of timers; it means something only to the pool it was filled from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bag {
    /// The chunk that is filled at present.
    head: u32,
    pub(crate) len: u32,
}

impl Bag {
    pub(crate) const EMPTY: Bag = Bag { head: NIL, len: 0 };
}

/// The chunks of all bags.
#[derive(Debug)]
pub(crate) struct Chunks {
    chunks: Vec<Chunk>,
    /// The chunk to use next; free chunks are chained.
    free: u32,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    timers: [u32; CHUNK as usize],
    next: u32,
}

impl<T> Slab<T> {
    pub(crate) fn push(&mut self, bag: &mut Bag, timer: u32) {
        let offset = bag.len % CHUNK;
        if offset == 0 {
            bag.head = self.chunks.take(bag.head);
        }
        bag.len += 1;
        self.put(bag.head * CHUNK + offset, timer);
    }

    /// Takes out the timer that is last.
    pub(crate) fn pop(&mut self, bag: &mut Bag) -> Option<u32> {
        bag.len = bag.len.checked_sub(1)?;
        let offset = bag.len % CHUNK;
        let timer = self.chunks.chunks[bag.head as usize].timers[offset as usize];
        if offset == 0 {
            bag.head = self.chunks.give_back(bag.head);
        }
        Some(timer)
    }

    /// Takes out a timer of this bag.
    pub(crate) fn remove(&mut self, bag: &mut Bag, timer: u32) {
        let last = self.pop(bag);
        if let Some(last) = last.filter(|&last| last != timer) {
            self.put(self.position(timer), last);
        }
    }

    /// All timers in a bag, the last first.
    pub(crate) fn members(&self, bag: Bag) -> impl Iterator<Item = u32> {
        let chunk = |head: u32| self.chunks.chunks.get(head as usize);
        let chunks = std::iter::successors(chunk(bag.head), move |&full| chunk(full.next));
        let last = (bag.len.wrapping_sub(1) % CHUNK + 1) as usize;
        let lens = std::iter::once(last).chain(std::iter::repeat(CHUNK as usize));
        chunks
            .zip(lens)
            .flat_map(|(chunk, len)| chunk.timers[..len].iter().rev().copied())
    }

    pub(crate) fn assert_bag(&self, bag: Bag) {
        assert_eq!(
            self.members(bag).count(),
            bag.len as usize,
            "the chunks of {bag:?} fit its length"
        );
        for (place, timer) in (0..bag.len).rev().zip(self.members(bag)) {
            let position = self.position(timer);
            assert_eq!(
                position % CHUNK,
                place % CHUNK,
                "timer {timer} knows its place in the chunk"
            );
            assert_eq!(
                *self.chunks.slot(position),
                timer,
                "and which chunk that is"
            );
        }
    }

    fn put(&mut self, position: u32, timer: u32) {
        *self.chunks.slot_mut(position) = timer;
        self.set_position(timer, position);
    }
}

impl Chunks {
    pub(crate) const fn new() -> Self {
        Chunks {
            chunks: Vec::new(),
            free: NIL,
        }
    }

    /// Frees all chunks; bags filled before must not be used any more.
    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        self.free = NIL;
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.chunks.shrink_to_fit();
    }

    /// A chunk to put in front of `next`.
    fn take(&mut self, next: u32) -> u32 {
        let chunk = Chunk {
            timers: [0; CHUNK as usize],
            next,
        };
        let Some(free) = self.chunks.get_mut(self.free as usize) else {
            self.chunks.push(chunk);
            return self.chunks.len() as u32 - 1;
        };
        let next_free = std::mem::replace(free, chunk).next;
        std::mem::replace(&mut self.free, next_free)
    }

    /// Frees a chunk; returns the one that came next.
    fn give_back(&mut self, head: u32) -> u32 {
        let next_free = std::mem::replace(&mut self.free, head);
        std::mem::replace(&mut self.chunks[head as usize].next, next_free)
    }

    fn slot(&self, position: u32) -> &u32 {
        &self.chunks[(position / CHUNK) as usize].timers[(position % CHUNK) as usize]
    }

    fn slot_mut(&mut self, position: u32) -> &mut u32 {
        &mut self.chunks[(position / CHUNK) as usize].timers[(position % CHUNK) as usize]
    }
}
