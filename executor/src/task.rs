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
//! 1 [`State::add_task`] · 2 [`State::begin_step`] · 3 [`State::suspend`] · 4 [`State::end`] · 5 [`State::wake`] ·
//! 6 [`State::release`]. A task that is woken while it runs is queued and running at once. One that is dropped with
//! its loop ends as Orphaned.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::cell::{Ended, Fault, TaskCell};
use crate::context::Core;
use crate::errand::Errand;
use crate::error::Panic;
use crate::state::{Place, State};
use crate::tasks::{Flag, Life};
use crate::waker::Wakers;

pub(crate) type CellBox = Pin<Box<dyn TaskCell>>;
type Payload = Box<dyn Any + Send>;

impl State {
    /// Takes a new task in and queues its first step (rule T3). The one reference is the caller's.
    pub(crate) fn add_task(&mut self, cell: CellBox) -> u32 {
        let task = self.tasks.insert(cell);
        self.wake(task);
        task
    }

    pub(crate) fn name_task(&mut self, task: u32, name: Arc<str>) {
        self.names.set(task, Some(name));
        self.tasks[task].set(Flag::Labelled);
    }

    /// Marks a task to be dropped on its next step, and queues that step.
    pub(crate) fn abort(&mut self, task: u32) -> bool {
        let slot = &mut self.tasks[task];
        if slot.is_done() {
            return false;
        }
        slot.set(Flag::Aborted);
        if !slot.is(Flag::Running) {
            self.wake(task);
        }
        true
    }

    /// A handle or a queued entry let go of the task.
    #[inline]
    pub(crate) fn release(&mut self, task: u32) {
        self.tasks[task].refs -= 1;
        self.free_if_unused(task);
    }

    /// Frees the slot of a task once nobody could ask for it any more.
    #[inline]
    fn free_if_unused(&mut self, task: u32) {
        if self.tasks[task].is_unused() {
            self.free(task);
        }
    }

    fn free(&mut self, task: u32) {
        let slot = &self.tasks[task];
        if slot.cell.is_some() || slot.is(Flag::Labelled) {
            self.drop_leftovers(task);
        }
        self.tasks.free(task);
    }

    #[inline(never)]
    fn drop_leftovers(&mut self, task: u32) {
        self.drop_cell(task);
        if self.tasks[task].is(Flag::Labelled) {
            self.names.clear(task);
            self.reasons.clear(task);
        }
    }

    /// Drops what is left of a task that has ended. A failure nobody has looked at is told then.
    fn drop_cell(&mut self, task: u32) {
        let slot = &mut self.tasks[task];
        let Some(cell) = slot.cell.take() else { return };
        let unseen = slot.life == Life::Failed && !slot.is(Flag::Seen);
        slot.set(Flag::Seen);
        let unseen = unseen.then(|| self.task_name(task));
        self.add_errand(Errand::DropTask(cell, unseen));
    }
}

/// One step of a task: poll it, and act on what that comes to.
pub(crate) fn step(core: &Rc<Core>, wakers: &mut Wakers, task: u32) {
    let Some(mut cell) = core.with(|state| state.begin_step(task)) else {
        return step_with_care(core, wakers, task);
    };
    let cancelled = match poll(core, wakers, task, cell.as_mut()) {
        Ok(Poll::Pending) => core.with(|state| state.suspend(task, cell)),
        Ok(Poll::Ready(ended)) => core.with(|state| state.conclude(task, cell, ended)),
        Err(payload) => return fail(core, task, cell, payload),
    };
    if let Some(cell) = cancelled {
        drop_future(core, task, cell, Life::Cancelled);
    }
}

/// One poll of a task's future.
#[inline]
fn poll(
    core: &Core,
    wakers: &mut Wakers,
    task: u32,
    cell: Pin<&mut dyn TaskCell>,
) -> Result<Poll<Ended>, Payload> {
    let waker = wakers.of(task);
    core.polling_with(Some(waker));
    let polled = catch_unwind(AssertUnwindSafe(|| cell.poll(&mut Context::from_waker(waker))));
    core.polling_with(None);
    if wakers.is_kept() {
        wakers.keep(task);
    }
    polled
}

/// The step of a task that has requests pending, is to be dropped, or has ended meanwhile. Requests become
/// deliveries first, while the task still counts as queued: waking the scopes they are due in then adds no
/// further step.
#[cold]
fn step_with_care(core: &Rc<Core>, wakers: &mut Wakers, task: u32) {
    match core.with(|state| state.begin_with_care(task)) {
        Care::Over => {}
        Care::Deliver => {
            core.with(|state| state.deliver(task));
            step(core, wakers, task);
        }
        Care::Drop(cell) => drop_future(core, task, cell, Life::Cancelled),
    }
}

