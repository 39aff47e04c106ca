//! The slab of tasks: what the loop knows of each.
//!
//! A slot is never given to another task while anybody could still ask for the old one: handles count as
//! `refs`, and a queued step keeps it too. So handles need no generation.

use std::collections::BinaryHeap;
use std::panic::Location;

use crate::lists::{List, NIL, index_behind};
use crate::task::CellBox;
use crate::tree::Node;

/// The boxes of the picture in `task.rs`; queued and running are flags of a live one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    Vacant,
    Alive,
    Finished,
    Failed,
    Cancelled,
    /// Dropped with its loop.
    Orphaned,
}

/// What the loop knows of one task: as much as a cache line holds, what each step needs first.
#[repr(C)]
pub(crate) struct Slot {
    /// Out while the task runs, so that nothing of the loop is borrowed meanwhile.
    pub(crate) cell: Option<CellBox>,
    pub(crate) life: Life,
    flags: u8,
    /// Handles that name the task; of a vacant slot, the next one in the list of those.
    pub(crate) refs: u32,
    /// The wait of the one who awaits it, if that came before any observer.
    pub(crate) awaiter: u32,
    /// Number of its last step, which is where a wait was polled if it is still awaited.
    pub(crate) last_step: u32,
    /// The task as the outermost scope (rule C4).
    pub(crate) root: Node,
    pub(crate) id: u64,
    pub(crate) observers: List,
    /// Requests made and not taken back (rule C1).
    pub(crate) cancelling: u32,
}

const _: () = assert!(size_of::<Slot>() == 64);

/// What is so or not so of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    /// Its step is in the ready queue.
    Queued,
    Running,
    /// Some place in the task holds a pending request.
    Asked,
    /// To be dropped on its next step (rule C14).
    Aborted,
    /// Somebody has looked at how it ended, so a failure needs no report.
    Seen,
    /// A name or a reason is kept for it, or a number of requests aimed at its scopes.
    Labelled,
    /// A scope has been told the reason that is kept.
    Told,
}

impl Flag {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Slot {
    /// The last one in the list of vacant slots.
    const VACANT: Slot = Slot {
        cell: None,
        life: Life::Vacant,
        flags: 0,
        refs: NIL,
        awaiter: NIL,
        last_step: 0,
        root: Node::new(0),
        id: 0,
        observers: List::EMPTY,
        cancelling: 0,
    };

    fn new(id: u64, cell: CellBox) -> Slot {
        Slot { cell: Some(cell), life: Life::Alive, refs: 1, id, ..Slot::VACANT }
    }

    #[inline]
    pub(crate) fn is(&self, flag: Flag) -> bool {
        self.flags & flag.bit() != 0
    }

    #[inline]
    pub(crate) fn set(&mut self, flag: Flag) {
        self.flags |= flag.bit();
    }

    #[inline]
    pub(crate) fn unset(&mut self, flag: Flag) {
        self.flags &= !flag.bit();
    }

    pub(crate) fn is_done(&self) -> bool {
        self.life != Life::Alive
    }

    /// Its next step is a poll and nothing else.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.life == Life::Alive && !self.needs_care() && !self.root.is_due()
    }

    /// It was cancelled or aborted, and nothing has come of that yet.
    #[inline]
    pub(crate) fn needs_care(&self) -> bool {
        const CARE: u8 = Flag::Asked.bit() | Flag::Aborted.bit();
        self.flags & CARE != 0
    }

    /// Its slot is needed though no handle names it: a step of it is queued, or runs.
    #[inline]
    fn is_held(&self) -> bool {
        self.flags & (Flag::Queued.bit() | Flag::Running.bit()) != 0
    }

    /// It has ended, and nobody can ask for it any more.
    #[inline]
    pub(crate) fn is_unused(&self) -> bool {
        self.refs == 0 && !self.is_held() && self.life > Life::Alive
    }

    /// `true` if a step must now be put into the ready queue.
    #[inline]
    pub(crate) fn mark_queued(&mut self) -> bool {
        let newly = self.life == Life::Alive && !self.is(Flag::Queued);
        if newly {
            self.set(Flag::Queued);
        }
        newly
    }

