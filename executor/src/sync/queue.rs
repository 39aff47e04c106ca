//! [`Queue`], [`LifoQueue`] and [`PriorityQueue`]: asyncio's queues, one implementation over three ways to
//! keep items.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::{GetError, PutError, QueueShutDown, TooManyTaskDone};
use super::event::Event;
use super::storage::{Fifo, Lifo, Smallest, Storage};
use super::waiters::{Stage, Turn, Waiters};
use crate::target::{Target, What};

/// A queue that gives items out in the order they came in.
///
/// ```
/// use std::rc::Rc;
/// use wheelhouse::{run, spawn, sync::Queue};
///
/// run(async {
///     let queue = Rc::new(Queue::new(1));
///     let consumer = spawn({
///         let queue = Rc::clone(&queue);
///         async move {
///             let mut sum = 0;
///             while let Ok(item) = queue.get().await {
///                 sum += item;
///             }
///             sum
///         }
///     });
///     for item in 1..=4 {
///         queue.put(item).await.unwrap(); // waits while the queue is full
///     }
///     queue.shutdown(false);
///     assert_eq!(consumer.await.unwrap(), 10);
/// })
/// .unwrap();
/// ```
pub type Queue<T> = QueueOf<Fifo<T>>;

/// A queue that gives out the item that came in last: see [`Queue`].
pub type LifoQueue<T> = QueueOf<Lifo<T>>;

/// A queue that gives out the smallest item, and of equal ones the one that came first: see [`Queue`].
///
/// Items are compared while the queue is in use: an `Ord` that looks into the same queue panics.
///
/// ```
/// use wheelhouse::sync::PriorityQueue;
///
/// let queue = PriorityQueue::unbounded();
/// queue.put_nowait((2, "wash up")).unwrap();
/// queue.put_nowait((1, "put out the fire")).unwrap();
/// assert_eq!(queue.get_nowait(), Ok((1, "put out the fire")));
/// ```
pub type PriorityQueue<T> = QueueOf<Smallest<T>>;

/// What [`Queue`], [`LifoQueue`] and [`PriorityQueue`] have in common; `S` keeps the items.
pub struct QueueOf<S: Storage> {
    items: RefCell<S>,
    /// Zero for no limit.
    max: usize,
    getters: Waiters,
    putters: Waiters,
    /// Items put and not yet reported done.
    unfinished: Cell<usize>,
    /// Set while nothing is unfinished.
    finished: Event,
    shut_down: Cell<bool>,
}

impl<S: Storage> QueueOf<S> {
    /// A queue for so many items; zero for no limit.
    #[must_use = "a queue does nothing by itself"]
    pub fn new(max: usize) -> Self {
        let finished = Event::new();
        finished.set();
        QueueOf {
            items: RefCell::default(),
            max,
            getters: Waiters::new(),
            putters: Waiters::new(),
            unfinished: Cell::new(0),
            finished,
            shut_down: Cell::new(false),
        }
    }

    /// A queue for as many items as there is memory.
    #[must_use = "a queue does nothing by itself"]
    pub fn unbounded() -> Self {
        QueueOf::new(0)
    }

