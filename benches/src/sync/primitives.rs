//! What the workloads ask of a library, and how each library answers: as a user of it would, and where
//! there are several ways, the cheapest.

use std::future::Future;
use std::ops::DerefMut;
use std::rc::Rc;

use futures::{SinkExt, StreamExt};

use crate::Runtime;
use crate::runtimes::{Smol, Tokio, Wheelhouse};

/// Mutual exclusion around a number.
pub(super) trait Lock: 'static {
    type Runtime: Runtime;
    fn new() -> Self;
    fn lock(&self) -> impl Future<Output = impl DerefMut<Target = usize>>;
}

/// Permits that are given back when they are dropped.
pub(super) trait Semaphore: 'static {
    type Runtime: Runtime;
    type Permit<'a>;
    fn new(permits: usize) -> Self;
    fn acquire(&self) -> impl Future<Output = Self::Permit<'_>>;
}

/// The sending end of a bounded channel.
pub(crate) trait Sender: Clone + 'static {
    type Runtime: Runtime;
    type Receiver: 'static;
    fn channel(capacity: usize) -> (Self, Self::Receiver);
    fn send(&mut self, item: usize) -> impl Future<Output = ()>;
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = usize>;
}

const OPEN: &str = "both ends are there";

impl Lock for wheelhouse::sync::Lock<usize> {
    type Runtime = Wheelhouse;

    fn new() -> Self {
        Self::new(0)
    }

    fn lock(&self) -> impl Future<Output = impl DerefMut<Target = usize>> {
        self.lock()
    }
}

impl Semaphore for wheelhouse::sync::Semaphore {
    type Runtime = Wheelhouse;
    type Permit<'a> = wheelhouse::sync::Permit<&'a Self>;

    fn new(permits: usize) -> Self {
        Self::new(permits)
    }

    fn acquire(&self) -> impl Future<Output = Self::Permit<'_>> {
        self.acquire()
    }
}

impl Sender for Rc<wheelhouse::sync::Queue<usize>> {
    type Runtime = Wheelhouse;
    type Receiver = Self;

    fn channel(capacity: usize) -> (Self, Self) {
        let queue = Rc::new(wheelhouse::sync::Queue::new(capacity));
        (Rc::clone(&queue), queue)
    }

    async fn send(&mut self, item: usize) {
        self.put(item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self) -> usize {
        receiver.get().await.expect(OPEN)
    }
}

impl Lock for tokio::sync::Mutex<usize> {
    type Runtime = Tokio;

    fn new() -> Self {
        Self::new(0)
    }

    fn lock(&self) -> impl Future<Output = impl DerefMut<Target = usize>> {
        self.lock()
    }
}

impl Semaphore for tokio::sync::Semaphore {
    type Runtime = Tokio;
    type Permit<'a> = tokio::sync::SemaphorePermit<'a>;

    fn new(permits: usize) -> Self {
        Self::new(permits)
    }

    async fn acquire(&self) -> Self::Permit<'_> {
        self.acquire().await.expect(OPEN)
    }
}

impl Sender for tokio::sync::mpsc::Sender<usize> {
    type Runtime = Tokio;
    type Receiver = tokio::sync::mpsc::Receiver<usize>;

    fn channel(capacity: usize) -> (Self, Self::Receiver) {
        tokio::sync::mpsc::channel(capacity)
    }

    async fn send(&mut self, item: usize) {
        Self::send(self, item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self::Receiver) -> usize {
        receiver.recv().await.expect(OPEN)
    }
}

impl Lock for async_lock::Mutex<usize> {
    type Runtime = Smol;

    fn new() -> Self {
        Self::new(0)
    }

    fn lock(&self) -> impl Future<Output = impl DerefMut<Target = usize>> {
        self.lock()
    }
}

impl Semaphore for async_lock::Semaphore {
    type Runtime = Smol;
    type Permit<'a> = async_lock::SemaphoreGuard<'a>;

    fn new(permits: usize) -> Self {
        Self::new(permits)
    }

    fn acquire(&self) -> impl Future<Output = Self::Permit<'_>> {
        self.acquire()
    }
}

impl Sender for async_channel::Sender<usize> {
    type Runtime = Smol;
    type Receiver = async_channel::Receiver<usize>;

    fn channel(capacity: usize) -> (Self, Self::Receiver) {
        async_channel::bounded(capacity)
    }

    async fn send(&mut self, item: usize) {
        Self::send(self, item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self::Receiver) -> usize {
        receiver.recv().await.expect(OPEN)
    }
}

impl Lock for futures::lock::Mutex<usize> {
    type Runtime = Smol;

    fn new() -> Self {
        Self::new(0)
    }

    fn lock(&self) -> impl Future<Output = impl DerefMut<Target = usize>> {
        self.lock()
    }
}

impl Sender for futures::channel::mpsc::Sender<usize> {
    type Runtime = Smol;
    type Receiver = futures::channel::mpsc::Receiver<usize>;

    /// Every sender brings a place of its own along, so that this has room for one more with each clone:
    /// with 100 producers it is the largest of the queues, by far.
    fn channel(capacity: usize) -> (Self, Self::Receiver) {
        futures::channel::mpsc::channel(capacity - 1)
    }

    /// Not `send`, which waits until there is room for the next item as well.
    async fn send(&mut self, item: usize) {
        self.feed(item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self::Receiver) -> usize {
        receiver.next().await.expect(OPEN)
    }
}
