//! What a wait is for, and so what a cancel of it does.
//!
//! Waits are many, so their entries are small: what takes more than a few bytes to say, or is a user's (the
//! waker of a combinator), is kept [`Aside`].

use std::rc::Rc;
use std::task::Waker;

use crate::keyed::{Key, Keyed};
use crate::state::State;

/// What a wait is for.
#[derive(Clone)]
pub(crate) enum Target {
    /// Given up when cancelled.
    Plain(What),
    /// Forwards to a task. Second, the index of our observer there, or [`NIL`](crate::lists::NIL) for its
    /// first awaiter.
    Task(u32, u32),
    /// A side of a source of the reactor. Given up when cancelled.
    #[cfg(feature = "net")]
    Io(Key, crate::reactor::Direction),
    /// Forwards to something made of tasks or waits: a gather, a shared future.
    Forward(Rc<dyn Forward>),
    /// A lock, by its label. Given up when cancelled.
    Lock(Key),
}

/// What a wait can forward a cancel to (rule C9).
pub(crate) trait Forward {
    /// Passes a request on: what it cancels goes onto `tasks`, in order. `false` if nothing there accepts a
    /// request any more.
    fn forward(&self, state: &mut State, tasks: &mut Vec<u32>) -> bool;
    /// What a deadlock report calls it.
    fn describe(&self) -> String;
}

/// A target as the entry of a wait keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Plain(What),
    Task(u32, u32),
    #[cfg(feature = "net")]
    Io(Key, crate::reactor::Direction),
    Lock(Key),
    /// The index of an [`Aside`].
    Aside(u32),
}

/// The target of a wait that holds something of a user's.
pub(crate) struct Aside {
    /// Set where it was polled with a waker that is not its task's own.
    pub(crate) waker: Option<Waker>,
    pub(crate) target: Target,
}

impl Kept {
    #[inline(always)]
    pub(crate) fn new(target: &Target, waker: Option<Waker>, asides: &mut Keyed<Aside>) -> Kept {
        match (target, waker) {
            (&Target::Plain(what), None) => Kept::Plain(what),
            (&Target::Task(task, observer), None) => Kept::Task(task, observer),
            #[cfg(feature = "net")]
            (&Target::Io(source, direction), None) => Kept::Io(source, direction),
            (&Target::Lock(label), None) => Kept::Lock(label),
            (target, waker) => Kept::Aside(put_aside(target.clone(), waker, asides)),
        }
    }

    pub(crate) fn target(self, asides: &Keyed<Aside>) -> Target {
        match self {
            Kept::Plain(what) => Target::Plain(what),
            Kept::Task(task, observer) => Target::Task(task, observer),
            #[cfg(feature = "net")]
            Kept::Io(source, direction) => Target::Io(source, direction),
            Kept::Lock(label) => Target::Lock(label),
            Kept::Aside(index) => asides[index].target.clone(),
        }
    }
}

#[cold]
fn put_aside(target: Target, waker: Option<Waker>, asides: &mut Keyed<Aside>) -> u32 {
    asides.insert(Aside { waker, target }).index
}

/// What a plain wait waits for: a number for a text, so that waits stay small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Event,
    Condition,
    Permit,
    BarrierFull,
    BarrierLeft,
    ReadLock,
    WriteLock,
    Item,
    Room,
    ItemsDone,
    ValueInTheMaking,
    SeveralTasks,
    NextTask,
    Job,
    Children,
    CancelledTask,
    ShieldedTask,
    Sleep,
    Cancel,
}

impl What {
    /// As a deadlock report says it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            What::Event => "an event",
            What::Condition => "a condition",
            What::Permit => "a permit",
            What::BarrierFull => "a barrier to be full",
            What::BarrierLeft => "a barrier to be left",
            What::ReadLock => "a lock to read",
            What::WriteLock => "a lock to write",
            What::Item => "an item of a queue",
            What::Room => "room in a queue",
            What::ItemsDone => "the items of a queue to be done",
            What::ValueInTheMaking => "a value in the making",
            What::SeveralTasks => "a wait for several tasks",
            What::NextTask => "the next of several tasks",
            What::Job => "a job on another thread",
            What::Children => "the children of a task group",
            What::CancelledTask => "a cancelled task",
            What::ShieldedTask => "a shielded task",
            What::Sleep => "a sleep",
            What::Cancel => "a cancel on its way out",
        }
    }
}
