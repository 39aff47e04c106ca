//! A task's life, and its step: asyncio's `Task.__step`.
//!
//! ```text
//!           1 spawn                2 step begins
//!   Vacant ---------> Alive/queued --------------> Alive/running ---.
//!     ^                     ^                            |          | 4 future is ready, has panicked,
//!     |                     | 5 wake                     |          |   or its cancel reaches the task
//!     |                     |          3 future suspends |          v
//!     |                     '-------- Alive/waiting <----'   Finished | Failed | Cancelled
//!     |                                                             |
//!     '-------------------------------------------------------------'
//!        6 the last handle is dropped and no step is queued
//! ```
//!
//! 1 [`State::add_task`] · 2 [`State::begin_step`] · 3, 4 [`State::end_step`] · 4 [`State::end`] · 5 [`State::wake`] ·
//! 6 [`State::release`]. A task that is woken while it runs is queued and running at once.
//!
//! A slot is never given to another task while anybody could still ask for the old one: handles count as
//! `refs`, and a queued step keeps it too. So handles need no generation.

use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use crate::cell::{Ended, Fault, TaskCell};
use crate::context::Core;
use crate::error::{TaskName, panic_message};
use crate::lists::{List, NIL};
use crate::observe::ExceptionContext;
use crate::scope::Node;
use crate::state::{Place, State};

pub(crate) type CellBox = Pin<Box<dyn TaskCell>>;
type Payload = Box<dyn Any + Send>;

/// The boxes of the picture above; queued and running are flags of a live task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Vacant,
    Alive,
    Finished,
    Failed,
    Cancelled,
}

