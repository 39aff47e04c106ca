//! Scopes: where a cancel can be caught (rules C3, C4, C13).
//!
//! A scope is to cancellation what `try/except CancelledError` is in Python. The task is the outermost
//! one; a scope future links itself below the place it is polled in. In a task that awaits one thing at
//! a time the tree is a chain; `join!`, `select!` and the like give it branches.
//!
//! ```text
//!   task ──── timeout ──── catch_cancel ── sleep         one chain: the innermost scope is catch_cancel
//!
//!   task ─┬── catch_cancel ── sleep                      join! of two scopes: a request aimed at the
//!         └── timeout ── event                           task goes to both
//! ```

use std::task::Waker;

use timer_wheel::TimerKey;

use crate::delay::Deadline;
use crate::errand::Errand;
use crate::keyed::{Key, Keyed};
use crate::lists::{Linked, Links, NIL};
use crate::state::{Place, Ready, State};
use crate::tasks::Flag;
use crate::tree::{NONE, Node};

/// The message for a scope in a callback, or carried to another loop.
const OUTSIDE: &str = "a scope was polled outside a task of its own loop: spawn a task for it";

/// One scope, from its making until its future is gone and nobody holds a handle to it.
pub(crate) struct Scope {
    pub(crate) node: Node,
    /// The task it was last polled in; [`NIL`] while it stands in no tree.
    pub(crate) task: u32,
    pub(crate) parent: u32,
    pub(crate) siblings: Links,
    /// Set where it was polled with a waker that is not its task's own.
    pub(crate) waker: Option<Waker>,
    /// The requests around the scope when it was entered.
    base: u32,
    phase: Phase,
    /// Somebody aimed a cancel at it: its timer, its handle, its task group.
    called: bool,
    /// The request that made is counted in the task the scope stands in.
    counted: bool,
    /// Loop time, in nanoseconds, at which its timer fires or fired.
    pub(crate) when: Option<u64>,
    timer: Option<TimerKey>,
    /// Which arming of the timer is the valid one: an earlier one's handle may be in the ready queue.
    arming: u32,
    refs: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Created,
    Entered,
    Left,
}

/// What a scope learns on its way out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaving {
    /// A cancel was aimed at the scope itself, and no other request has come around it since it was
    /// entered: a cancel that ended the body was its own.
    pub(crate) own: bool,
    /// Loop time, in nanoseconds, at which its timer fired or would have.
    pub(crate) when: Option<u64>,
}

impl Scope {
    /// Has it been entered, and is this the place around it?
    fn stands_in(&self, outer: Place) -> bool {
        self.phase == Phase::Entered && (self.task, self.parent) == (outer.task, outer.scope)
    }
}

impl Linked for Keyed<Scope> {
    fn links(&mut self, index: u32) -> &mut Links {
        &mut self[index].siblings
    }
}

impl State {
    pub(crate) fn add_scope(&mut self) -> Key {
        self.scopes.insert(Scope {
            node: Node::new(NONE),
            task: NIL,
            parent: NIL,
            siblings: Links::OUT,
            waker: None,
            base: 0,
            phase: Phase::Created,
            called: false,
            counted: false,
            when: None,
            timer: None,
            arming: 0,
            refs: 1,
        })
    }

    /// The scope's future is polled: the scope is the innermost one now, and the place that was is returned.
    /// `None` if a delivery is due: the body is to be dropped instead of polled.
    pub(crate) fn enter_scope(&mut self, key: Key, waker: Option<Waker>) -> Option<Place> {
        let outer = self.current;
        assert!(outer != Place::NOWHERE, "{OUTSIDE}");
        let scope = &mut self.scopes[key.index];
        let replaced = std::mem::replace(&mut scope.waker, waker);
        if !scope.stands_in(outer) {
            self.stand_in(key.index, outer);
        }
        if let Some(waker) = replaced {
            self.add_errand(Errand::DropWaker(waker));
        }
        let node = &mut self.scopes[key.index].node;
        if node.is_due() {
            node.due = NONE;
            return None;
        }
        self.current = Place { task: outer.task, scope: key.index };
        Some(outer)
    }

