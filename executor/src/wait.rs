//! Waits: what a task is suspended on, as asyncio's `Task._fut_waiter`.
//!
//! Every future of ours that suspends keeps one entry here while it does. The entry stands in the list of
//! the innermost scope it was polled in, so that a cancel finds it, and is named by key in whatever will
//! complete it (a timer, an event, a task's observers). Its life:
//!
//! ```text
//!             1 set           the task is woken, and sees the completion in its next step
//!   Pending ---------> Set    (unless a cancel comes first, rule C6)
//!    |  ^
//!    |  '--------------.
//!    | 2 cancel        | 3 polled again
//!    '------------> Cancelled    given up at the request: whoever wakes waiters skips this one
//! ```
//!
//! 1 [`State::set_wait`] · 2 [`State::offer`], for waits that do not forward · 3 [`State::touch_wait`], for
//! a future that outlives the body it was given up in and is polled again. A forwarding wait stays
//! pending when it is cancelled; what it waits for is cancelled instead (rule C9). The future's `Drop`
//! removes the entry, [`State::remove_wait`], in whatever state it is.

use std::rc::Rc;
use std::task::{Context, Waker};

use crate::context::Core;
use crate::errand::Errand;
use crate::keyed::{Key, Keyed};
use crate::lists::{Linked, Links, List, NIL};
use crate::state::{Place, State};

/// How far a wait has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Pending,
    Set,
    Cancelled,
}

/// What a wait is for, and so what a cancel of it does.
#[derive(Clone)]
pub(crate) enum Target {
    /// Given up when cancelled. The text is for deadlock reports.
    Plain(&'static str),
    /// Forwards to a task. The key is that of our observer there, or none for its first awaiter.
    Task(u32, Key),
    /// Forwards to something made of tasks or waits: a gather, a shared future.
    Forward(Rc<dyn Forward>),
    /// A side of a source of the reactor. Given up when cancelled.
    #[cfg(feature = "net")]
    Io(Key, crate::reactor::Direction),
    /// Given up when cancelled, and able to say more than a fixed text.
    Source(Rc<dyn Source>),
}

/// What a wait can forward a cancel to (rule C9).
pub(crate) trait Forward {
    /// Passes a request on: what it cancels goes onto `tasks`, in order. `false` if nothing there accepts a
    /// request any more.
    fn forward(&self, state: &mut State, tasks: &mut Vec<u32>) -> bool;
    /// What a deadlock report calls it.
    fn describe(&self) -> String;
}

/// Names, for a deadlock report, what a plain wait waits for.
pub(crate) trait Source {
    fn describe(&self, state: &State) -> String;
}

/// One suspended future of ours.
pub(crate) struct Wait {
    /// The scope it was last polled in; [`NIL`] as task for a wait polled outside any task.
    pub(crate) place: Place,
    in_scope: Links,
    /// Number of the step in which it was last polled.
    polled: u32,
    pub(crate) progress: Progress,
    /// A request was passed on to what it waits for.
    pub(crate) forwarded: bool,
    /// It ended cancelled by our own request, and raises in its scope.
    raised: bool,
    /// Set where it was polled with a waker that is not its task's own.
    waker: Option<Waker>,
    pub(crate) target: Target,
}

impl Linked for Keyed<Wait> {
    fn links(&mut self, index: u32) -> &mut Links {
        &mut self[index].in_scope
    }
}

/// A wait held by the future it suspends: dropping it removes the entry, in whatever state it is.
pub(crate) struct OpenWait {
    core: Rc<Core>,
    key: Key,
}

impl OpenWait {
    /// Enters a wait for a future that is being polled and must suspend.
    pub(crate) fn new(core: &Rc<Core>, target: Target, cx: &Context<'_>) -> OpenWait {
        OpenWait { core: Rc::clone(core), key: core.open_wait(target, cx) }
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Notes that the future is polled again, perhaps in another scope or with another waker.
    pub(crate) fn touch(&self, cx: &Context<'_>) -> Progress {
        self.core.touch_wait(self.key, cx)
    }

    pub(crate) fn progress(&self) -> Progress {
        self.core.with(|state| state.waits[self.key.index].progress)
    }

    /// Has a request been passed on to what this waits for?
    pub(crate) fn forwarded(&self) -> bool {
        self.core.with(|state| state.waits[self.key.index].forwarded)
    }

    /// Wants the body of the scope this was polled in dropped, in this poll.
    pub(crate) fn raise(&self) {
        self.core.with(|state| state.raise_from(self.key));
    }
}

impl Drop for OpenWait {
    fn drop(&mut self) {
        self.core.with(|state| state.remove_wait(self.key));
    }
}

impl Core {
    pub(crate) fn open_wait(&self, target: Target, cx: &Context<'_>) -> Key {
        let waker = self.foreign_waker(cx);
        self.with(|state| state.open_wait(target, waker))
    }

    pub(crate) fn touch_wait(&self, key: Key, cx: &Context<'_>) -> Progress {
        let waker = self.foreign_waker(cx);
        self.with(|state| state.touch_wait(key, waker))
    }
}

impl State {
    pub(crate) fn open_wait(&mut self, target: Target, waker: Option<Waker>) -> Key {
        let place = self.current.unwrap_or(Place::task(NIL));
        let key = self.waits.insert(Wait {
            place,
            in_scope: Links::OUT,
            polled: self.counts.steps,
            progress: Progress::Pending,
            forwarded: false,
            raised: false,
            waker,
            target,
        });
        self.link_wait(key.index, place);
        key
    }

