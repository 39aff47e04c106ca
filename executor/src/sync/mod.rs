//! Synchronisation between the tasks of one loop: asyncio's `locks.py` and `queues.py`, wake-up for
//! wake-up.
//!
//! | here | asyncio | what it is for |
//! |---|---|---|
//! | [`Event`] | `Event` | a flag that many tasks wait for |
//! | [`Lock`] | `Lock` | one task at a time, across awaits |
//! | [`RwLock`] | | many readers or one writer |
//! | [`Semaphore`] | `Semaphore`, `BoundedSemaphore` | so many tasks at a time |
//! | [`Condition`] | `Condition` | wait until what a lock guards has changed |
//! | [`Barrier`] | `Barrier` | wait until so many tasks have come |
//! | [`Queue`], [`LifoQueue`], [`PriorityQueue`] | the same | hand items from task to task |
//! | [`OnceCell`] | | initialise once, with an await |
//!
//! All of them work by reference or in an `Rc`, belong to one thread, and can be made before there is a
//! loop: only waiting needs one. Who waits is served in order of arrival, and a waiter that is cancelled
//! passes on what it had been granted and not yet seen (rule C6).
//!
//! Read `waiters.rs` first, then `event.rs` and `lock.rs`; everything else is made of these.

mod barrier;
mod condition;
mod error;
mod event;
mod label;
mod lock;
mod once;
mod queue;
mod rwlock;
mod semaphore;
mod storage;
mod waiters;

pub use barrier::Barrier;
pub use condition::Condition;
pub use error::{
    BrokenBarrier, GetError, NotLocked, OverRelease, PutError, QueueShutDown, TooManyTaskDone,
};
pub use event::Event;
pub(crate) use label::Label;
pub use lock::{Lock, LockGuard};
pub use once::OnceCell;
pub use queue::{LifoQueue, PriorityQueue, Queue, QueueOf};
pub use rwlock::{ReadGuard, RwLock, WriteGuard};
pub use semaphore::{Permit, Semaphore};
pub use storage::{Fifo, Lifo, Smallest, Storage};
