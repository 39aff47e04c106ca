//! Observers: who is told when a task ends, as asyncio's done callbacks.
//!
//! A task's observers stand in one list in the order in which they came. At its end each is queued as a
//! handle (rule T3); an awaiting task is an observer too, and for it the handle is its own step. Most
//! tasks are awaited once and by one: if the first to come is such an awaiter, it needs no entry of its
//! own, the task names its wait.

use std::rc::Rc;

use crate::context::Core;
use crate::errand::Errand;
use crate::handle::TaskHandle;
use crate::keyed::{Key, Keyed};
use crate::lists::{Linked, Links, List, NIL};
use crate::state::{Ready, State};
use crate::waits::WaitKey;

/// One entry of a task's list.
pub(crate) struct Observer {
    pub(crate) task: u32,
    links: Links,
    /// Its task has ended and its handle is in the ready queue.
    queued: bool,
    action: Action,
}

pub(crate) enum Action {
    /// Complete the wait of an awaiting task, at once.
    Wake(WaitKey),
    /// Run a user's callback.
    Call(Box<dyn FnOnce(&TaskHandle)>),
    /// Tell a combinator; the number says which of its tasks it was.
    Tell(Rc<dyn OnDone>, usize),
    /// Stop the loop: this was the main task.
    StopLoop,
}

/// A combinator that watches tasks.
pub(crate) trait OnDone {
    fn task_done(self: Rc<Self>, core: &Rc<Core>, task: &TaskHandle, number: usize);
}

/// A combinator's callback at a task; dropping it takes the callback back.
pub(crate) struct Watching {
    task: TaskHandle,
    callback: Key,
}

impl Watching {
    pub(crate) fn new(task: &TaskHandle, combinator: Rc<dyn OnDone>, number: usize) -> Watching {
        let callback = task.observe(Action::Tell(combinator, number));
        Watching { task: task.clone(), callback }
    }

    pub(crate) fn core(&self) -> &Rc<Core> {
        self.task.core()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.unobserve(self.callback);
    }
}

impl Observer {
    fn wakes(&self, wait: WaitKey) -> bool {
        matches!(self.action, Action::Wake(woken) if woken == wait)
    }
}

impl Linked for Keyed<Observer> {
    fn links(&mut self, index: u32) -> &mut Links {
        &mut self[index].links
    }
}

impl State {
    /// Adds an observer; on a task that has ended it is queued at once.
    pub(crate) fn observe(&mut self, task: u32, action: Action) -> Key {
        let key =
            self.observers.insert(Observer { task, links: Links::OUT, queued: false, action });
        if self.tasks[task].is_done() {
            self.queue_observer(key);
        } else {
            self.tasks[task].observers.push_back(&mut self.observers, key.index);
        }
        key
    }

    /// Completes `wait` when the task ends, in its turn among the observers. Returns the index of the
    /// entry that was needed for it, or [`NIL`].
    pub(crate) fn await_task(&mut self, task: u32, wait: WaitKey) -> u32 {
        let slot = &mut self.tasks[task];
        if slot.awaiter == NIL && slot.observers == List::EMPTY {
            slot.awaiter = wait.index();
            return NIL;
        }
        self.observe(task, Action::Wake(wait)).index
    }

    /// Takes back what [`await_task`](State::await_task) did.
    pub(crate) fn stop_awaiting(&mut self, task: u32, wait: WaitKey, observer: u32) {
        let slot = &mut self.tasks[task];
        if slot.awaiter == wait.index() {
            slot.awaiter = NIL;
        } else if observer != NIL && self.observers.is_at(observer, |observer| observer.wakes(wait))
        {
            self.remove_observer(task, self.observers.key_at(observer));
        }
    }

    /// Takes an observer of `task` back; `false` if it is queued already, gone, or another task's.
    pub(crate) fn remove_observer(&mut self, task: u32, key: Key) -> bool {
        match self.observers.get(key) {
            Some(observer) if !observer.queued && observer.task == task => {}
            _ => return false,
        }
        self.unlink_observer(key);
        self.errands.extend(self.observers.remove(key).map(Errand::DropObserver));
        true
    }

    /// A task has ended: queues its observers in their order.
    pub(crate) fn queue_observers(&mut self, task: u32) {
        let awaiter = std::mem::replace(&mut self.tasks[task].awaiter, NIL);
        if awaiter != NIL {
            self.set_wait_at(awaiter);
        }
        while self.tasks[task].observers.head != NIL {
            let index = self.tasks[task].observers.head;
            let key = self.observers.key_at(index);
            self.unlink_observer(key);
            match self.observers[index].action {
                Action::Wake(wait) => {
                    self.observers.remove(key);
                    self.set_wait(wait);
                }
                _ => self.queue_observer(key),
            }
        }
    }

    fn queue_observer(&mut self, key: Key) {
        let observer = &mut self.observers[key.index];
        observer.queued = true;
        self.tasks[observer.task].refs += 1;
        self.ready.push(Ready::Done(key));
    }

    fn unlink_observer(&mut self, key: Key) {
        let task = self.observers[key.index].task;
        self.tasks[task].observers.remove(&mut self.observers, key.index);
    }
}

/// Runs the handle of a queued observer.
pub(crate) fn run(core: &Rc<Core>, key: Key) {
    let Some(observer) = core.with(|state| state.observers.remove(key)) else { return };
    let task = TaskHandle::adopt(core, observer.task);
    match observer.action {
        Action::Wake(wait) => drop(core.with(|state| state.set_wait(wait))),
        Action::Call(callback) => core.guard("a done callback panicked", || callback(&task)),
        Action::Tell(combinator, number) => combinator.task_done(core, &task, number),
        Action::StopLoop => core.stopping.set(true),
    }
}
