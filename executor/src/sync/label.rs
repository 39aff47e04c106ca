//! What a deadlock's report says of a lock: its name, and who holds it.
//!
//! Once somebody has waited for a lock, its label is posted in a table of the loop. So a wait only names the
//! entry, and a report finds who holds the lock by then.

use std::cell::Cell;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use crate::context::{self, Core};
use crate::keyed::Key;
use crate::lists::NIL;
use crate::state::State;

/// One entry of the table.
pub(crate) struct Label {
    name: Option<Arc<str>>,
    holder: Cell<Holder>,
}

impl Label {
    pub(super) fn new(name: Option<Arc<str>>, holder: Holder) -> Label {
        Label { name, holder: Cell::new(holder) }
    }

    fn describe(&self, state: &State) -> String {
        let lock = match &self.name {
            Some(name) => format!("lock `{name}`"),
            None => A_LOCK.to_owned(),
        };
        match self.holder.get() {
            Holder { task: NIL, .. } => lock,
            holder => format!("{lock} held by {}", holder.describe(state)),
        }
    }
}

const A_LOCK: &str = "a lock";

impl State {
    /// What a deadlock report calls a wait for a lock.
    pub(crate) fn describe_lock(&self, label: Key) -> String {
        self.labels.get(label).map_or_else(|| A_LOCK.to_owned(), |label| label.describe(self))
    }
}

/// A label in the table of a loop; dropped with its lock, which takes it out.
pub(super) struct Posted {
    label: Rc<Label>,
    core: Weak<Core>,
    key: Key,
}

impl Posted {
    pub(super) fn new(core: &Rc<Core>, label: Label) -> Posted {
        let label = Rc::new(label);
        let key = core.with(|state| state.labels.insert(Rc::clone(&label)));
        Posted { label, core: Rc::downgrade(core), key }
    }

    pub(super) fn key(&self) -> Key {
        self.key
    }

    /// Is it in the table of this loop?
    pub(super) fn is_in(&self, core: &Rc<Core>) -> bool {
        self.core.as_ptr() == Rc::as_ptr(core)
    }

    pub(super) fn note_holder(&self, holder: Holder) {
        self.label.holder.set(holder);
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.with(|state| state.labels.remove(self.key));
        }
    }
}

/// The task that took a lock; [`NIL`] for none, so that it travels in registers.
#[derive(Clone, Copy)]
pub(super) struct Holder {
    task: u32,
    id: u64,
}

impl Holder {
    pub(super) const NOBODY: Holder = Holder { task: NIL, id: 0 };

    /// The task that runs right now.
    pub(super) fn current() -> Holder {
        context::try_current(|core| core.peek(Holder::running)).unwrap_or(Holder::NOBODY)
    }

    fn running(state: &State) -> Holder {
        match state.current_task() {
            Some(task) => Holder { task, id: state.tasks[task].id },
            None => Holder::NOBODY,
        }
    }

    fn describe(self, state: &State) -> String {
        match state.tasks.get(self.task) {
            Some(slot) if slot.id == self.id && !slot.is_done() => {
                format!("task `{}`", state.task_name(self.task))
            }
            _ => "a task that has ended".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sync::Lock;
    use crate::{EventLoop, spawn, yield_now};

    #[test]
    fn a_label_goes_with_its_lock() {
        let mut event_loop = EventLoop::builder().virtual_clock().build().unwrap();
        let lock = std::rc::Rc::new(Lock::new(()));
        let main = {
            let lock = std::rc::Rc::clone(&lock);
            async move {
                lock.acquire().await;
                let waiter = spawn(async move { lock.acquire().await });
                yield_now().await;
                waiter.abort();
            }
        };
        event_loop.run_until_complete(main).unwrap();
        event_loop.run_until_complete(yield_now()).unwrap();
        let posted = || event_loop.core.peek(|state| state.labels.len());
        assert_eq!(posted(), 1);
        drop(lock);
        assert_eq!(posted(), 0);
    }
}
