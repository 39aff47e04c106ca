//! Index-linked lists: entries live in a slab, lists are a head and a tail, links are indices.
//!
//! A list costs its owner eight bytes, an entry joins and leaves in O(1), and nothing is allocated.
//! An entry may be a member of several lists at once; each list goes through its own pair of links,
//! named by the [`Linked`] key.

/// "No entry": the end of a list, the absence of an index.
pub(crate) const NIL: u32 = u32::MAX;

/// An entry's neighbours in one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) prev: u32,
    pub(crate) next: u32,
}

impl Links {
    pub(crate) const OUT: Links = Links { prev: NIL, next: NIL };
}

/// A slab whose entries can be linked.
pub(crate) trait Linked {
    fn links(&mut self, index: u32) -> &mut Links;
}

/// The two ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) head: u32,
    pub(crate) tail: u32,
}

impl List {
    pub(crate) const EMPTY: List = List { head: NIL, tail: NIL };

    #[inline]
    pub(crate) fn push_back(&mut self, entries: &mut impl Linked, index: u32) {
        *entries.links(index) = Links { prev: self.tail, next: NIL };
        match self.tail {
            NIL => self.head = index,
            tail => entries.links(tail).next = index,
        }
        self.tail = index;
    }

    #[inline]
    pub(crate) fn remove(&mut self, entries: &mut impl Linked, index: u32) {
        let Links { prev, next } = std::mem::replace(entries.links(index), Links::OUT);
        match prev {
            NIL => self.head = next,
            prev => entries.links(prev).next = next,
        }
        match next {
            NIL => self.tail = prev,
            next => entries.links(next).prev = prev,
        }
    }
}
