//! `PriorityScheduler`: high before normal before low, so many at a time.

use std::cmp::Ordering;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use super::crew::{Crew, Shutdown, SubmitError};
use super::ticket::{Queued, Ticket, ticket};
use crate::sync::Smallest;
use crate::time;

/// How soon work is begun: before all that waits with a lower priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before everything else.
    High,
    /// Between the two.
    #[default]
    Normal,
    /// When nothing else is to do.
    Low,
}

/// Does work by priority, so much at a time, and among equals in order of arrival. Work that has begun is not
/// interrupted for the sake of more urgent work.
///
/// ```
/// use wheelhouse::{run, schedule::{Priority, PriorityScheduler, Shutdown}};
///
/// run(async {
///     let scheduler = PriorityScheduler::new(1);
///     for (priority, name) in [(Priority::Low, "sweep"), (Priority::High, "extinguish")] {
///         scheduler.spawn(priority, async move { println!("{name}") }).unwrap().detach();
///     }
///     scheduler.shutdown(Shutdown::Drain).await; // prints: extinguish, sweep
/// })
/// .unwrap();
/// ```
///
/// A scheduler that is dropped takes nothing more; what it has is done.
pub struct PriorityScheduler {
    crew: Crew<Smallest<Ranked>>,
    ageing: Option<Duration>,
}

impl PriorityScheduler {
    /// A scheduler that does so much at a time.
    ///
    /// # Panics
    ///
    /// With a limit of zero; and outside a running loop.
    #[track_caller]
    #[must_use = "a scheduler that is dropped takes no work"]
    pub fn new(limit: usize) -> PriorityScheduler {
        PriorityScheduler { crew: Crew::new(limit, 0, |ranked: Ranked| ranked.job), ageing: None }
    }

    /// Lets nothing starve: what has waited for `step` longer counts one priority higher, and what has waited
    /// for twice as long two. Without this low waits for as long as there is anything higher.
    #[must_use = "a scheduler that is dropped takes no work"]
    pub fn ageing(mut self, step: Duration) -> PriorityScheduler {
        self.ageing = Some(step);
        self
    }

    /// Adds work, at any time.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Closed`], if the scheduler was shut down. The work is then dropped.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub fn spawn<F: Future + 'static>(
        &self,
        priority: Priority,
        work: F,
    ) -> Result<Ticket<F::Output>, SubmitError> {
        let (job, ticket) = ticket(work);
        self.crew.put_nowait(Ranked { rank: self.rank(priority), job })?;
        Ok(ticket)
    }

    /// How much waits to be begun.
    #[must_use = "this only looks"]
    pub fn queued(&self) -> usize {
        self.crew.queued()
    }

    /// Takes nothing more, and waits until what is to be done is done. Must not be awaited by work of the
    /// scheduler.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the shutdown goes on without the waiter, and can be waited for again.
    pub async fn shutdown(&self, how: Shutdown) {
        self.crew.shutdown(how).await;
    }

    /// Who has waited for `step` longer overtakes the next higher priority: so a rank is a time, and a
    /// priority a head start, and no rank ever changes in the queue.
    fn rank(&self, priority: Priority) -> (Priority, Duration) {
        match self.ageing {
            None => (priority, Duration::ZERO),
            Some(step) => {
                let handicap = step.saturating_mul(priority as u32);
                (Priority::High, time().saturating_add(handicap))
            }
        }
    }
}

impl fmt::Debug for PriorityScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriorityScheduler")
            .field("crew", &self.crew)
            .field("ageing", &self.ageing)
            .finish()
    }
}

/// Work in the queue: the smaller the rank, the sooner.
struct Ranked {
    rank: (Priority, Duration),
    job: Queued,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Ranked {}
