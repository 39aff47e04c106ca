//! The slab of tasks: what the loop knows of each.
//!
//! A slot is never given to another task while anybody could still ask for the old one: handles count as
//! `refs`, and a queued step keeps it too. So handles need no generation.

use std::panic::Location;

use crate::lists::{List, NIL};
use crate::task::CellBox;
use crate::tree::Node;

/// The boxes of the picture in `task.rs`; queued and running are flags of a live task.
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

/// What the loop knows of one task.
pub(crate) struct Slot {
    pub(crate) id: u64,
    /// Out while the task runs, so that nothing of the loop is borrowed meanwhile.
    pub(crate) cell: Option<CellBox>,
    /// The task as the outermost scope (rule C4).
    pub(crate) root: Node,
    /// The wait of the one who awaits it, if that came before any observer.
    pub(crate) awaiter: u32,
    pub(crate) observers: List,
    /// Requests made and not taken back (rule C1).
    pub(crate) cancelling: u32,
    /// How many of these are aimed at scopes that are still open.
    pub(crate) aimed: u32,
    /// Handles that name the task.
    pub(crate) refs: u32,
    /// Number of its last step, which is where a wait was polled if it is still awaited.
    pub(crate) last_step: u32,
    pub(crate) life: Life,
    pub(crate) queued: bool,
    pub(crate) running: bool,
    /// Some place in the task holds a pending request.
    pub(crate) asked: bool,
    /// To be dropped on its next step (rule C14).
    pub(crate) aborted: bool,
    /// Somebody has looked at how it ended, so a failure needs no report.
    pub(crate) seen: bool,
    /// A name or a reason is kept for it.
    pub(crate) labelled: bool,
    /// A scope has been told the reason that is kept.
    pub(crate) told: bool,
}

impl Slot {
    fn vacant() -> Slot {
        Slot {
            id: 0,
            cell: None,
            root: Node::new(0),
            awaiter: NIL,
            observers: List::EMPTY,
            cancelling: 0,
            aimed: 0,
            refs: 0,
            last_step: 0,
            life: Life::Vacant,
            queued: false,
            running: false,
            asked: false,
            aborted: false,
            seen: false,
            labelled: false,
            told: false,
        }
    }

    /// A vacant slot takes a task in. The end of the task before left its lists empty.
    fn begin_life(&mut self, id: u64, cell: CellBox) {
        self.id = id;
        self.cell = Some(cell);
        self.root = Node::new(0);
        self.cancelling = 0;
        self.aimed = 0;
        self.refs = 1;
        self.life = Life::Alive;
        self.asked = false;
        self.aborted = false;
        self.seen = false;
        self.labelled = false;
        self.told = false;
    }

    pub(crate) fn is_done(&self) -> bool {
        self.life != Life::Alive
    }

    /// A cancel or an abort has reached the task itself.
    pub(crate) fn must_end(&self) -> bool {
        self.aborted || self.root.is_due()
    }

    pub(crate) fn is_queued(&self) -> bool {
        self.queued
    }

    /// `true` if a step must now be put into the ready queue.
    pub(crate) fn mark_queued(&mut self) -> bool {
        let newly = self.life == Life::Alive && !self.queued;
        self.queued |= newly;
        newly
    }

    /// Where a live task was spawned.
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
    free: Vec<u32>,
    spawned: u64,
    alive: usize,
}

impl Tasks {
    pub(crate) const fn new() -> Tasks {
        Tasks { slots: Vec::new(), free: Vec::new(), spawned: 0, alive: 0 }
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive
    }

    /// Slots in use: tasks that live, and ended ones that somebody still holds.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn get(&self, task: u32) -> Option<&Slot> {
        self.slots.get(task as usize)
    }

    /// The number that the next task to be taken in will have.
    #[cfg(feature = "tracing")]
    pub(crate) fn next_id(&self) -> u64 {
        self.spawned + 1
    }

    /// The tasks that have not ended, in order of creation.
    pub(crate) fn living(&self) -> Vec<u32> {
        let mut living: Vec<(u64, u32)> = (0u32..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.life == Life::Alive)
            .map(|(index, slot)| (slot.id, index))
            .collect();
        living.sort_unstable();
        living.into_iter().map(|(_, index)| index).collect()
    }

    /// Takes a task in; the one reference to it is the caller's.
    pub(crate) fn insert(&mut self, cell: CellBox) -> u32 {
        self.spawned += 1;
        self.alive += 1;
        let index = self.free.pop().unwrap_or_else(|| self.grow());
        self.slots[index as usize].begin_life(self.spawned, cell);
        index
    }

    /// A task has ended.
    pub(crate) fn note_end(&mut self) {
        self.alive -= 1;
    }

    /// Nobody can ask for the task in this slot any more.
    pub(crate) fn free(&mut self, task: u32) {
        self[task].life = Life::Vacant;
        self.free.push(task);
    }

    /// Every slot there is, vacant ones too.
    pub(crate) fn all(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.slots.len()).expect("fewer than 2^32 tasks")
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        if self.slots.len() == self.slots.capacity() {
            // By an eighth: doubling would let a large loop hold twice what it needs.
            self.slots.reserve_exact(self.slots.len() / 8 + 64);
        }
        self.slots.push(Slot::vacant());
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 tasks")
    }
}

impl std::ops::Index<u32> for Tasks {
    type Output = Slot;
    fn index(&self, index: u32) -> &Slot {
        &self.slots[index as usize]
    }
}

impl std::ops::IndexMut<u32> for Tasks {
    fn index_mut(&mut self, index: u32) -> &mut Slot {
        &mut self.slots[index as usize]
    }
}
