//! The objects that a program declares.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use wheelhouse::sync::{
    Barrier, Condition, Event, GetError, LifoQueue, Lock, PriorityQueue, PutError, Queue, QueueOf,
    Semaphore, Storage,
};
use wheelhouse::{Promise, promise};

use crate::error::Error;
use crate::program::{Name, Objects as Declared, QueueKind, Value};

/// Shared objects by name.
pub(crate) struct Objects {
    pub(crate) events: HashMap<Name, Event>,
    pub(crate) locks: HashMap<Name, Lock>,
    pub(crate) sems: HashMap<Name, Semaphore>,
    pub(crate) queues: HashMap<Name, Box<dyn AnyQueue>>,
    pub(crate) conds: HashMap<Name, Condition>,
    pub(crate) barriers: HashMap<Name, Barrier>,
    futs: RefCell<HashMap<Name, Promise<Value>>>,
}

impl Objects {
    pub(crate) fn new(declared: &Declared) -> Objects {
        let name = |name: &Name| Arc::clone(name);
        let sem = |sem: &crate::program::Sem| match sem.bounded {
            true => Semaphore::bounded(sem.value),
            false => Semaphore::new(sem.value),
        };
        Objects {
            events: declared.events.iter().map(|n| (name(n), Event::new())).collect(),
            locks: declared.locks.iter().map(|n| (name(n), Lock::new(()))).collect(),
            sems: declared.sems.iter().map(|(n, s)| (name(n), sem(s))).collect(),
            queues: declared.queues.iter().map(|(n, q)| (name(n), queue(q.kind, q.max))).collect(),
            conds: declared.conds.iter().map(|n| (name(n), Condition::new(()))).collect(),
            barriers: declared.barriers.iter().map(|(n, p)| (name(n), Barrier::new(*p))).collect(),
            futs: RefCell::default(),
        }
    }

    /// Makes the bare futures. Unlike the other objects they need a running loop.
    pub(crate) fn promise_all(&self, declared: &Declared) {
        let mut futs = self.futs.borrow_mut();
        futs.extend(declared.futs.iter().map(|name| (Arc::clone(name), promise().0)));
    }

    pub(crate) fn fut(&self, name: &Name) -> Promise<Value> {
        self.futs.borrow()[name].clone()
    }
}

fn queue(kind: QueueKind, max: usize) -> Box<dyn AnyQueue> {
    match kind {
        QueueKind::Fifo => Box::new(Queue::new(max)),
        QueueKind::Lifo => Box::new(LifoQueue::new(max)),
        QueueKind::Priority => Box::new(PriorityQueue::new(max)),
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + 'a>>;

/// A queue of any kind.
pub(crate) trait AnyQueue {
    fn put(&self, value: Value) -> Boxed<'_, ()>;
    fn get(&self) -> Boxed<'_, Value>;
    fn put_nowait(&self, value: Value) -> Result<(), Error>;
    fn get_nowait(&self) -> Result<Value, Error>;
    fn task_done(&self) -> Result<(), Error>;
    fn join(&self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
    fn shutdown(&self, immediate: bool);
}

impl<S: Storage<Item = Value>> AnyQueue for QueueOf<S> {
    fn put(&self, value: Value) -> Boxed<'_, ()> {
        Box::pin(async move { self.put(value).await.map_err(|_| Error::SHUT_DOWN) })
    }

    fn get(&self) -> Boxed<'_, Value> {
        Box::pin(async { self.get().await.map_err(|_| Error::SHUT_DOWN) })
    }

    fn put_nowait(&self, value: Value) -> Result<(), Error> {
        self.put_nowait(value).map_err(|refused| match refused {
            PutError::Full(_) => Error::Library("QueueFull"),
            PutError::ShutDown(_) => Error::SHUT_DOWN,
            other => Error::Foreign(other.to_string()),
        })
    }

    fn get_nowait(&self) -> Result<Value, Error> {
        self.get_nowait().map_err(|refused| match refused {
            GetError::Empty => Error::Library("QueueEmpty"),
            GetError::ShutDown => Error::SHUT_DOWN,
            other => Error::Foreign(other.to_string()),
        })
    }

    fn task_done(&self) -> Result<(), Error> {
        self.task_done().map_err(|_| Error::VALUE)
    }

    fn join(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(self.join())
    }

    fn shutdown(&self, immediate: bool) {
        self.shutdown(immediate);
    }
}
