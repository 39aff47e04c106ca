//! Work by the clock, by rank and by need: what a program would otherwise build from tasks and sleeps.
//!
//! | here | in Python | what for |
//! |---|---|---|
//! | [`every`] | `while True: ...; await sleep(period)` | the same work again and again |
//! | [`once_after`], [`once_at`] | `threading.Timer`, `loop.call_later` | work that waits for its time |
//! | [`retry`], [`Backoff`] | `tenacity` | attempts, with pauses between them |
//! | [`RateLimiter`] | `aiolimiter` | so many in so much time |
//! | [`WorkerPool`] | `concurrent.futures` executors | so many workers, and a queue with so much room |
//! | [`PriorityScheduler`] | `PriorityQueue` and workers | high before normal before low |
//! | [`Sched`] | `sched.scheduler` | actions by time and priority, one after another |
//! | [`Scheduler`], [`Job`] | `APScheduler` | jobs by the clock on the wall, to be changed while they run |
//! | [`Graph`] | `graphlib`, and tasks | tasks that need each other's results |
//!
//! All of it is made of the crate's public parts: tasks, sleeps, queues. So it can be read as a set of
//! examples, and rebuilt outside where it does not fit. The guide, with the Python beside it, is
//! `docs/scheduling.md`.

mod backoff;
mod crew;
#[cfg(feature = "cron")]
mod cron;
#[cfg(feature = "cron")]
mod cron_fields;
mod every;
mod graph;
mod graph_run;
mod job;
mod job_table;
mod once;
mod pool;
mod priority;
mod race;
mod random;
mod rate;
mod retry;
mod sched;
mod scheduler;
mod ticket;
mod trigger;

pub use backoff::Backoff;
pub use crew::{Shutdown, SubmitError};
#[cfg(feature = "cron")]
pub use cron::{Cron, CronError};
pub use every::{Every, Periodic, every};
pub use graph::{Graph, GraphError, Inputs, Node, NodeError, Outcomes};
pub use job::{Job, JobEvent, JobInfo, RunOutcome, ScheduleError};
pub use once::{Once, once_after, once_at};
pub use pool::WorkerPool;
pub use priority::{Priority, PriorityScheduler};
pub use random::Random;
pub use rate::RateLimiter;
pub use retry::{Retry, RetryError, retry};
pub use sched::{NoSuchEvent, Sched, SchedEvent};
pub use scheduler::{ListenerId, Scheduler};
pub use ticket::{JobError, Ticket};
pub use trigger::{DateTrigger, IntervalTrigger, Trigger};
