//! Wakers: how anything, on any thread, queues a task's step.
//!
//! Most tasks wait for what this loop provides, and that knows a task by its number and keeps no waker. So
//! the waker that a task is polled with is only *lent*: one for all, told before each poll whose it is. If a
//! clone of it is left when the poll is over, it has become that task's own, and a new one is lent from then
//! on.
//!
//! A waker stays with its slot of the task slab. One that somebody keeps beyond its task's end may therefore
//! wake a later task of the slot, once; every future must bear a poll too many, and a step too many is all
//! that comes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::task::{Wake, Waker};

use crate::context;
use crate::lists::NIL;
use crate::remote::{Message, Remote};

/// The wakers of a loop's tasks.
pub(crate) struct Wakers {
    lent: Waker,
    /// What is inside `lent`.
    borrower: Arc<TaskWaker>,
    /// Those that were kept, by their tasks' slots.
    own: Vec<Option<Waker>>,
}

impl Wakers {
    pub(crate) fn new(remote: &Arc<Remote>) -> Wakers {
        let borrower = TaskWaker::new(remote);
        Wakers { lent: Waker::from(Arc::clone(&borrower)), borrower, own: Vec::new() }
    }

    /// The waker to poll a task with: its own if it has one.
    #[inline]
    pub(crate) fn of(&self, task: u32) -> &Waker {
        match self.own.get(task as usize) {
            Some(Some(own)) => own,
            _ => {
                self.borrower.task.store(task, Ordering::Relaxed);
                &self.lent
            }
        }
    }

    /// Has somebody kept a clone of the waker that was lent last?
    #[inline]
    pub(crate) fn is_kept(&self) -> bool {
        let clones = Arc::strong_count(&self.borrower) > 2;
        // If there were some, on other threads, they have read whose they are before they went.
        fence(Ordering::Acquire);
        clones
    }

    /// Makes the waker that was lent last `task`'s own.
    #[cold]
    pub(crate) fn keep(&mut self, task: u32) {
        self.borrower = TaskWaker::new(&self.borrower.remote);
        let next = Waker::from(Arc::clone(&self.borrower));
        let kept = std::mem::replace(&mut self.lent, next);
        let slot = task as usize;
        while self.own.len() <= slot {
            self.own.push(None);
        }
        self.own[slot] = Some(kept);
    }
}

struct TaskWaker {
    remote: Arc<Remote>,
    task: AtomicU32,
}

impl TaskWaker {
    fn new(remote: &Arc<Remote>) -> Arc<TaskWaker> {
        Arc::new(TaskWaker { remote: Arc::clone(remote), task: AtomicU32::new(NIL) })
    }

    fn task(&self) -> u32 {
        self.task.load(Ordering::Relaxed)
    }

    /// A wake from anywhere else goes through the inbox.
    #[cold]
    fn send(&self) {
        // A closed loop has no task left to wake.
        let _ = self.remote.send(Message::Wake(self.task()));
    }
}

impl Wake for TaskWaker {
    /// A clone is given back before the push, not after it: its count is shared with other threads, and the processor
    /// first puts in place whatever was written.
    fn wake(self: Arc<Self>) {
        if !context::is_at_home(&self.remote) {
            return self.send();
        }
        let task = self.task();
        drop(self);
        context::try_current(|core| core.with(|state| state.wake(task)));
    }

    /// On the loop's own thread, while it runs, a wake is a push to the ready queue: no lock, no system call.
    fn wake_by_ref(self: &Arc<Self>) {
        let task = self.task();
        let woken = context::at_home(&self.remote, |core| core.with(|state| state.wake(task)));
        if woken.is_none() {
            self.send();
        }
    }
}