/// What the unusual step of a task turns out to be.
enum Care {
    Over,
    Deliver,
    Drop(CellBox),
}

impl State {
    /// Begins the step of a task whose handle was taken from the ready queue; `None` if it takes more than
    /// a poll.
    fn begin_step(&mut self, task: u32) -> Option<CellBox> {
        let slot = &self.tasks[task];
        if !slot.is_plain() {
            return None;
        }
        self.take_for_step(task)
    }

    fn take_for_step(&mut self, task: u32) -> Option<CellBox> {
        let slot = &mut self.tasks[task];
        slot.unset(Flag::Queued);
        slot.set(Flag::Running);
        self.counts.steps = self.counts.steps.wrapping_add(1);
        slot.last_step = self.counts.steps;
        self.current = Place::task(task);
        slot.cell.take()
    }

    fn begin_with_care(&mut self, task: u32) -> Care {
        let slot = &mut self.tasks[task];
        if slot.is_done() {
            slot.unset(Flag::Queued);
            self.free_if_unused(task);
            return Care::Over;
        }
        if slot.is(Flag::Asked) {
            return Care::Deliver;
        }
        self.take_for_step(task).map_or(Care::Over, Care::Drop)
    }

    /// The poll came back pending. Returns the cell if the task was cancelled by that: its code raised.
    fn suspend(&mut self, task: u32, cell: CellBox) -> Option<CellBox> {
        let slot = &mut self.tasks[task];
        if slot.root.is_raised() {
            return Some(cell);
        }
        slot.cell = Some(cell);
        slot.unset(Flag::Running);
        self.current = Place::NOWHERE;
        if slot.needs_care() {
            self.suspend_with_care(task);
        }
        None
    }

    /// While the task ran it was aborted, or cancelled.
    #[cold]
    fn suspend_with_care(&mut self, task: u32) {
        if self.tasks[task].is(Flag::Aborted) {
            self.wake(task);
        } else {
            self.offer_pending(task);
        }
    }

    /// The future is ready. Returns the cell if the task is cancelled all the same (rule C8): it was while
    /// it ran, and returned without suspending again.
    fn conclude(&mut self, task: u32, cell: CellBox, ended: Ended) -> Option<CellBox> {
        let life = match ended {
            Ended::Failed => Life::Failed,
            Ended::Finished if self.tasks[task].root.is_asked() => return Some(cell),
            Ended::Finished => Life::Finished,
        };
        self.end(task, Some(cell), life);
        None
    }

    /// The task has ended: its observers are queued, in their order (rule T3).
    fn end(&mut self, task: u32, cell: Option<CellBox>, life: Life) {
        self.current = Place::NOWHERE;
        self.counts.finished += 1;
        let slot = &mut self.tasks[task];
        slot.end(cell, life);
        if !slot.root.is_bare() {
            self.detach_places(task);
        }
        self.queue_observers(task);
        self.free_if_unused(task);
    }
}

/// A cancel reached the task itself (rule C4), or its loop goes: its future, or its unwanted value, is
/// dropped.
fn drop_future(core: &Rc<Core>, task: u32, mut cell: CellBox, life: Life) {
    match catch_unwind(AssertUnwindSafe(|| cell.as_mut().clear())) {
        Ok(()) => core.with(|state| state.end(task, None, life)),
        Err(payload) => fail(core, task, cell, payload),
    }
}

/// A panic in a task ends that task alone (rule C15).
#[cold]
fn fail(core: &Rc<Core>, task: u32, mut cell: CellBox, payload: Payload) {
    let fault = Fault::Panic(Arc::new(Panic::new(payload)));
    core.guard("a future panicked again when it was dropped", || cell.as_mut().fail(fault.clone()));
    if cell.fault().is_none() {
        cell.as_mut().fail(fault);
    }
    core.with(|state| state.end(task, Some(cell), Life::Failed));
}

/// Ends every task at once, for a loop that is being dropped (rule C14).
pub(crate) fn abort_all(core: &Rc<Core>) {
    loop {
        let living = core.peek(|state| state.tasks.living());
        if living.len() == 0 {
            return;
        }
        for task in living {
            let cell = core.with(|state| state.begin_abort(task));
            if let Some(cell) = cell {
                drop_future(core, task, cell, Life::Orphaned);
            }
        }
    }
}

/// Drops the outputs of all tasks, for a loop that is being dropped: they may hold handles.
pub(crate) fn forget_outputs(core: &Rc<Core>) {
    for task in core.peek(|state| state.tasks.all()) {
        core.with(|state| state.drop_cell(task));
    }
}

impl State {
    fn begin_abort(&mut self, task: u32) -> Option<CellBox> {
        let slot = &mut self.tasks[task];
        slot.set(Flag::Running);
        let cell = slot.cell.take();
        self.current = Place::task(task);
        cell
    }
}
