//! Errands: a user's code that lines on the state turned up, to be run as soon as the state is free.
//!
//! Wakers are called, and what they, waits and tasks leave behind is dropped, with nothing of the loop
//! borrowed. A panic in any of it is reported, and takes nobody else's wake-up with it (rule C15).

use std::task::Waker;

use crate::context::Core;
use crate::error::TaskName;
use crate::observe::ExceptionContext;
use crate::observer::Observer;
use crate::state::State;
use crate::target::Aside;
use crate::task::CellBox;

pub(crate) enum Errand {
    Wake(Waker),
    DropWaker(Waker),
    DropAside(Aside),
    DropObserver(Observer),
    /// What is left of a task that nobody holds any more; its name, if it failed and nobody ever looked.
    DropTask(CellBox, Option<TaskName>),
}

impl State {
    #[cold]
    pub(crate) fn add_errand(&mut self, errand: Errand) {
        self.errands.push_back(errand);
    }
}

impl Core {
    pub(crate) fn run(&self, errand: Errand) {
        match errand {
            Errand::Wake(waker) => self.guard("a waker panicked", || waker.wake()),
            Errand::DropWaker(waker) => {
                self.guard("a waker panicked when it was dropped", || drop(waker));
            }
            Errand::DropAside(aside) => {
                self.guard("a wait panicked when it was dropped", || drop(aside));
            }
            Errand::DropObserver(observer) => {
                self.guard("a callback panicked when it was dropped", || drop(observer));
            }
            Errand::DropTask(cell, unseen) => self.drop_task(cell, unseen),
        }
    }

    fn drop_task(&self, cell: CellBox, unseen: Option<TaskName>) {
        if let (Some(task), Some(fault)) = (unseen, cell.fault()) {
            let error = fault.clone().into_join_error(task);
            self.report(&ExceptionContext::never_retrieved(&error, cell.spawned_at()));
        }
        self.guard("a task's output panicked when it was dropped", || drop(cell));
    }
}
