//! The task language as types: what a program is made of. `docs/task-language.md` tells what each
//! statement means.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A name of a task, a handle, a group or a shared object.
pub type Name = Arc<str>;

/// What tasks return and queues carry.
pub type Value = Option<i64>;

/// Statements that run one after the other.
pub type Block = Rc<[Stmt]>;

/// A whole program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Of the language; 1.
    pub version: u32,
    /// What the generator made it from.
    pub seed: u64,
    /// Which part of the generator made it.
    #[serde(default)]
    pub mode: String,
    /// The shared objects it uses.
    #[serde(default)]
    pub objects: Objects,
    /// The body of the main task.
    pub main: Block,
}

/// Declarations of shared objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Objects {
    /// Events, clear.
    pub events: Vec<Name>,
    /// Locks, free.
    pub locks: Vec<Name>,
    /// Semaphores.
    pub sems: BTreeMap<Name, Sem>,
    /// Queues, empty.
    pub queues: BTreeMap<Name, Queue>,
    /// Conditions, each with a lock of its own.
    pub conds: Vec<Name>,
    /// Barriers, and how many parties each waits for.
    pub barriers: BTreeMap<Name, usize>,
    /// Bare futures, pending.
    pub futs: Vec<Name>,
}

/// A semaphore's declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sem {
    /// Permits at the start.
    pub value: usize,
    /// Is it an error to release more than were acquired?
    #[serde(default)]
    pub bounded: bool,
}

/// A queue's declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// In which order it gives its items.
    pub kind: QueueKind,
    /// How many items it holds; 0 is any number.
    pub max: usize,
}

/// The order of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueKind {
    /// First in, first out.
    Fifo,
    /// Last in, first out.
    Lifo,
    /// Smallest first.
    Priority,
}

/// What a statement waits for: a task that exists, or one made on the spot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Child {
    /// A new task.
    New(NewTask),
    /// A task by name; dropped where it does not exist yet.
    Existing {
        /// Its name.
        task: Name,
    },
}

/// A task to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// Its name.
    pub name: Name,
    /// What it does.
    pub body: Block,
}

/// What a `try` catches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Catch {
    /// A cancel.
    Cancel,
    /// Any error.
    Error,
    /// Both.
    Any,
}

/// When a `wait` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitMode {
    /// When one task has ended.
    FirstCompleted,
    /// When one has failed, or all have ended.
    FirstException,
    /// When all have ended.
    AllCompleted,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[expect(missing_docs, reason = "docs/task-language.md has a table of them")]
#[rustfmt::skip] // a line each
pub enum Stmt {
    Log { label: Name },
    Sleep { ms: u64 },
    Spawn(NewTask),
    Cancel { task: Name },
    Uncancel,
    Cancelling,
    Await { of: Child },
    Try { body: Block, catch: Catch, handler: Block, reraise: bool },
    Finally { body: Block, #[serde(rename = "final")] last: Block },
    Raise { error: Name },
    Return { value: Value },
    CallSoon { name: Name, body: Block },
    CallLater { name: Name, ms: u64, body: Block },
    CancelHandle { name: Name },
    AddDoneCallback { task: Name, label: Name, body: Block },
    FutAwait { fut: Name },
    FutSet { fut: Name, value: Value },
    FutErr { fut: Name, error: Name },
    FutCancel { fut: Name },

    Gather { children: Vec<Child>, return_exceptions: bool },
    Wait { children: Vec<Child>, mode: WaitMode, timeout: Option<u64> },
    WaitFor { ms: Option<u64>, of: Child },
    Timeout { name: Name, ms: Option<u64>, body: Block },
    Reschedule { timeout: Name, ms: Option<u64> },
    Shield { of: Child },
    TaskGroup { name: Name, children: Vec<NewTask>, body: Block },
    TgSpawn { group: Name, name: Name, body: Block },
    AsCompleted { children: Vec<Child>, timeout: Option<u64> },

    EventWait { event: Name },
    EventSet { event: Name },
    EventClear { event: Name },
    Lock { lock: Name, body: Block },
    Acquire { lock: Name },
    Release { lock: Name },
    Sem { sem: Name, body: Block },
    SemAcquire { sem: Name },
    SemRelease { sem: Name },
    Put { queue: Name, value: Value },
    Get { queue: Name },
    PutNowait { queue: Name, value: Value },
    GetNowait { queue: Name },
    TaskDone { queue: Name },
    Join { queue: Name },
    Shutdown { queue: Name, immediate: bool },
    Cond { cond: Name, body: Block },
    CondWait { cond: Name },
    CondNotify { cond: Name, n: Option<usize> },
    BarrierWait { barrier: Name },
    BarrierAbort { barrier: Name },
    BarrierReset { barrier: Name },
}