    /// The poll of the body is over, and the place around the scope the innermost one again. `true` if the
    /// body raised, and is still `pending`: it is to be dropped, in this very poll.
    pub(crate) fn exit_scope(&mut self, key: Key, outer: Place, pending: bool) -> bool {
        self.current = outer;
        pending && self.take_raise(key)
    }

    /// Puts a scope into the tree, where it is polled. A request that came before the first poll is made now.
    fn stand_in(&mut self, index: u32, outer: Place) {
        let scope = &self.scopes[index];
        let first = scope.phase == Phase::Created;
        let called = scope.called;
        self.unlink_scope(index);
        self.link_scope(index, outer);
        if called {
            self.count_request(index);
        }
        if first {
            let base = self.requests_around(outer);
            let scope = &mut self.scopes[index];
            (scope.phase, scope.base) = (Phase::Entered, base);
        }
        if first && called {
            self.aim_request(Place { task: outer.task, scope: index });
        }
    }

    /// Aims a request at a scope (rule C13), once. `false` if it was called before or has been left. One
    /// that has not been entered yet is called on its entry.
    pub(crate) fn call_scope(&mut self, key: Key) -> bool {
        let Some(scope) = self.scopes.get_mut(key) else { return false };
        if scope.called || scope.phase == Phase::Left {
            return false;
        }
        scope.called = true;
        scope.timer = None;
        let task = scope.task;
        if task != NIL {
            self.count_request(key.index);
            self.aim_request(Place { task, scope: key.index });
        }
        true
    }

    /// Counts the request aimed at a scope, if there is one, in the task the scope stands in.
    fn count_request(&mut self, index: u32) {
        let scope = &mut self.scopes[index];
        if scope.called && !scope.counted {
            scope.counted = true;
            let task = scope.task;
            let slot = &mut self.tasks[task];
            slot.cancelling += 1;
            slot.set(Flag::Labelled);
            self.aimed.set(task, self.aimed.get(task) + 1);
            self.forget_told_reason(task);
        }
    }

    /// The request counted for a scope is the scope's no more: it is to be taken back.
    fn disown_request(&mut self, index: u32) {
        let scope = &mut self.scopes[index];
        scope.counted = false;
        let task = scope.task;
        self.aimed.set(task, self.aimed.get(task) - 1);
    }

    /// The requests that may end the code in `place`: all that count, save those aimed at scopes beside it.
    pub(crate) fn requests_around(&self, mut place: Place) -> u32 {
        let slot = &self.tasks[place.task];
        let cancelling = slot.cancelling;
        let mut beside = match slot.is(Flag::Labelled) {
            true => self.aimed.get(place.task),
            false => 0,
        };
        if beside == 0 {
            return cancelling;
        }
        while !place.is_task() {
            beside -= u32::from(self.scopes[place.scope].counted);
            place = self.outer(place);
        }
        cancelling.saturating_sub(beside)
    }

    /// A scope's future has ended, or is gone.
    pub(crate) fn close_scope(&mut self, key: Key) -> Leaving {
        let left = self.leave_scope(key);
        self.release_scope(key);
        left
    }

    /// Takes a scope out of its tree. Its own request is taken back with it; what was aimed further out
    /// and found no delivery here goes back to where it was aimed.
    fn leave_scope(&mut self, key: Key) -> Leaving {
        let scope = &mut self.scopes[key.index];
        let &mut Scope { task, called, base, when, counted, .. } = scope;
        scope.phase = Phase::Left;
        let Node { due, pending, depth, .. } = scope.node;
        let (waker, timer) = (scope.waker.take(), scope.timer.take());
        if let Some(waker) = waker {
            self.add_errand(Errand::DropWaker(waker));
        }
        if let Some(timer) = timer {
            self.waits.disarm(timer);
        }
        if task == NIL {
            return Leaving { own: called, when };
        }
        if counted {
            self.disown_request(key.index);
        }
        let outer = self.unlink_scope(key.index);
        let held = due.min(pending);
        if held < depth {
            self.hand_back(outer, held);
        }
        if counted {
            self.uncancel(task);
        }
        let own = called && self.requests_around(outer) <= base;
        Leaving { own, when }
    }

