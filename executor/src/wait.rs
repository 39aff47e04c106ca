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
//! removes the entry, [`State::remove_wait`], in whatever state it is; where there is nothing to see in it,
//! it goes when it is set, [`State::end_wait`].

use std::rc::Rc;
use std::task::{Context, Waker};

use crate::context::Core;
use crate::delay::Deadline;
use crate::errand::Errand;
use crate::lists::{Links, List, NIL};
use crate::state::{Place, State};
use crate::target::{Kept, Target, What};
use crate::waits::{WaitKey, Waits};

/// How far a wait has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Pending,
    Set,
    Cancelled,
}

/// One suspended future of ours.
#[derive(Clone, Copy)]
pub(crate) struct Wait {
    /// The scope it was last polled in; nowhere for a wait polled outside any task.
    pub(crate) place: Place,
    pub(crate) in_scope: Links,
    /// Number of the step in which it was last polled.
    polled: u32,
    target: Kept,
    pub(crate) progress: Progress,
    /// A request was passed on to what it waits for.
    pub(crate) forwarded: bool,
    /// It ended cancelled by our own request, and raises in its scope.
    raised: bool,
}

const _: () = assert!(size_of::<Wait>() == 36);

/// A wait held by the future it suspends: dropping it removes the entry, in whatever state it is.
pub(crate) struct OpenWait {
    core: Rc<Core>,
    key: WaitKey,
}

impl OpenWait {
    /// Enters a wait for a future that is being polled and must suspend.
    pub(crate) fn new(core: &Rc<Core>, target: &Target, cx: &Context<'_>) -> OpenWait {
        OpenWait { core: Rc::clone(core), key: core.open_wait(target, cx) }
    }

    pub(crate) fn key(&self) -> WaitKey {
        self.key
    }

    /// Notes that the future is polled again, perhaps in another scope or with another waker.
    pub(crate) fn touch(&self, cx: &Context<'_>) -> Progress {
        self.core.touch_wait(self.key, cx)
    }

    /// Has a request been passed on to what this waits for?
    pub(crate) fn forwarded(&self) -> bool {
        self.core.peek(|state| state.waits[self.key.index()].forwarded)
    }

    /// Wants the body of the scope this was polled in dropped, in this poll.
    pub(crate) fn raise(&self) {
        self.core.with(|state| state.raise_from(self.key.index()));
    }
}

impl Drop for OpenWait {
    fn drop(&mut self) {
        self.core.with(|state| state.remove_wait(self.key));
    }
}

impl Core {
    pub(crate) fn open_wait(&self, target: &Target, cx: &Context<'_>) -> WaitKey {
        let waker = self.foreign_waker(cx);
        self.with(|state| state.open_wait(target, waker))
    }

    pub(crate) fn touch_wait(&self, key: WaitKey, cx: &Context<'_>) -> Progress {
        let waker = self.foreign_waker(cx);
        self.with(|state| state.touch_wait(key, waker))
    }
}

impl State {
    /// Opens a wait. Each caller knows what kind of target it has, and inlined this knows it too. A target is
    /// looked at where it lies: copied whole right after it was made of parts, it makes the processor wait.
    #[inline(always)]
    pub(crate) fn open_wait(&mut self, target: &Target, waker: Option<Waker>) -> WaitKey {
        let target = Kept::new(target, waker, &mut self.asides);
        let wait = self.new_wait(target);
        let key = self.waits.insert(wait);
        self.link_wait(key.index(), wait.place);
        key
    }

    /// Opens a wait that is completed at a time.
    pub(crate) fn open_sleep(&mut self, deadline: Deadline, waker: Option<Waker>) -> WaitKey {
        let target = Kept::new(&Target::Plain(What::Sleep), waker, &mut self.asides);
        let wait = self.new_wait(target);
        let key = self.waits.insert_armed(deadline.when, wait);
        self.note_armed(key, deadline);
        self.link_wait(key.index(), wait.place);
        key
    }

    /// Moves the end of a sleep. One that had ended, and whose future has not seen that, has not.
    pub(crate) fn reset_sleep(&mut self, key: WaitKey, deadline: Deadline) {
        self.waits.rearm(key, deadline.when);
        self.note_armed(key, deadline);
        if let Some(wait) = self.waits.get_mut(key).filter(|wait| wait.progress == Progress::Set) {
            wait.progress = Progress::Pending;
        }
    }

