//! A crew: workers before a queue. What [`WorkerPool`](super::WorkerPool) and
//! [`PriorityScheduler`](super::PriorityScheduler) share; they differ in the queue.

use std::error::Error;
use std::fmt;
use std::rc::Rc;

use super::ticket::Queued;
use crate::sync::{PutError, QueueOf, Storage};
use crate::{ALL_COMPLETED, Task, spawn, wait};

/// What becomes of the work when a pool or a scheduler is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// All of it is done, also what waits in the queue.
    Drain,
    /// What is under way is finished; what waits in the queue is dropped.
    Finish,
    /// What is under way is cancelled; what waits in the queue is dropped.
    Cancel,
}

pub(super) struct Crew<S: Storage> {
    queue: Rc<QueueOf<S>>,
    workers: Vec<Task<()>>,
}

impl<S: Storage + 'static> Crew<S> {
    /// So many workers, before a queue with so much room (zero for no limit).
    #[track_caller]
    pub(super) fn new(workers: usize, room: usize, job_of: fn(S::Item) -> Queued) -> Crew<S> {
        assert!(workers > 0, "no work would ever be done by 0 workers");
        let queue = Rc::new(QueueOf::new(room));
        let worker = || spawn(work(Rc::clone(&queue), job_of));
        let workers = (0..workers).map(|_| worker()).collect();
        Crew { queue, workers }
    }

    pub(super) async fn put(&self, item: S::Item) -> Result<(), SubmitError> {
        self.queue.put(item).await.map_err(|_| SubmitError::Closed)
    }

    pub(super) fn put_nowait(&self, item: S::Item) -> Result<(), SubmitError> {
        self.queue.put_nowait(item).map_err(|refused| match refused {
            PutError::Full(_) => SubmitError::Full { room: self.queue.max() },
            PutError::ShutDown(_) => SubmitError::Closed,
        })
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(super) async fn shutdown(&self, how: Shutdown) {
        self.queue.shutdown(how != Shutdown::Drain);
        if how == Shutdown::Cancel {
            for worker in &self.workers {
                worker.cancel(); // which its await of the work passes on
            }
        }
        wait(&self.workers, ALL_COMPLETED).await.expect("there are workers");
    }
}

impl<S: Storage> Drop for Crew<S> {
    /// Without anybody to submit to them, the workers do what is left, and end.
    fn drop(&mut self) {
        self.queue.shutdown(false);
    }
}

impl<S: Storage> fmt::Debug for Crew<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew")
            .field("workers", &self.workers.len())
            .field("queue", &self.queue)
            .finish()
    }
}

/// A worker's life. How the work ends is the matter of who holds its ticket.
async fn work<S: Storage>(queue: Rc<QueueOf<S>>, job_of: fn(S::Item) -> Queued) {
    while let Ok(item) = queue.get().await {
        if let Some(task) = job_of(item).start() {
            let _ = task.join().await;
        }
    }
}

/// Why work was not taken; it has been dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubmitError {
    /// There is no room in the queue now.
    Full {
        /// How much room there is in all.
        room: usize,
    },
    /// It was shut down.
    Closed,
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubmitError::Full { room } => {
                write!(f, "the queue is full, with room for {room}: wait for room with `submit`")
            }
            SubmitError::Closed => f.write_str("nothing can be submitted after a shutdown"),
        }
    }
}

impl Error for SubmitError {}