    /// Puts an item in, and waits for room if there is none.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] with the item, if the queue is or was shut down.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe with clones: a cancelled put has not put the item in, and drops it.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn put(&self, item: S::Item) -> Result<(), QueueShutDown<S::Item>> {
        if self.blocks(Side::Put) {
            InLine::new(self, Side::Put).await;
        }
        self.put_nowait(item).map_err(|refused| QueueShutDown(refused.into_inner()))
    }

    /// Puts an item in, if there is room.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, if the queue is full or was shut down.
    pub fn put_nowait(&self, item: S::Item) -> Result<(), PutError<S::Item>> {
        if self.is_shut_down() {
            return Err(PutError::ShutDown(item));
        }
        if self.is_full() {
            return Err(PutError::Full(item));
        }
        self.items.borrow_mut().push(item);
        self.unfinished.set(self.unfinished.get() + 1);
        self.finished.clear();
        self.getters.wake(1);
        Ok(())
    }

    /// Takes an item out, and waits for one if there is none.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`], if the queue was shut down and is empty.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: an item is taken out when it is returned, not before.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn get(&self) -> Result<S::Item, QueueShutDown> {
        if self.blocks(Side::Get) {
            InLine::new(self, Side::Get).await;
        }
        self.get_nowait().map_err(|_| QueueShutDown(()))
    }

    /// Takes an item out, if there is one.
    ///
    /// # Errors
    ///
    /// [`GetError`], if the queue is empty; it says whether the queue was shut down, too.
    pub fn get_nowait(&self) -> Result<S::Item, GetError> {
        let item = self.items.borrow_mut().pop();
        match item {
            Some(item) => {
                self.putters.wake(1);
                Ok(item)
            }
            None if self.is_shut_down() => Err(GetError::ShutDown),
            None => Err(GetError::Empty),
        }
    }

    /// Reports that an item that was taken out has been dealt with: see [`join`](QueueOf::join).
    ///
    /// # Errors
    ///
    /// [`TooManyTaskDone`], if that was reported for every item already.
    pub fn task_done(&self) -> Result<(), TooManyTaskDone> {
        let left = self.unfinished.get().checked_sub(1).ok_or(TooManyTaskDone)?;
        self.unfinished.set(left);
        self.finish_if_done();
        Ok(())
    }

    /// Waits until every item that was put in has been reported done.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing is lost with it.
    ///
    /// # Panics
    ///
    /// Outside a running loop, if it must suspend.
    pub async fn join(&self) {
        if self.unfinished.get() > 0 {
            self.finished.wait_as(What::ItemsDone).await;
        }
    }

    /// Ends the queue: from now on nothing can be put in, and who waits to put gets an error. What is in
    /// the queue can still be got; `immediate` drops it, and reports it done.
    pub fn shutdown(&self, immediate: bool) {
        self.shut_down.set(true);
        let drained = if immediate { self.items.take() } else { S::default() };
        if immediate {
            self.unfinished.set(self.unfinished.get().saturating_sub(drained.count()));
            self.finish_if_done();
        }
        self.getters.wake_all();
        self.putters.wake_all();
        drop(drained);
    }

    /// How many items are in the queue.
    #[must_use = "this only looks"]
    pub fn len(&self) -> usize {
        self.items.borrow().count()
    }

    /// Is there no item?
    #[must_use = "this only looks"]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is there no room?
    #[must_use = "this only looks"]
    pub fn is_full(&self) -> bool {
        self.max > 0 && self.len() >= self.max
    }

    /// How many items there is room for in all; zero for no limit.
    #[must_use = "this only looks"]
    pub fn max(&self) -> usize {
        self.max
    }

    /// Was it shut down?
    #[must_use = "this only looks"]
    pub fn is_shut_down(&self) -> bool {
        self.shut_down.get()
    }

    fn finish_if_done(&self) {
        if self.unfinished.get() == 0 {
            self.finished.set();
        }
    }
}

impl<S: Storage> Default for QueueOf<S> {
    fn default() -> Self {
        QueueOf::unbounded()
    }
}

impl<S: Storage> fmt::Debug for QueueOf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("max", &self.max)
            .field("getters", &self.getters.len())
            .field("putters", &self.putters.len())
            .field("unfinished", &self.unfinished.get())
            .field("shut_down", &self.is_shut_down())
            .finish()
    }
}

/// Who waits at a queue.
#[derive(Clone, Copy)]
enum Side {
    Get,
    Put,
}

/// The loop around asyncio's `await getter` and `await putter`: over when there is an item, or room, or
/// the queue is shut down.
struct InLine<'a, S: Storage> {
    queue: &'a QueueOf<S>,
    side: Side,
    turn: Turn<'a>,
}

impl<'a, S: Storage> InLine<'a, S> {
    fn new(queue: &'a QueueOf<S>, side: Side) -> Self {
        InLine { queue, side, turn: Turn::new(queue.waiters(side)) }
    }
}

impl<S: Storage> Future for InLine<'_, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let InLine { queue, side, turn } = self.get_mut();
        if turn.resume(cx) == Stage::Waiting {
            return Poll::Pending;
        }
        if !queue.blocks(*side) {
            return Poll::Ready(());
        }
        turn.enter(side.call(), &side.target(), (), cx);
        Poll::Pending
    }
}

impl<S: Storage> Drop for InLine<'_, S> {
    /// Woken, and dropped before it could make use of that: the next one in line is told instead.
    fn drop(&mut self) {
        if self.turn.leave() && !self.queue.lacks(self.side) {
            self.queue.waiters(self.side).wake(1);
        }
    }
}

impl<S: Storage> QueueOf<S> {
    /// Must one wait?
    fn blocks(&self, side: Side) -> bool {
        self.lacks(side) && !self.is_shut_down()
    }

    /// Is there no item to get, or no room to put one?
    fn lacks(&self, side: Side) -> bool {
        match side {
            Side::Get => self.is_empty(),
            Side::Put => self.is_full(),
        }
    }

    fn waiters(&self, side: Side) -> &Waiters {
        match side {
            Side::Get => &self.getters,
            Side::Put => &self.putters,
        }
    }
}

impl Side {
    fn call(self) -> &'static str {
        match self {
            Side::Get => "Queue::get",
            Side::Put => "Queue::put",
        }
    }

    fn target(self) -> Target {
        Target::Plain(match self {
            Side::Get => What::Item,
            Side::Put => What::Room,
        })
    }
}