    pub(crate) fn phase(&self, key: Key) -> Phase {
        self.scopes.get(key).map_or(Phase::Left, |scope| scope.phase)
    }

    pub(crate) fn is_called(&self, key: Key) -> bool {
        self.scopes.get(key).is_some_and(|scope| scope.called)
    }

    pub(crate) fn hold_scope(&mut self, key: Key) {
        self.scopes[key.index].refs += 1;
    }

    /// The scope's future or a handle let go of it.
    pub(crate) fn release_scope(&mut self, key: Key) {
        let scope = &mut self.scopes[key.index];
        scope.refs -= 1;
        if scope.refs == 0 {
            self.scopes.discard(key);
        }
    }

    /// Sets or moves the scope's timer. A time that has come already needs no timer: it is a handle in
    /// the ready queue, as asyncio's `timeout` does it.
    pub(crate) fn set_deadline(&mut self, key: Key, deadline: Option<Deadline>) {
        let scope = &mut self.scopes[key.index];
        if scope.phase == Phase::Left {
            return;
        }
        scope.when = deadline.map(|deadline| deadline.when);
        scope.arming = scope.arming.wrapping_add(1);
        if let Some(timer) = scope.timer.take() {
            self.waits.disarm(timer);
        }
        let Some(deadline) = deadline else { return };
        let handle = Ready::Scope(key, scope.arming);
        if deadline.has_come {
            self.ready.push(handle);
        } else {
            let timer = self.arm(deadline, handle);
            self.scopes[key.index].timer = Some(timer);
        }
    }

    /// The handle of a scope's timer runs.
    pub(crate) fn expire_scope(&mut self, key: Key, arming: u32) {
        if self.scopes.get(key).is_some_and(|scope| scope.arming == arming) {
            self.call_scope(key);
        }
    }

    fn link_scope(&mut self, index: u32, outer: Place) {
        let Node { depth, mut children, .. } = *self.node(outer);
        children.push_back(&mut self.scopes, index);
        self.node_mut(outer).children = children;
        let scope = &mut self.scopes[index];
        scope.task = outer.task;
        scope.parent = outer.scope;
        scope.node.depth = depth.saturating_add(1).min(NONE - 1);
    }

    /// Unlinks a scope; what is below it moves up. Returns the place it stood in.
    pub(crate) fn unlink_scope(&mut self, index: u32) -> Place {
        let &Scope { task, parent, counted, ref node, .. } = &self.scopes[index];
        let outer = Place { task, scope: parent };
        if task == NIL {
            return outer;
        }
        let is_empty = node.waits.is_empty() && node.children.is_empty();
        if counted {
            self.disown_request(index);
            self.uncancel(task);
        }
        if !is_empty {
            self.empty_into(index, outer);
        }
        self.remove_child(outer, index);
        self.scopes[index].task = NIL;
        outer
    }

    /// Moves what is below a scope up to the place around it.
    fn empty_into(&mut self, index: u32, outer: Place) {
        let place = Place { task: outer.task, scope: index };
        self.rehome_waits(place, outer);
        loop {
            let child = self.scopes[index].node.children.head;
            if child == NIL {
                return;
            }
            self.remove_child(place, child);
            self.link_scope(child, outer);
        }
    }

    fn remove_child(&mut self, outer: Place, child: u32) {
        let mut children = self.node(outer).children;
        children.remove(&mut self.scopes, child);
        self.node_mut(outer).children = children;
    }

    /// A request aimed at depth `held` lost the scope it was to be delivered in.
    fn hand_back(&mut self, from: Place, held: u16) {
        let mut aim = from;
        while !aim.is_task() && self.depth(aim) > held {
            aim = self.outer(aim);
        }
        self.aim_request(aim);
    }
}
