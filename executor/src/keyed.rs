//! A slab whose keys carry a generation, so that a stale key is told apart: waits, scopes, observers
//! and callbacks live in one of these each.

use std::fmt;

use crate::lists::{NIL, index_behind};

/// Where an entry lives, and which of the entries that lived there it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl Key {
    /// The key of nothing.
    pub(crate) const NONE: Key = Key { index: NIL, generation: 0 };
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}v{}", self.index, self.generation)
    }
}

struct Slot<T> {
    generation: u32,
    /// Of a vacant slot, the next one in the list of those.
    next: u32,
    entry: Option<T>,
}

/// The slab. Indexing by a bare `u32` is for links, which never outlive what they point to.
pub(crate) struct Keyed<T> {
    slots: Vec<Slot<T>>,
    /// The first of the vacant slots.
    free: u32,
    used: usize,
}

impl<T> Keyed<T> {
    pub(crate) const fn new() -> Self {
        Keyed { slots: Vec::new(), free: NIL, used: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.used
    }

    #[inline]
    pub(crate) fn insert(&mut self, entry: T) -> Key {
        if self.free == NIL {
            self.grow();
        }
        self.used += 1;
        let index = self.free;
        let slot = self.slot(index);
        slot.entry = Some(entry);
        let Slot { generation, next, .. } = *slot;
        self.free = next;
        Key { index, generation }
    }

    /// Adds a slot to the vacant ones, of which there are none.
    #[cold]
    fn grow(&mut self) {
        self.free = index_behind(self.slots.len());
        self.slots.push(Slot { generation: 0, next: NIL, entry: None });
    }

    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        let entry = slot.entry.take()?;
        self.vacate(key.index);
        Some(entry)
    }

    /// As [`remove`](Keyed::remove), for an entry whose drop is nobody's code: it need not be moved out.
    #[inline]
    pub(crate) fn discard(&mut self, key: Key) {
        self.slot(key.index).entry = None;
        self.vacate(key.index);
    }

    /// The entry at `index` is gone.
    #[inline]
    fn vacate(&mut self, index: u32) {
        let next = std::mem::replace(&mut self.free, index);
        let slot = self.slot(index);
        slot.generation = slot.generation.wrapping_add(1);
        slot.next = next;
        self.used -= 1;
    }

    #[inline]
    fn slot(&mut self, index: u32) -> &mut Slot<T> {
        self.slots.get_mut(index as usize).unwrap_or_else(|| no_entry())
    }

    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.index as usize)?;
        if slot.generation == key.generation { slot.entry.as_ref() } else { None }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation == key.generation { slot.entry.as_mut() } else { None }
    }

    /// The key of the entry at `index`, if there is one.
    #[cfg(feature = "net")]
    pub(crate) fn live_key(&self, index: u32) -> Option<Key> {
        let slot = self.slots.get(index as usize)?;
        slot.entry.as_ref().map(|_| Key { index, generation: slot.generation })
    }

    /// Does an entry live at `index` of which this is so?
    pub(crate) fn is_at(&self, index: u32, is: impl FnOnce(&T) -> bool) -> bool {
        self.slots.get(index as usize).and_then(|slot| slot.entry.as_ref()).is_some_and(is)
    }

    /// The key of the entry that lives at `index`.
    pub(crate) fn key_at(&self, index: u32) -> Key {
        Key { index, generation: self.slots[index as usize].generation }
    }

    /// Takes every entry out, for a loop that goes and keeps no new ones: their keys could be those of old ones.
    pub(crate) fn take_all(&mut self) -> Keyed<T> {
        std::mem::replace(self, Keyed::new())
    }
}

impl<T> std::ops::Index<u32> for Keyed<T> {
    type Output = T;
    fn index(&self, index: u32) -> &T {
        let slot = self.slots.get(index as usize);
        slot.and_then(|slot| slot.entry.as_ref()).unwrap_or_else(|| no_entry())
    }
}

impl<T> std::ops::IndexMut<u32> for Keyed<T> {
    fn index_mut(&mut self, index: u32) -> &mut T {
        let slot = self.slots.get_mut(index as usize);
        slot.and_then(|slot| slot.entry.as_mut()).unwrap_or_else(|| no_entry())
    }
}

#[cold]
fn no_entry() -> ! {
    panic!("links point to live entries")
}