    /// The future is polled again; how far the wait has come. One that was given up is polled again only if
    /// its future outlived the body that was dropped (`timeout(.., &mut nap)`): it did not happen, so it is
    /// pending again, and whatever came meanwhile was not for it.
    pub(crate) fn touch_wait(&mut self, key: Key, waker: Option<Waker>) -> Progress {
        let place = self.current.unwrap_or(Place::task(NIL));
        let step = self.counts.steps;
        let wait = &mut self.waits[key.index];
        wait.polled = step;
        if let Some(replaced) = std::mem::replace(&mut wait.waker, waker) {
            self.errands.push_back(Errand::DropWaker(replaced));
        }
        let (progress, before) = (wait.progress, wait.place);
        if progress == Progress::Cancelled {
            wait.progress = Progress::Pending;
        }
        if before != place {
            self.unlink_wait(key.index, before);
            self.waits[key.index].place = place;
            self.link_wait(key.index, place);
        }
        progress
    }

    /// Completes a wait and wakes its task; `false`, and nothing happens, if it is not pending any more.
    pub(crate) fn set_wait(&mut self, key: Key) -> bool {
        match self.waits.get_mut(key) {
            Some(wait) if wait.progress == Progress::Pending => wait.progress = Progress::Set,
            _ => return false,
        }
        let wait = &mut self.waits[key.index];
        let (waker, task) = (wait.waker.take(), wait.place.task);
        self.wake_through(waker, task);
        true
    }

    /// Removes a wait from its scope, from what it waits for, and takes back what it raised.
    pub(crate) fn remove_wait(&mut self, key: Key) {
        let Some(wait) = self.waits.get(key) else { return };
        let place = wait.place;
        if wait.raised {
            self.lower(place);
        }
        self.unlink_wait(key.index, place);
        let wait = &self.waits[key.index];
        match (&wait.waker, &wait.target) {
            (None, Target::Plain(_)) => self.waits.discard(key),
            #[cfg(feature = "net")]
            (None, Target::Io(..)) => self.waits.discard(key),
            (None, &Target::Task(task, observer)) => {
                self.waits.discard(key);
                self.stop_awaiting(task, key, observer);
            }
            _ => self.remove_with_care(key),
        }
    }

    /// Removes a wait that holds something of a user's.
    #[cold]
    fn remove_with_care(&mut self, key: Key) {
        let Some(wait) = self.waits.remove(key) else { return };
        if let Target::Task(task, observer) = wait.target {
            self.stop_awaiting(task, key, observer);
        }
        self.errands.push_back(Errand::DropWait(wait));
    }

    /// Raises in the wait's scope: the scope drops its body when the running poll comes back to it.
    pub(crate) fn raise_from(&mut self, key: Key) {
        if !std::mem::replace(&mut self.waits[key.index].raised, true) {
            self.raise(self.waits[key.index].place);
        }
    }

    /// Is the wait part of what its task is suspended on? A wait polled with its task's own waker is
    /// polled in every step for as long as it is awaited; one left behind (a `&mut task` that lost a
    /// `select!`) is not.
    pub(crate) fn is_awaited(&self, index: u32) -> bool {
        let wait = &self.waits[index];
        wait.waker.is_some() || wait.polled == self.tasks[wait.place.task].last_step
    }

    /// The wait behind `index` in its scope's list.
    pub(crate) fn next_wait(&self, index: u32) -> u32 {
        self.waits[index].in_scope.next
    }

    /// Moves every wait of a place that goes away to `to`: futures that outlive the scope, or the task,
    /// they were polled in.
    pub(crate) fn rehome_waits(&mut self, from: Place, to: Place) {
        loop {
            let index = self.node(from).waits.head;
            if index == NIL {
                return;
            }
            self.unlink_wait(index, from);
            let wait = &mut self.waits[index];
            wait.place = to;
            // The await that forwarded a request, or raised, is gone; a later one is not cancelled by it.
            wait.forwarded = false;
            wait.raised = false;
            self.link_wait(index, to);
        }
    }

    /// What a task waits for, in words, for a deadlock report.
    pub(crate) fn waits_of(&self, task: u32) -> Vec<String> {
        let root = Place::task(task);
        let mut words = Vec::new();
        let mut next = Some(self.first_leaf(root));
        while let Some(leaf) = next {
            let mut wait = self.node(leaf).waits.head;
            while wait != NIL {
                words.push(self.describe(&self.waits[wait].target));
                wait = self.next_wait(wait);
            }
            next = self.next_leaf(leaf, root);
        }
        words
    }

    fn describe(&self, target: &Target) -> String {
        match target {
            Target::Plain(what) => (*what).to_owned(),
            Target::Task(task, _) => format!("task `{}`", self.task_name(*task)),
            Target::Forward(shared) => shared.describe(),
            #[cfg(feature = "net")]
            &Target::Io(source, direction) => self.describe_io(source, direction),
            Target::Source(source) => source.describe(self),
        }
    }

    fn link_wait(&mut self, index: u32, place: Place) {
        if place.task != NIL {
            let (list, waits) = self.waits_in(place);
            list.push_back(waits, index);
        }
    }

    fn unlink_wait(&mut self, index: u32, place: Place) {
        if place.task != NIL {
            let (list, waits) = self.waits_in(place);
            list.remove(waits, index);
        }
    }

    fn waits_in(&mut self, place: Place) -> (&mut List, &mut Keyed<Wait>) {
        let node = match place.scope {
            NIL => &mut self.tasks[place.task].root,
            scope => &mut self.scopes[scope].node,
        };
        (&mut node.waits, &mut self.waits)
    }
}
