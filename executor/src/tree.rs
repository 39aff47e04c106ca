//! The tree of scopes in a task: walking it, and what each place in it holds.
//!
//! What a request does to a place is noted as the *depth of its aim*, the smallest one if several merge (0 is
//! the task). So a scope that is dropped before its turn knows whether what it held was meant for itself
//! alone, or must be handed back.

use crate::keyed::Key;
use crate::lists::{List, NIL};
use crate::state::{Place, State};
use crate::tasks::Flag;

/// A depth no scope has: nothing is due, nothing is pending.
pub(crate) const NONE: u16 = u16::MAX;

/// What a place in the tree holds; a scope's, or the task's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// What the code directly in this scope waits for.
    pub(crate) waits: List,
    pub(crate) children: List,
    pub(crate) depth: u16,
    /// A delivery is to be made when this place is polled next; for the task, on its next step.
    pub(crate) due: u16,
    /// A request waits for the next suspension or the next step (rule C1).
    pub(crate) pending: u16,
    /// How many `resume`s and forwarding waits want this place's body dropped.
    raised: u16,
}

impl Node {
    pub(crate) const fn new(depth: u16) -> Node {
        Node {
            waits: List::EMPTY,
            children: List::EMPTY,
            depth,
            due: NONE,
            pending: NONE,
            raised: 0,
        }
    }

    /// Nothing waits and no scope is open directly in this place.
    pub(crate) fn is_bare(&self) -> bool {
        self.waits == List::EMPTY && self.children == List::EMPTY
    }

    pub(crate) fn is_due(&self) -> bool {
        self.due != NONE
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.pending != NONE
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised > 0
    }
}

impl State {
    pub(crate) fn node(&self, place: Place) -> &Node {
        if place.is_task() { &self.tasks[place.task].root } else { &self.scopes[place.scope].node }
    }

    pub(crate) fn node_mut(&mut self, place: Place) -> &mut Node {
        if place.is_task() {
            &mut self.tasks[place.task].root
        } else {
            &mut self.scopes[place.scope].node
        }
    }

    /// A task has ended: futures of ours that outlive it stand in no tree any more.
    pub(crate) fn detach_places(&mut self, task: u32) {
        let root = Place::task(task);
        while self.node(root).children.head != NIL {
            self.unlink_scope(self.node(root).children.head);
        }
        if self.node(root).waits.head != NIL {
            self.rehome_waits(root, Place::NOWHERE);
        }
    }

    /// The first innermost scope below `place`, which may be `place` itself.
    pub(crate) fn first_leaf(&self, mut place: Place) -> Place {
        loop {
            match self.node(place).children.head {
                NIL => return place,
                child => place.scope = child,
            }
        }
    }

    /// The innermost scope after `leaf` among those below `top`.
    pub(crate) fn next_leaf(&self, leaf: Place, top: Place) -> Option<Place> {
        let mut place = leaf;
        while place != top {
            match self.scopes[place.scope].siblings.next {
                NIL => place = self.outer(place),
                next => return Some(self.first_leaf(Place { scope: next, ..place })),
            }
        }
        None
    }

    /// The place around a scope.
    pub(crate) fn outer(&self, place: Place) -> Place {
        Place { scope: self.scopes[place.scope].parent, ..place }
    }

    /// Moves every pending request of a task down to the innermost scopes below where it was aimed.
    pub(crate) fn sink_pending(&mut self, task: u32) {
        let root = Place::task(task);
        let mut next = Some(self.first_leaf(root));
        while let Some(leaf) = next {
            let pending = self.pending_on_path(leaf);
            self.node_mut(leaf).pending = pending;
            next = self.next_leaf(leaf, root);
        }
        let mut next = Some(self.first_leaf(root));
        while let Some(leaf) = next {
            let mut place = leaf;
            while !place.is_task() {
                place = self.outer(place);
                self.node_mut(place).pending = NONE;
            }
            next = self.next_leaf(leaf, root);
        }
    }

    fn pending_on_path(&self, leaf: Place) -> u16 {
        let mut place = leaf;
        let mut pending = self.node(leaf).pending;
        while !place.is_task() {
            place = self.outer(place);
            pending = pending.min(self.node(place).pending);
        }
        pending
    }

    /// Takes the pending request off one place.
    pub(crate) fn take_pending(&mut self, place: Place) -> Option<u16> {
        let pending = std::mem::replace(&mut self.node_mut(place).pending, NONE);
        (pending != NONE).then_some(pending)
    }

    pub(crate) fn set_pending(&mut self, place: Place, depth: u16) {
        let node = self.node_mut(place);
        node.pending = node.pending.min(depth);
        self.tasks[place.task].set(Flag::Asked);
    }

    pub(crate) fn depth(&self, place: Place) -> u16 {
        self.node(place).depth
    }

    /// The body of an innermost scope is to be dropped at its await point; wakes what will do it.
    pub(crate) fn mark_due(&mut self, leaf: Place, depth: u16) {
        let node = self.node_mut(leaf);
        node.due = node.due.min(depth);
        match leaf.scope {
            NIL => self.wake(leaf.task),
            scope => {
                let waker = self.scopes[scope].waker.take();
                self.wake_through(waker, leaf.task);
            }
        }
    }

    /// Wants the body of `place` dropped in the poll that is running (the contract's "raise").
    pub(crate) fn raise(&mut self, place: Place) {
        if place.task != NIL {
            let node = self.node_mut(place);
            node.raised = node.raised.saturating_add(1);
        }
    }

    /// Withdraws one raise.
    pub(crate) fn lower(&mut self, place: Place) {
        if place.task != NIL {
            let node = self.node_mut(place);
            node.raised = node.raised.saturating_sub(1);
        }
    }

    pub(crate) fn take_raise(&mut self, key: Key) -> bool {
        let node = &mut self.scopes[key.index].node;
        std::mem::take(&mut node.raised) > 0
    }
}