/// What the loop knows of one task.
pub(crate) struct Slot {
    pub(crate) id: u64,
    /// Out while the task runs, so that nothing of the loop is borrowed meanwhile.
    cell: Option<CellBox>,
    /// The task as the outermost scope (rule C4).
    pub(crate) root: Node,
    /// The wait of the one who awaits it, if that came before any observer.
    pub(crate) awaiter: u32,
    pub(crate) observers: List,
    /// Requests made and not taken back (rule C1).
    pub(crate) cancelling: u32,
    /// Handles that name the task.
    pub(crate) refs: u32,
    /// Number of its last step, which is where a wait was polled if it is still awaited.
    pub(crate) last_step: u32,
    pub(crate) life: Life,
    queued: bool,
    pub(crate) running: bool,
    /// Some place in the task holds a pending request.
    pub(crate) asked: bool,
    /// To be dropped on its next step (rule C14).
    aborted: bool,
    /// Somebody has looked at how it ended, so a failure needs no report.
    pub(crate) seen: bool,
    /// A name or a reason is kept for it.
    pub(crate) labelled: bool,
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
            refs: 0,
            last_step: 0,
            life: Life::Vacant,
            queued: false,
            running: false,
            asked: false,
            aborted: false,
            seen: false,
            labelled: false,
        }
    }

    /// A vacant slot takes a task in. The end of the task before left its lists empty.
    fn begin_life(&mut self, id: u64, cell: CellBox) {
        self.id = id;
        self.cell = Some(cell);
        self.root = Node::new(0);
        self.cancelling = 0;
        self.refs = 1;
        self.life = Life::Alive;
        self.asked = false;
        self.aborted = false;
        self.seen = false;
        self.labelled = false;
    }

    pub(crate) fn is_done(&self) -> bool {
        self.life != Life::Alive
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

    pub(crate) fn cell(&self) -> Option<&CellBox> {
        self.cell.as_ref()
    }

    pub(crate) fn take_cell(&mut self) -> Option<CellBox> {
        self.cell.take()
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

    fn insert(&mut self, cell: CellBox) -> u32 {
        self.spawned += 1;
        self.alive += 1;
        let index = self.free.pop().unwrap_or_else(|| self.grow());
        self.slots[index as usize].begin_life(self.spawned, cell);
        index
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        if self.slots.len() == self.slots.capacity() {
            // By a quarter: doubling would let a large loop hold twice what it needs.
            self.slots.reserve_exact(self.slots.len() / 4 + 16);
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

impl State {
    /// Takes a new task in and queues its first step (rule T3). The one reference is the caller's.
    pub(crate) fn add_task(&mut self, cell: CellBox, name: Option<Arc<str>>) -> u32 {
        let task = self.tasks.insert(cell);
        if let Some(name) = name {
            self.names.insert(task, name);
            self.tasks[task].labelled = true;
        }
        self.wake(task);
        task
    }

    /// Marks a task to be dropped on its next step, and queues that step.
    pub(crate) fn abort(&mut self, task: u32) -> bool {
        let slot = &mut self.tasks[task];
        if slot.is_done() {
            return false;
        }
        slot.aborted = true;
        if !slot.running {
            self.wake(task);
        }
        true
    }

    /// A handle or a queued entry let go of the task. What is returned must be dropped, and perhaps
    /// reported, where no state is borrowed.
    #[must_use = "a cell's drop is a user's code and must run with the state free"]
    pub(crate) fn release(&mut self, task: u32) -> Option<Released> {
        self.tasks[task].refs -= 1;
        self.free_if_unused(task)
    }

    fn free_if_unused(&mut self, task: u32) -> Option<Released> {
        let slot = &self.tasks[task];
        if slot.refs > 0
            || slot.queued
            || slot.running
            || matches!(slot.life, Life::Alive | Life::Vacant)
        {
            return None;
        }
        let unseen = (slot.life == Life::Failed && !slot.seen).then(|| self.task_name(task));
        let slot = &mut self.tasks[task];
        slot.life = Life::Vacant;
        let cell = slot.cell.take();
        if slot.labelled {
            self.names.remove(&task);
            self.reasons.remove(&task);
        }
        self.tasks.free.push(task);
        Some(Released { cell, unseen })
    }
}

/// What is left of a task that nobody holds any more.
pub(crate) struct Released {
    cell: Option<CellBox>,
    /// Its name, if it failed and nobody ever looked.
    unseen: Option<TaskName>,
}

/// How a step begins.
pub(crate) enum Begin {
    /// The task has ended meanwhile.
    Skip(Option<Released>),
    /// A cancel or an abort has reached the task itself.
    Drop(u32, CellBox),
    Poll(u32, CellBox),
}

/// How a step ends.
enum After {
    Waits,
    Ended(Option<Released>),
    Drop(CellBox),
    Fails(CellBox, Payload),
}

/// One step of a task: poll it, or drop it, and act on what that comes to.
pub(crate) fn step(core: &Rc<Core>, begin: Begin) {
    match begin {
        Begin::Skip(released) => core.dispose(released),
        Begin::Drop(task, cell) => drop_future(core, task, cell),
        Begin::Poll(task, mut cell) => {
            let wakers = core.wakers(task);
            let waker = &wakers[task as usize];
            core.polling_with(Some(waker));
            let polled = catch_unwind(AssertUnwindSafe(|| {
                cell.as_mut().poll(&mut Context::from_waker(waker))
            }));
            core.polling_with(None);
            drop(wakers);
            match core.with(|state| state.end_step(task, polled, cell)) {
                After::Waits => {}
                After::Ended(released) => core.dispose(released),
                After::Drop(cell) => drop_future(core, task, cell),
                After::Fails(cell, payload) => fail(core, task, cell, payload),
            }
        }
    }
}

impl Core {
    /// Drops what is left of a task, and reports a failure that nobody looked at.
    pub(crate) fn dispose(&self, released: Option<Released>) {
        if let Some(released) = released {
            self.dispose_of(released);
        }
    }

    fn dispose_of(&self, Released { cell, unseen }: Released) {
        let Some(cell) = cell else { return };
        if let (Some(task), Some(fault)) = (unseen, cell.fault()) {
            let error = fault.clone().into_join_error(task);
            self.report(&ExceptionContext::never_retrieved(&error, cell.spawned_at()));
        }
        self.guard("a task's output panicked when it was dropped", || drop(cell));
    }
}

impl State {
    /// Begins the step whose handle was taken from the ready queue. Requests that were pending have become
    /// deliveries by now, see [`State::deliver`].
    pub(crate) fn begin_step(&mut self, task: u32) -> Begin {
        let slot = &mut self.tasks[task];
        slot.queued = false;
        if slot.is_done() {
            return Begin::Skip(self.free_if_unused(task));
        }
        let cell = slot.cell.take().expect("a queued task has its cell");
        slot.running = true;
        self.counts.steps = self.counts.steps.wrapping_add(1);
        slot.last_step = self.counts.steps;
        self.current = Some(Place::task(task));
        if slot.aborted || slot.root.is_due() {
            return Begin::Drop(task, cell);
        }
        Begin::Poll(task, cell)
    }

    fn end_step(
        &mut self,
        task: u32,
        polled: Result<Poll<Ended>, Payload>,
        cell: CellBox,
    ) -> After {
        let slot = &mut self.tasks[task];
        match polled {
            Ok(Poll::Pending) if !slot.root.is_raised() => {
                self.suspend(task, cell);
                After::Waits
            }
            Ok(Poll::Pending) => After::Drop(cell),
            // Rule C8: it was cancelled while it ran, and returned without suspending again.
            Ok(Poll::Ready(Ended::Finished)) if slot.root.is_asked() => After::Drop(cell),
            Ok(Poll::Ready(Ended::Finished)) => After::Ended(self.end(task, cell, Life::Finished)),
            Ok(Poll::Ready(Ended::Failed)) => After::Ended(self.end(task, cell, Life::Failed)),
            Err(payload) => After::Fails(cell, payload),
        }
    }

    fn suspend(&mut self, task: u32, cell: CellBox) {
        self.current = None;
        let slot = &mut self.tasks[task];
        slot.cell = Some(cell);
        slot.running = false;
        if slot.aborted {
            self.wake(task);
        } else if slot.asked {
            self.offer_pending(task);
        }
    }

    /// The task has ended: its observers are queued, in their order (rule T3).
    fn end(&mut self, task: u32, cell: CellBox, life: Life) -> Option<Released> {
        self.current = None;
        self.detach_places(task);
        let slot = &mut self.tasks[task];
        slot.cell = Some(cell);
        slot.life = life;
        slot.running = false;
        self.tasks.alive -= 1;
        self.counts.finished += 1;
        self.queue_observers(task);
        self.free_if_unused(task)
    }
}

/// A cancel reached the task itself (rule C4): its future, or its unwanted value, is dropped.
fn drop_future(core: &Rc<Core>, task: u32, mut cell: CellBox) {
    match catch_unwind(AssertUnwindSafe(|| cell.as_mut().clear())) {
        Ok(()) => finish(core, task, cell, Life::Cancelled),
        Err(payload) => fail(core, task, cell, payload),
    }
}

/// A panic in a task ends that task alone (rule C15).
fn fail(core: &Rc<Core>, task: u32, mut cell: CellBox, payload: Payload) {
    let message = panic_message(&*payload).into();
    let fault = Fault::Panic(message, Arc::new(Mutex::new(Some(payload))));
    core.guard("a future panicked again when it was dropped", || cell.as_mut().fail(fault.clone()));
    if cell.fault().is_none() {
        cell.as_mut().fail(fault);
    }
    finish(core, task, cell, Life::Failed);
}

fn finish(core: &Rc<Core>, task: u32, cell: CellBox, life: Life) {
    let released = core.with(|state| state.end(task, cell, life));
    core.dispose(released);
}

/// Ends every task at once, for a loop that is being dropped (rule C14).
pub(crate) fn abort_all(core: &Rc<Core>) {
    loop {
        let living = core.with(|state| state.tasks.living());
        if living.is_empty() {
            return;
        }
        for task in living {
            let cell = core.with(|state| state.begin_abort(task));
            if let Some(cell) = cell {
                drop_future(core, task, cell);
            }
        }
    }
}

/// Drops the outputs of all tasks, for a loop that is being dropped: they may hold handles.
pub(crate) fn forget_outputs(core: &Rc<Core>) {
    for index in 0..core.with(|state| state.tasks.slots.len()) {
        let cell = core.with(|state| state.tasks.slots[index].cell.take());
        let fate = core.with(|state| {
            let slot = &mut state.tasks.slots[index];
            let unseen = slot.life == Life::Failed && !slot.seen;
            slot.seen = true;
            unseen.then(|| state.task_name(u32::try_from(index).expect("indices fit")))
        });
        core.dispose(Some(Released { cell, unseen: fate }));
    }
}

impl State {
    fn begin_abort(&mut self, task: u32) -> Option<CellBox> {
        let slot = &mut self.tasks[task];
        slot.running = true;
        let cell = slot.cell.take();
        self.current = Some(Place::task(task));
        cell
    }
}

/// Where a live task was spawned.
pub(crate) fn spawned_at(slot: &Slot) -> Option<&'static Location<'static>> {
    slot.cell().map(|cell| cell.spawned_at())
}