    /// The handle of an expired timer of a wait: completes the wait, unless it was armed anew meanwhile.
    pub(crate) fn expire_wait(&mut self, key: WaitKey) {
        if self.waits.deadline(key).is_none() {
            self.set_wait(key);
        }
    }

    #[inline]
    fn new_wait(&mut self, target: Kept) -> Wait {
        Wait {
            place: self.current,
            in_scope: Links::OUT,
            polled: self.counts.steps,
            target,
            progress: Progress::Pending,
            forwarded: false,
            raised: false,
        }
    }

    /// The future is polled again; how far the wait has come. One that was given up is polled again only if
    /// its future outlived the body that was dropped (`timeout(.., &mut nap)`): it did not happen, so it is
    /// pending again, and whatever came meanwhile was not for it.
    #[inline]
    pub(crate) fn touch_wait(&mut self, key: WaitKey, waker: Option<Waker>) -> Progress {
        self.touch_wait_at(key.index(), waker)
    }

    #[inline]
    pub(crate) fn touch_wait_at(&mut self, index: u32, waker: Option<Waker>) -> Progress {
        let place = self.current;
        let step = self.counts.steps;
        let wait = &mut self.waits[index];
        wait.polled = step;
        let (progress, before, target) = (wait.progress, wait.place, wait.target);
        if progress == Progress::Cancelled {
            wait.progress = Progress::Pending;
        }
        if waker.is_some() || matches!(target, Kept::Aside(_)) {
            self.set_waker(index, waker);
        }
        if before != place {
            self.move_wait(index, before, place);
        }
        progress
    }

    /// The future of a wait is polled again. A wait that is over is removed; one that is gone was
    /// [ended](State::end_wait). A `waker` that is not taken was not needed.
    #[inline]
    pub(crate) fn resume_wait(&mut self, key: WaitKey, waker: &mut Option<Waker>) -> Progress {
        let Some(wait) = self.waits.get(key) else { return Progress::Set };
        let progress = wait.progress;
        match progress {
            Progress::Pending => drop(self.touch_wait(key, waker.take())),
            Progress::Set | Progress::Cancelled => self.remove_wait(key),
        }
        progress
    }

    /// Notes whom to wake for a wait: the poller with this waker, or its task.
    #[cold]
    fn set_waker(&mut self, index: u32, waker: Option<Waker>) {
        match self.waits[index].target {
            Kept::Aside(aside) => {
                let replaced = std::mem::replace(&mut self.asides[aside].waker, waker);
                if let Some(waker) = replaced {
                    self.add_errand(Errand::DropWaker(waker));
                }
            }
            target => {
                let target = target.target(&self.asides);
                self.waits[index].target = Kept::new(&target, waker, &mut self.asides);
            }
        }
    }

    /// Completes a wait and wakes its task; `false`, and nothing happens, if it is not pending any more.
    pub(crate) fn set_wait(&mut self, key: WaitKey) -> bool {
        self.waits.get(key).is_some() && self.set_wait_at(key.index())
    }

    #[inline]
    pub(crate) fn set_wait_at(&mut self, index: u32) -> bool {
        let wait = &mut self.waits[index];
        if wait.progress != Progress::Pending {
            return false;
        }
        wait.progress = Progress::Set;
        let (task, target) = (wait.place.task, wait.target);
        let waker = match target {
            Kept::Aside(aside) => self.asides[aside].waker.take(),
            _ => None,
        };
        self.wake_through(waker, task);
        true
    }

    /// As [`set_wait`](State::set_wait), for a wait that brings nothing with it: it is removed as well, however
    /// far it has come, and its future finds it gone.
    #[cfg(feature = "net")]
    pub(crate) fn end_wait(&mut self, key: WaitKey) {
        self.set_wait(key);
        self.remove_wait(key);
    }

