//! Cancellation: requests and their delivery, the rules C1 to C9 and C13 as code.
//!
//! A **request** is one call of `cancel`. It counts at once (rule C1), and then, unless the task runs, it is
//! *offered* to what the task is suspended on, in every innermost scope below its aim:
//!
//! ```text
//!   offered to ...                      and so                                   the request is
//!   a plain wait, pending               it is given up, its scope is due         committed
//!   a future of another crate           likewise                                 committed
//!   a task, gather or shared future     that is cancelled, inside this call      committed
//!   a wait that is completing already   refused                                  pending
//!   a bare yield, a task not started    (there is no wait)                       pending
//! ```
//!
//! A pending request becomes due at the task's next step, or is offered again at its next suspension if
//! it was made while the task ran. The **delivery** of what is due is the scope's own: on its next poll it
//! drops its body and resolves to `Err(Cancelled)`.

use std::sync::Arc;

use crate::lists::NIL;
use crate::state::{Place, State};
use crate::target::Target;
use crate::tasks::Flag;
use crate::wait::Progress;

impl State {
    /// One call of `cancel` on a task (rule C1). `false`, and nothing happens, if it has ended.
    pub(crate) fn cancel(&mut self, task: u32, reason: Option<Arc<str>>) -> bool {
        let slot = &mut self.tasks[task];
        if slot.is_done() {
            // Whoever wants it gone does not want to hear how it failed.
            slot.set(Flag::Seen);
            return false;
        }
        slot.cancelling += 1;
        match reason {
            Some(reason) => {
                slot.set(Flag::Labelled);
                slot.unset(Flag::Told);
                self.reasons.set(task, Some(reason));
            }
            None => self.forget_told_reason(task),
        }
        self.aim_request(Place::task(task));
        true
    }

    /// A reason that was told belongs to a delivery that is over: the next cancel is not for it.
    pub(crate) fn forget_told_reason(&mut self, task: u32) {
        if self.tasks[task].is(Flag::Told) {
            self.reasons.clear(task);
        }
    }

    /// Takes one request back, and returns what is left. At zero a request that is still pending is
    /// withdrawn; one that is committed is not (rule C1).
    pub(crate) fn uncancel(&mut self, task: u32) -> u32 {
        let slot = &mut self.tasks[task];
        slot.cancelling = slot.cancelling.saturating_sub(1);
        let left = slot.cancelling;
        if left == 0 && slot.is(Flag::Asked) {
            self.take_each_pending(task, &mut |_, _, _| {});
        }
        left
    }

    /// Offers a request, counted already, that is aimed at a place: a task, or a scope in one (rule C13).
    pub(crate) fn aim_request(&mut self, aim: Place) {
        let mut forwards = Vec::new();
        self.aim_one(aim, &mut forwards);
        if !forwards.is_empty() {
            self.forward(forwards);
        }
    }

    /// Cancels what offers were forwarded to, and what these forward to in turn: depth first, as nested
    /// calls would, but a chain of a million awaits needs no stack (rule C9).
    pub(crate) fn forward(&mut self, mut forwards: Vec<u32>) {
        let mut rest = 0;
        loop {
            forwards[rest..].reverse();
            let Some(task) = forwards.pop() else { return };
            rest = forwards.len();
            let slot = &mut self.tasks[task];
            if !slot.is_done() {
                slot.cancelling += 1;
                self.aim_one(Place::task(task), &mut forwards);
            }
        }
    }

    fn aim_one(&mut self, aim: Place, forwards: &mut Vec<u32>) {
        let depth = self.depth(aim);
        if self.tasks[aim.task].is(Flag::Running) {
            // Rule C2: it takes effect at the next suspension, in whatever scope is innermost then.
            return self.set_pending(aim, depth);
        }
        self.each_leaf(aim, |state, leaf| state.offer(leaf, depth, forwards));
    }

    /// Offers a request, aimed at `depth`, to everything the code of one innermost scope waits for.
    fn offer(&mut self, leaf: Place, depth: u16, forwards: &mut Vec<u32>) {
        let mut answers = Answers::default();
        let mut wait = self.node(leaf).waits.head;
        while wait != NIL {
            if self.is_awaited(wait) {
                answers.note(self.cancel_wait(wait, forwards));
            }
            wait = self.next_wait(wait);
        }
        let foreign = answers.none() && !self.tasks[leaf.task].is(Flag::Queued);
        if answers.given_up || foreign {
            self.mark_due(leaf, depth);
        } else if !answers.forwarded {
            self.set_pending(leaf, depth);
        }
    }

    fn cancel_wait(&mut self, index: u32, forwards: &mut Vec<u32>) -> Answer {
        if self.waits[index].progress != Progress::Pending {
            return Answer::Refused;
        }
        let accepted = match self.target(index) {
            Target::Task(task, _) => {
                let alive = !self.tasks[task].is_done();
                forwards.extend(alive.then_some(task));
                alive
            }
            Target::Forward(shared) => shared.forward(self, forwards),
            // All others are simply given up.
            _ => {
                self.waits[index].progress = Progress::Cancelled;
                return Answer::GivenUp;
            }
        };
        if !accepted {
            return Answer::Refused;
        }
        self.waits[index].forwarded = true;
        Answer::Forwarded
    }

    /// The task's step begins: its pending requests fall due.
    pub(crate) fn deliver(&mut self, task: u32) {
        self.take_each_pending(task, &mut State::mark_due);
    }

    /// The task has suspended: requests made while it ran are offered to what it waits for now.
    pub(crate) fn offer_pending(&mut self, task: u32) {
        let mut forwards = Vec::new();
        self.take_each_pending(task, &mut |state, leaf, depth| {
            state.offer(leaf, depth, &mut forwards);
        });
        self.forward(forwards);
    }

    /// Takes every pending request of a task, for each of the innermost scopes it is for.
    fn take_each_pending(&mut self, task: u32, visit: &mut dyn FnMut(&mut State, Place, u16)) {
        self.sink_pending(task);
        self.tasks[task].unset(Flag::Asked);
        self.each_leaf(Place::task(task), |state, leaf| {
            if let Some(depth) = state.take_pending(leaf) {
                visit(state, leaf, depth);
            }
        });
    }

    fn each_leaf(&mut self, top: Place, mut visit: impl FnMut(&mut State, Place)) {
        let mut next = Some(self.first_leaf(top));
        while let Some(leaf) = next {
            visit(self, leaf);
            next = self.next_leaf(leaf, top);
        }
    }
}

/// What one wait says to a request.
#[derive(Clone, Copy)]
enum Answer {
    GivenUp,
    Forwarded,
    Refused,
}

/// What the waits of one scope said.
#[derive(Default)]
struct Answers {
    given_up: bool,
    forwarded: bool,
    refused: bool,
}

impl Answers {
    fn note(&mut self, answer: Answer) {
        match answer {
            Answer::GivenUp => self.given_up = true,
            Answer::Forwarded => self.forwarded = true,
            Answer::Refused => self.refused = true,
        }
    }

    fn none(&self) -> bool {
        !(self.given_up || self.forwarded || self.refused)
    }
}