    /// The step that ran was the last one; what is left of the task is in its cell, if anything is.
    #[inline]
    pub(crate) fn end(&mut self, cell: Option<CellBox>, life: Life) {
        self.cell = cell;
        self.life = life;
        self.unset(Flag::Running);
    }

    /// Where the task was spawned, as long as something of it is there.
    pub(crate) fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.cell().map(|cell| cell.spawned_at())
    }

    pub(crate) fn cell(&self) -> Option<&CellBox> {
        self.cell.as_ref()
    }

    pub(crate) fn take_cell(&mut self) -> Option<CellBox> {
        self.cell.take()
    }

    /// The cell of a task that has finished, with its value inside unless that was taken.
    pub(crate) fn take_value(&mut self) -> Option<CellBox> {
        if self.life == Life::Finished { self.cell.take() } else { None }
    }

    pub(crate) fn put_cell(&mut self, cell: CellBox) {
        self.cell = Some(cell);
    }
}

/// The slab of tasks.
pub(crate) struct Tasks {
    slots: Vec<Slot>,
    /// The first of the vacant slots.
    free: u32,
    spawned: u64,
    used: usize,
}

impl Tasks {
    pub(crate) const fn new() -> Tasks {
        Tasks { slots: Vec::new(), free: NIL, spawned: 0, used: 0 }
    }

    /// How many tasks there have been, ever.
    pub(crate) fn spawned(&self) -> u64 {
        self.spawned
    }

    /// Slots in use: tasks that live, and ended ones that somebody still holds.
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    pub(crate) fn get(&self, task: u32) -> Option<&Slot> {
        self.slots.get(task as usize)
    }

    /// The tasks that have not ended, in order of creation.
    pub(crate) fn living(&self) -> impl ExactSizeIterator<Item = u32> + use<> {
        let living = (0u32..).zip(&self.slots).filter(|(_, slot)| slot.life == Life::Alive);
        let living: BinaryHeap<(u64, u32)> = living.map(|(index, slot)| (slot.id, index)).collect();
        living.into_sorted_vec().into_iter().map(|(_, index)| index)
    }

    /// Takes a task in; the one reference to it is the caller's.
    #[inline]
    pub(crate) fn insert(&mut self, cell: CellBox) -> u32 {
        if self.free == NIL {
            self.grow();
        }
        self.spawned += 1;
        self.used += 1;
        let index = self.free;
        let slot = &mut self.slots[index as usize];
        self.free = slot.refs;
        *slot = Slot::new(self.spawned, cell);
        index
    }

    /// Adds a slot to the vacant ones, of which there are none. That a task is not handed through here lets
    /// it be written straight to its place.
    #[cold]
    fn grow(&mut self) {
        if self.slots.len() == self.slots.capacity() {
            // By an eighth: doubling would let a large loop hold twice what it needs.
            self.slots.reserve_exact(self.slots.len() / 8 + 64);
        }
        self.free = index_behind(self.slots.len());
        self.slots.push(Slot::VACANT);
    }

    /// Nobody can ask for the task in this slot any more.
    pub(crate) fn free(&mut self, task: u32) {
        let next = std::mem::replace(&mut self.free, task);
        let slot = &mut self[task];
        slot.life = Life::Vacant;
        slot.refs = next;
        self.used -= 1;
    }

    /// Every slot there is, vacant ones too.
    pub(crate) fn all(&self) -> std::ops::Range<u32> {
        0..index_behind(self.slots.len())
    }
}

impl std::ops::Index<u32> for Tasks {
    type Output = Slot;
    #[inline]
    fn index(&self, index: u32) -> &Slot {
        self.slots.get(index as usize).unwrap_or_else(|| no_task())
    }
}

impl std::ops::IndexMut<u32> for Tasks {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut Slot {
        self.slots.get_mut(index as usize).unwrap_or_else(|| no_task())
    }
}

#[cold]
fn no_task() -> ! {
    panic!("whoever names a task holds on to its slot")
}