    /// Removes a wait from its scope, from what it waits for, and takes back what it raised.
    pub(crate) fn remove_wait(&mut self, key: WaitKey) {
        let Some(Wait { place, in_scope, raised, target, .. }) = self.waits.remove(key) else {
            return;
        };
        if raised {
            self.lower(place);
        }
        if place.task != NIL {
            let (list, waits) = self.waits_in(place);
            list.unlink(waits, key.index(), in_scope);
        }
        let awaited = match target {
            Kept::Task(task, observer) => Some((task, observer)),
            Kept::Aside(aside) => self.remove_aside(aside),
            _ => None,
        };
        if let Some((task, observer)) = awaited {
            self.stop_awaiting(task, key, observer);
        }
    }

    /// The task it was for, and our observer there, if it was for one.
    #[cold]
    fn remove_aside(&mut self, aside: u32) -> Option<(u32, u32)> {
        let aside = self.asides.remove(self.asides.key_at(aside))?;
        let awaited = match aside.target {
            Target::Task(task, observer) => Some((task, observer)),
            _ => None,
        };
        self.add_errand(Errand::DropAside(aside));
        awaited
    }

    /// What a wait is for.
    pub(crate) fn target(&self, index: u32) -> Target {
        self.waits[index].target.target(&self.asides)
    }

    /// The wait for a task needed an observer.
    pub(crate) fn note_observer(&mut self, key: WaitKey, observer: u32) {
        match &mut self.waits[key.index()].target {
            Kept::Task(_, noted) => *noted = observer,
            &mut Kept::Aside(aside) => {
                if let Target::Task(_, noted) = &mut self.asides[aside].target {
                    *noted = observer;
                }
            }
            _ => {}
        }
    }

    /// Raises in the wait's scope: the scope drops its body when the running poll comes back to it.
    pub(crate) fn raise_from(&mut self, index: u32) {
        let wait = &mut self.waits[index];
        if !std::mem::replace(&mut wait.raised, true) {
            let place = wait.place;
            self.raise(place);
        }
    }

    /// Is the wait part of what its task is suspended on? A wait polled with its task's own waker is
    /// polled in every step for as long as it is awaited; one left behind (a `&mut task` that lost a
    /// `select!`) is not.
    pub(crate) fn is_awaited(&self, index: u32) -> bool {
        let wait = &self.waits[index];
        let foreign =
            matches!(wait.target, Kept::Aside(aside) if self.asides[aside].waker.is_some());
        foreign || wait.polled == self.tasks[wait.place.task].last_step
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
            self.move_wait(index, from, to);
            let wait = &mut self.waits[index];
            // The await that forwarded a request, or raised, is gone; a later one is not cancelled by it.
            wait.forwarded = false;
            wait.raised = false;
        }
    }

    #[cold]
    fn move_wait(&mut self, index: u32, from: Place, to: Place) {
        if from.task != NIL {
            let (list, waits) = self.waits_in(from);
            list.remove(waits, index);
        }
        self.waits[index].place = to;
        self.link_wait(index, to);
    }

    /// What a task waits for, in words, for a deadlock report.
    pub(crate) fn waits_of(&self, task: u32) -> Vec<String> {
        let root = Place::task(task);
        let mut words = Vec::new();
        let mut next = Some(self.first_leaf(root));
        while let Some(leaf) = next {
            let mut wait = self.node(leaf).waits.head;
            while wait != NIL {
                words.push(self.describe(&self.target(wait)));
                wait = self.next_wait(wait);
            }
            next = self.next_leaf(leaf, root);
        }
        words
    }

    fn describe(&self, target: &Target) -> String {
        match target {
            Target::Plain(what) => what.text().to_owned(),
            Target::Task(task, _) => format!("task `{}`", self.task_name(*task)),
            Target::Forward(shared) => shared.describe(),
            #[cfg(feature = "net")]
            &Target::Io(source, direction) => self.describe_io(source, direction),
            &Target::Lock(label) => self.describe_lock(label),
        }
    }

    #[inline]
    fn link_wait(&mut self, index: u32, place: Place) {
        if place.task != NIL {
            let (list, waits) = self.waits_in(place);
            list.push_back(waits, index);
        }
    }

    fn waits_in(&mut self, place: Place) -> (&mut List, &mut Waits) {
        let node = match place.scope {
            NIL => &mut self.tasks[place.task].root,
            scope => &mut self.scopes[scope].node,
        };
        (&mut node.waits, &mut self.waits)
    }
}
