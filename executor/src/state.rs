//! What a loop owns: the ready queue, the slabs of tasks, waits, scopes, observers, callbacks and jobs,
//! and the timers. Everything users hold is a key into one of these.
//!
//! All of it sits in one `RefCell`, borrowed for a few lines at a time and never while a user's code runs
//! (a poll, a callback, a waker, a `Drop`).

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use timer_wheel::TimerKey;

use crate::callback::Call;
use crate::column::Column;
use crate::errand::Errand;
use crate::error::{TaskId, TaskName};
use crate::keyed::{Key, Keyed};
use crate::lists::NIL;
use crate::observer::Observer;
use crate::scope::Scope;
use crate::sync::Label;
use crate::target::Aside;
use crate::tasks::Tasks;
use crate::waits::{WaitKey, Waits};

/// A handle in the ready queue, as asyncio's `Handle`: what the loop runs next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ready {
    /// Step a task.
    Step(u32),
    /// A timer of a wait fired: complete the wait (rule T4: its task steps a turn later).
    Wait(WaitKey),
    /// A timer of a scope fired: aim a request at the scope, if it is still the arming with this number.
    Scope(Key, u32),
    /// Run a callback of `call_soon` or `call_later`.
    Call(Key),
    /// Tell an observer that its task has ended.
    Done(Key),
    /// A job on another thread has ended: wake who waits for it.
    Job(Key),
    /// A side of a source has become ready: complete the waits for it, run its callback.
    #[cfg(feature = "net")]
    Io(Key, crate::reactor::Direction),
}

/// A point in the tree of scopes: a scope, or the task itself as the outermost one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) task: u32,
    /// Index of the scope, or [`NIL`] for the task itself.
    pub(crate) scope: u32,
}

impl Place {
    /// In no task.
    pub(crate) const NOWHERE: Place = Place { task: NIL, scope: NIL };

    pub(crate) fn task(task: u32) -> Place {
        Place { task, scope: NIL }
    }

    pub(crate) fn is_task(self) -> bool {
        self.scope == NIL
    }
}

/// Everything one loop owns; first, what each step needs.
#[repr(C)]
pub(crate) struct State {
    /// A user's code, to be run as soon as the state is free.
    pub(crate) errands: VecDeque<Errand>,
    /// What the next turn runs, in order.
    pub(crate) ready: Vec<Ready>,
    pub(crate) tasks: Tasks,
    /// Where the code that runs right now stands in the tree of scopes.
    pub(crate) current: Place,
    pub(crate) counts: Counts,
    /// The clock as it was last read.
    pub(crate) now: u64,
    /// Timers of long delays that were armed since then, and what for.
    pub(crate) unsettled: Vec<(TimerKey, u64)>,
    /// A timer was armed that was due already.
    pub(crate) timer_due: bool,
    /// The loop is being dropped, or has been: nothing new is accepted.
    pub(crate) closed: bool,
    /// Waits, and with them all timers.
    pub(crate) waits: Waits,
    /// What waits keep aside.
    pub(crate) asides: Keyed<Aside>,
    /// What deadlock reports say of the locks that were waited for.
    pub(crate) labels: Keyed<Rc<Label>>,
    pub(crate) scopes: Keyed<Scope>,
    pub(crate) observers: Keyed<Observer>,
    pub(crate) calls: Keyed<Call>,
    /// Jobs on other threads that are waited for, each with its wait, or none yet.
    pub(crate) jobs: Keyed<Option<WaitKey>>,
    #[cfg(feature = "net")]
    pub(crate) reactor: crate::reactor::Reactor,
    /// Names given by users; a task without one needs no entry.
    pub(crate) names: Column<Option<Arc<str>>>,
    /// Reasons given with `cancel_with`, the last one of each task.
    pub(crate) reasons: Column<Option<Arc<str>>>,
    /// How many requests are aimed at scopes of a task that are still open. Few tasks have any.
    pub(crate) aimed: Column<u32>,
}

/// What has happened since the loop was made; a turn's report is a difference of two of these.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Also the number of the step that is running.
    pub(crate) steps: u32,
    pub(crate) finished: u64,
    pub(crate) expired: u64,
}

impl State {
    pub(crate) fn new() -> State {
        State {
            errands: VecDeque::new(),
            ready: Vec::new(),
            tasks: Tasks::new(),
            current: Place::NOWHERE,
            counts: Counts::default(),
            now: 0,
            unsettled: Vec::new(),
            timer_due: false,
            closed: false,
            waits: Waits::new(),
            asides: Keyed::new(),
            labels: Keyed::new(),
            scopes: Keyed::new(),
            observers: Keyed::new(),
            calls: Keyed::new(),
            jobs: Keyed::new(),
            #[cfg(feature = "net")]
            reactor: crate::reactor::Reactor::new(),
            names: Column::new(),
            reasons: Column::new(),
            aimed: Column::new(),
        }
    }

    /// A wake only queues: the task's step goes to the end of the ready queue, unless it is there already
    /// (rule T2) or the task has ended.
    #[inline]
    pub(crate) fn wake(&mut self, task: u32) {
        if self.tasks[task].mark_queued() {
            self.ready.push(Ready::Step(task));
        }
    }

    /// Wakes whoever polls something: through the foreign waker it was polled with, else its task.
    #[inline]
    pub(crate) fn wake_through(&mut self, foreign: Option<Waker>, task: u32) {
        match foreign {
            Some(waker) => self.add_errand(Errand::Wake(waker)),
            None if task != NIL => self.wake(task),
            None => {}
        }
    }

    #[cold]
    pub(crate) fn task_name(&self, task: u32) -> TaskName {
        TaskName { id: TaskId(self.tasks[task].id), name: self.names.get(task) }
    }

    /// Tasks that have not ended.
    pub(crate) fn alive(&self) -> u64 {
        self.tasks.spawned() - self.counts.finished
    }

    pub(crate) fn current_task(&self) -> Option<u32> {
        (self.current != Place::NOWHERE).then_some(self.current.task)
    }
}
