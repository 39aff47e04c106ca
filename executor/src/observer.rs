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
    /// Its task of that number has ended: notes so, where that takes nothing but the state. `true` if there
    /// is more to do.
    fn note(&self, state: &mut State, task: u32, number: usize) -> bool;
    /// Does what there is more, with the state free.
    fn act(&self, _core: &Rc<Core>, _task: &TaskHandle) {}
}

/// A combinator's callbacks at tasks of one loop; dropping it takes back those that are still to come.
pub(crate) struct Watching {
    core: Rc<Core>,
    callbacks: Vec<Key>,
}

impl Watching {
    /// Watches nothing yet, and soon so many tasks.
    pub(crate) fn new(core: &Rc<Core>, tasks: usize) -> Watching {
        Watching { core: Rc::clone(core), callbacks: Vec::with_capacity(tasks) }
    }

    /// Watches a task as well; `false`, and nothing happens, if it is one of another loop.
    pub(crate) fn watch<C: OnDone + 'static>(
        &mut self,
        task: &TaskHandle,
        combinator: &Rc<C>,
        number: usize,
    ) -> bool {
        let own = Rc::ptr_eq(&self.core, task.core());
        if own {
            let action = Action::Tell(Rc::clone(combinator) as Rc<dyn OnDone>, number);
            self.callbacks.push(task.observe(action));
        }
        own
    }

    pub(crate) fn core(&self) -> &Rc<Core> {
        &self.core
    }

    /// The watched tasks that have not ended, in order.
    pub(crate) fn living(&self, state: &State) -> impl Iterator<Item = u32> {
        let observers = self.callbacks.iter().filter_map(|key| state.observers.get(*key));
        observers.filter(|observer| !observer.queued).map(|observer| observer.task)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.core.with(|state| {
            for callback in self.callbacks.drain(..) {
                state.take_back(callback);
            }
        });
    }
}

impl Observer {
    fn wakes(&self, wait: WaitKey) -> bool {
        matches!(self.action, Action::Wake(woken) if woken == wait)
    }

    fn act(self, core: &Rc<Core>) {
        let task = TaskHandle::adopt(core, self.task);
        match self.action {
            Action::Wake(_) => {}
            Action::Call(callback) => core.guard("a done callback panicked", || callback(&task)),
            Action::Tell(combinator, _) => combinator.act(core, &task),
            Action::StopLoop => core.stopping.set(true),
        }
    }
}

impl Linked for Keyed<Observer> {
    fn links(&mut self, index: u32) -> &mut Links {
        &mut self[index].links
    }
}

impl State {
    /// Adds an observer; on a task that has ended it is queued at once.
    #[inline]
    pub(crate) fn observe(&mut self, task: u32, action: Action) -> Key {
        let observer = Observer { task, links: Links::OUT, queued: false, action };
        if self.closed {
            // Nobody will be told: the observer goes at once.
            self.add_errand(Errand::DropObserver(observer));
            return Key::NONE;
        }
        let key = self.observers.insert(observer);
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
        let is_its = self.observers.get(key).is_some_and(|observer| observer.task == task);
        is_its && self.take_back(key)
    }

    /// Takes an observer back; `false` if it is queued already, or gone.
    #[inline]
    fn take_back(&mut self, key: Key) -> bool {
        let waits = self.observers.get(key).is_some_and(|observer| !observer.queued);
        if waits {
            self.take_out(key);
        }
        waits
    }

    #[cold]
    fn take_out(&mut self, key: Key) {
        let task = self.observers[key.index].task;
        self.tasks[task].observers.remove(&mut self.observers, key.index);
        if let Some(observer) = self.observers.remove(key) {
            self.add_errand(Errand::DropObserver(observer));
        }
    }

    /// A task has ended: queues its observers in their order.
    pub(crate) fn queue_observers(&mut self, task: u32) {
        let slot = &mut self.tasks[task];
        let awaiter = std::mem::replace(&mut slot.awaiter, NIL);
        let observers = std::mem::replace(&mut slot.observers, List::EMPTY);
        if awaiter != NIL {
            self.set_wait_at(awaiter);
        }
        if !observers.is_empty() {
            self.queue_each(observers);
        }
    }

    fn queue_each(&mut self, observers: List) {
        let mut next = observers.head;
        while next != NIL {
            let key = self.observers.key_at(next);
            let observer = &self.observers[next];
            next = observer.links.next;
            match observer.action {
                Action::Wake(wait) => {
                    self.observers.remove(key);
                    self.set_wait(wait);
                }
                _ => self.queue_observer(key),
            }
        }
    }

    #[inline]
    fn queue_observer(&mut self, key: Key) {
        let observer = &mut self.observers[key.index];
        observer.queued = true;
        self.tasks[observer.task].refs += 1;
        self.ready.push(Ready::Done(key));
    }

    /// Takes the observer of a handle out, and does what takes nothing but the state. `true` if that was all.
    fn take_up(&mut self, key: Key) -> Option<(Observer, bool)> {
        let observer = self.observers.remove(key)?;
        let over = match &observer.action {
            Action::Wake(wait) => {
                self.set_wait(*wait);
                true
            }
            Action::Tell(combinator, number) => !combinator.note(self, observer.task, *number),
            Action::Call(_) | Action::StopLoop => false,
        };
        if over {
            self.release(observer.task);
        }
        Some((observer, over))
    }
}

/// Runs the handle of a queued observer.
pub(crate) fn run(core: &Rc<Core>, key: Key) {
    if let Some((observer, over)) = core.with(|state| state.take_up(key)) {
        if !over {
            observer.act(core);
        }
    }
}
