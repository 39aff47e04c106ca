//! `WorkerPool`: so many workers, and a queue with so much room; Python's `ThreadPoolExecutor`, with tasks
//! for threads and a limit to what waits.

use std::fmt;
use std::future::Future;

use super::crew::{Crew, Shutdown, SubmitError};
use super::ticket::{Queued, Ticket, ticket};
use crate::sync::Fifo;

/// Workers that do what is submitted, in order, so many at a time.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{EventLoop, schedule::{Shutdown, WorkerPool}, sleep, time};
///
/// let mut event_loop = EventLoop::builder().virtual_clock().build()?;
/// event_loop.run_until_complete(async {
///     let pool = WorkerPool::new(2, 1); // two workers, and room for one more
///     let mut tickets = Vec::new();
///     for n in 0..4 {
///         let work = async move {
///             sleep(Duration::from_secs(1)).await;
///             n * n
///         };
///         tickets.push(pool.submit(work).await.unwrap()); // waits while there is no room
///     }
///     pool.shutdown(Shutdown::Drain).await;
///     let mut squares = Vec::new();
///     for ticket in tickets {
///         squares.push(ticket.await.unwrap());
///     }
///     assert_eq!((squares, time()), (vec![0, 1, 4, 9], Duration::from_secs(2)));
/// })?;
/// # Ok::<(), wheelhouse::RunError>(())
/// ```
///
/// A pool that is dropped takes nothing more; its workers do what is left, and end.
pub struct WorkerPool {
    crew: Crew<Fifo<Queued>>,
}

impl WorkerPool {
    /// A pool of so many workers, before a queue with room for so many; with a room of zero it has no limit.
    ///
    /// # Panics
    ///
    /// With no workers; and outside a running loop.
    #[track_caller]
    #[must_use = "a pool that is dropped takes no work"]
    pub fn new(workers: usize, room: usize) -> WorkerPool {
        WorkerPool { crew: Crew::new(workers, room, |job| job) }
    }

    /// Puts work into the queue, and waits for room if there is none.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Closed`], if the pool is or was shut down. The work is then dropped.
    ///
    /// # Cancel safety
    ///
    /// A cancelled submission has not happened: the work is dropped, and no worker sees it.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub async fn submit<F: Future + 'static>(
        &self,
        work: F,
    ) -> Result<Ticket<F::Output>, SubmitError> {
        let (job, ticket) = ticket(work);
        self.crew.put(job).await?;
        Ok(ticket)
    }

    /// Puts work into the queue, if there is room.
    ///
    /// # Errors
    ///
    /// [`SubmitError`], if there is no room, or the pool was shut down. The work is then dropped.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub fn try_submit<F: Future + 'static>(
        &self,
        work: F,
    ) -> Result<Ticket<F::Output>, SubmitError> {
        let (job, ticket) = ticket(work);
        self.crew.put_nowait(job)?;
        Ok(ticket)
    }

    /// How much waits in the queue.
    #[must_use = "this only looks"]
    pub fn queued(&self) -> usize {
        self.crew.queued()
    }

    /// Takes nothing more, and waits until the workers have ended. Must not be awaited by work of the pool.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the shutdown goes on without the waiter, and can be waited for again.
    pub async fn shutdown(&self, how: Shutdown) {
        self.crew.shutdown(how).await;
    }
}

impl fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkerPool").field(&self.crew).finish()
    }
}
