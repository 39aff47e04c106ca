//! Index-linked lists: entries live in a slab, a list is the index of its head, links are indices.
//!
//! A list costs its owner four bytes, an entry joins and leaves in O(1), and nothing is allocated.
//! An entry may be a member of several lists at once; each list goes through its own pair of links,
//! named by the [`Linked`] key.

/// "No entry": the end of a list, the absence of an index.
pub(crate) const NIL: u32 = u32::MAX;

/// The index behind so many entries.
pub(crate) fn index_behind(entries: usize) -> u32 {
    u32::try_from(entries).ok().filter(|index| *index != NIL).expect("fewer than 2^32 entries")
}

/// An entry's neighbours in one list. The one before the head is the tail, so a list need not name it; an
/// entry alone in its list has none.
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

/// A list, named by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) head: u32,
}

impl List {
    pub(crate) const EMPTY: List = List { head: NIL };

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.head == NIL
    }

    #[inline]
    pub(crate) fn push_back(&mut self, entries: &mut impl Linked, index: u32) {
        if self.head == NIL {
            self.head = index;
        } else {
            self.append(entries, index);
        }
    }

    fn append(&mut self, entries: &mut impl Linked, index: u32) {
        let tail = match std::mem::replace(&mut entries.links(self.head).prev, index) {
            NIL => self.head,
            tail => tail,
        };
        entries.links(tail).next = index;
        *entries.links(index) = Links { prev: tail, next: NIL };
    }

    #[inline]
    pub(crate) fn remove(&mut self, entries: &mut impl Linked, index: u32) {
        let links = std::mem::replace(entries.links(index), Links::OUT);
        self.unlink(entries, index, links);
    }

    /// Closes the gap that an entry with these links leaves; it may be gone itself.
    #[inline]
    pub(crate) fn unlink(&mut self, entries: &mut impl Linked, index: u32, links: Links) {
        if links == Links::OUT {
            self.head = NIL;
        } else {
            self.bridge(entries, index, links);
        }
    }

    fn bridge(&mut self, entries: &mut impl Linked, index: u32, Links { prev, next }: Links) {
        if self.head == index {
            self.head = next;
        } else {
            entries.links(prev).next = next;
        }
        let behind = if next == NIL { self.head } else { next };
        // The last one left has no neighbours, itself neither.
        let alone = entries.links(self.head).next == NIL;
        entries.links(behind).prev = if alone { NIL } else { prev };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Linked for Vec<Links> {
        fn links(&mut self, index: u32) -> &mut Links {
            &mut self[index as usize]
        }
    }

    fn members(list: List, entries: &[Links]) -> Vec<u32> {
        let next = |index: u32| (index != NIL).then_some(index);
        std::iter::successors(next(list.head), |index| next(entries[*index as usize].next))
            .collect()
    }

    #[test]
    fn entries_leave_from_the_front_the_middle_and_the_back_and_come_again_at_the_back() {
        for first in 0..4 {
            for second in 0..4 {
                let (mut list, mut entries) = (List::EMPTY, vec![Links::OUT; 4]);
                let mut expected = vec![0, 1, 2, 3];
                (0..4).for_each(|index| list.push_back(&mut entries, index));
                for index in [first, second] {
                    list.remove(&mut entries, index);
                    expected.retain(|other| *other != index);
                    assert_eq!(members(list, &entries), expected);
                    list.push_back(&mut entries, index);
                    expected.push(index);
                    assert_eq!(members(list, &entries), expected);
                }
                for index in expected {
                    list.remove(&mut entries, index);
                }
                assert_eq!((list, entries), (List::EMPTY, vec![Links::OUT; 4]));
            }
        }
    }
}
