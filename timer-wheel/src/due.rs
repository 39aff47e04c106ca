//! The due stage: the timers of the current slot, and of the past, in exact order.
//!
//! Slots are about a millisecond wide, and nothing in a slot is ordered. This heap orders the few
//! timers whose slot has come by (deadline, sequence), which makes the order of expiry exact and
//! keeps each timer until its own deadline. The slab knows the position of each in the heap, so a
//! timer that is removed leaves at once.

use std::ops::Range;

use crate::slab::Slab;

/// Children of a heap entry: with 4, an entry's children share a cache line or two.
const ARITY: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Due {
    heap: Vec<Entry>,
}

/// Kept at 16 bytes: the sequence number is looked up when deadlines are equal.
#[derive(Clone, Copy, Debug)]
struct Entry {
    deadline: u64,
    index: u32,
}

impl Entry {
    fn precedes<T>(self, other: Entry, slab: &Slab<T>) -> bool {
        match self.deadline.cmp(&other.deadline) {
            std::cmp::Ordering::Equal => {
                slab.armed(self.index).sequence() < slab.armed(other.index).sequence()
            }
            order => order.is_lt(),
        }
    }
}

fn children(position: usize) -> Range<usize> {
    position * ARITY + 1..position * ARITY + 1 + ARITY
}

impl Due {
    /// The earliest timer and its deadline.
    pub(crate) fn first(&self) -> Option<(u64, u32)> {
        self.heap.first().map(|entry| (entry.deadline, entry.index))
    }

    /// The latest deadline up to `limit`. What is behind a later one in the heap is not looked at.
    pub(crate) fn latest(&self, limit: u64) -> Option<u64> {
        self.latest_from(0, limit)
    }

    fn latest_from(&self, position: usize, limit: u64) -> Option<u64> {
        let first = self.heap.get(position).map(|entry| entry.deadline);
        let first = first.filter(|&deadline| deadline <= limit)?;
        let children = children(position).filter_map(|child| self.latest_from(child, limit));
        Some(children.fold(first, u64::max))
    }

    pub(crate) fn push<T>(&mut self, slab: &mut Slab<T>, index: u32, deadline: u64) {
        let entry = Entry { deadline, index };
        self.heap.push(entry);
        self.sift_up(slab, self.heap.len() - 1, entry);
    }

    /// Removes a timer; `true` if it was the last one.
    pub(crate) fn remove<T>(&mut self, slab: &mut Slab<T>, index: u32) -> bool {
        let position = slab.position(index) as usize;
        let last = self.heap.pop().expect("a timer of the due stage is in the heap");
        if position < self.heap.len() {
            // The last entry fills the hole, and may belong further down or further up.
            self.sift_down(slab, position, last);
        }
        self.heap.is_empty()
    }

    /// Removes the earliest timer.
    pub(crate) fn pop<T>(&mut self, slab: &mut Slab<T>) {
        if let Some(last) = self.heap.pop().filter(|_| !self.heap.is_empty()) {
            self.sift_down(slab, 0, last);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.heap.shrink_to_fit();
    }

    pub(crate) fn indices(&self) -> impl Iterator<Item = u32> {
        self.heap.iter().map(|entry| entry.index)
    }

    pub(crate) fn assert_valid<T>(&self, slab: &Slab<T>) {
        for (position, &entry) in self.heap.iter().enumerate() {
            let Entry { deadline, index } = entry;
            assert_eq!(
                slab.position(index) as usize,
                position,
                "timer {index} knows its heap position"
            );
            assert_eq!(
                slab.armed(index).deadline,
                deadline,
                "the heap knows the deadline of {index}"
            );
            let parent = position.checked_sub(1).map(|child| self.heap[child / ARITY]);
            assert!(
                parent.is_none_or(|parent| parent.precedes(entry, slab)),
                "timer {index} is behind its parent in the heap"
            );
        }
    }

    /// Moves the hole at `position` to the leaves, and `entry` up from there.
    fn sift_down<T>(&mut self, slab: &mut Slab<T>, mut position: usize, entry: Entry) {
        while let Some(child) = self.first_child(slab, position) {
            self.set(slab, position, self.heap[child]);
            position = child;
        }
        self.sift_up(slab, position, entry);
    }

    fn first_child<T>(&self, slab: &Slab<T>, position: usize) -> Option<usize> {
        let there = children(position).take_while(|&child| child < self.heap.len());
        there.reduce(
            |first, child| {
                if self.heap[child].precedes(self.heap[first], slab) { child } else { first }
            },
        )
    }

    /// Moves the hole at `position` up to where `entry` belongs, and puts it there.
    fn sift_up<T>(&mut self, slab: &mut Slab<T>, mut position: usize, entry: Entry) {
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if self.heap[parent].precedes(entry, slab) {
                break;
            }
            self.set(slab, position, self.heap[parent]);
            position = parent;
        }
        self.set(slab, position, entry);
    }

    fn set<T>(&mut self, slab: &mut Slab<T>, position: usize, entry: Entry) {
        self.heap[position] = entry;
        slab.set_position(entry.index, position as u32);
    }
}
