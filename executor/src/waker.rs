//! Wakers: how anything, on any thread, queues a task's step.
//!
//! One `Arc` is made per slot of the task slab and used by every task that passes through it. A waker that
//! somebody keeps beyond its task's end may therefore wake a later task of the slot, once; every future
//! must bear a poll too many, and a step too many is all that comes of it.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::context;
use crate::remote::{Message, Remote};

pub(crate) struct TaskWaker {
    remote: Arc<Remote>,
    task: u32,
}

impl TaskWaker {
    pub(crate) fn waker(remote: &Arc<Remote>, task: u32) -> Waker {
        Waker::from(Arc::new(TaskWaker { remote: Arc::clone(remote), task }))
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    /// On the loop's own thread, while it runs, a wake is a push to the ready queue: no lock, no system
    /// call. From anywhere else it goes through the inbox.
    fn wake_by_ref(self: &Arc<Self>) {
        let here = context::try_current(|core| {
            let ours = Arc::ptr_eq(&core.remote, &self.remote);
            if ours {
                core.with(|state| state.wake(self.task));
            }
            ours
        });
        if here != Some(true) {
            // A closed loop has no task left to wake.
            let _ = self.remote.send(Message::Wake(self.task));
        }
    }
}
