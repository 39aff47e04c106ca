//! Blocking work on another thread: asyncio's `to_thread` and `run_in_executor`. The threads are in `pool.rs`.
//!
//! ```text
//!   the loop's thread                                      a thread of the pool
//!   offload(f)   queues the job       ----- job ----->     runs f, keeps its result in the job
//!   the await    suspends                                          |
//!   a turn       reads the mail       <---- message ---------------'
//!                a handle completes the wait: a wake (one turn later, as asyncio's `call_soon_threadsafe`)
//!   the step     takes the result out of the job
//! ```

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::context::{self, Core};
use crate::event_loop::EventLoop;
use crate::keyed::Key;
use crate::offload_error::{JobPanicked, OffloadError, UnfinishedJob};
use crate::pool::{Run, Threads};
use crate::remote::{Message, Remote, unpoisoned};
use crate::run_error::RunError;
use crate::state::State;
use crate::target::{Target, What};
use crate::waits::WaitKey;

/// Runs `job` on a thread of the loop's pool, and gives what it returns, or its panic, as a value. The job
/// is queued by this call, not by the await: jobs that are offloaded one after the other run side by side.
///
/// ```
/// use wheelhouse::{offload, run};
///
/// run(async {
///     let sum = offload(|| (1..=1_000_000_u64).sum::<u64>());
///     let host = offload(|| std::fs::read_to_string("/etc/hostname"));
///     assert_eq!(sum.await.unwrap(), 500_000_500_000);
///     let _ = host.await.unwrap();
/// })
/// .unwrap();
/// ```
///
/// The first job starts the first thread; see [`OffloadPool`](crate::OffloadPool) for how many there may be. A job
/// that wants to tell the loop something while it runs takes a [`LoopHandle`](crate::LoopHandle) along:
///
/// ```
/// use wheelhouse::{LoopHandle, offload, run};
///
/// run(async {
///     let the_loop = LoopHandle::current();
///     let job = offload(move || {
///         let half = the_loop.spawn_threadsafe(|| async { 21 }).unwrap();
///         2 * half.block().unwrap()
///     });
///     assert_eq!(job.await.unwrap(), 42);
/// })
/// .unwrap();
/// ```
///
/// A virtual clock stands still while a job is waited for.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn offload<F, T>(job: F) -> Offload<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let at = Location::caller();
    context::current("offload", |core| {
        let job = Arc::new(Job { at, stage: Mutex::new(Stage::Queued(job)) });
        let key = core.with(|state| state.jobs.insert(None));
        let pool = core.pool();
        let queued = Arc::clone(pool).submit(Arc::clone(&job) as Arc<dyn Run>, key);
        if queued.is_err() {
            core.with(|state| state.jobs.remove(key));
        }
        let (remote, pool) = (Arc::clone(&core.remote), Arc::clone(pool));
        let place = Place { remote, pool, key, wait: None };
        Offload { job, place: queued.map(|()| place).map_err(Some) }
    })
}

impl EventLoop {
    /// Takes no more jobs, and turns until those that there are have ended, or `limit` has passed in real
    /// time: asyncio's `shutdown_default_executor`. Returns the jobs that did not end. They cannot be stopped;
    /// those that have not begun never will once the loop is dropped.
    ///
    /// [`run`](crate::run) and [`Runner`](crate::Runner) do this at their end.
    ///
    /// # Errors
    ///
    /// If a loop runs on this thread already, or the operating system refuses to wait.
    pub fn shutdown_offload(&mut self, limit: Duration) -> Result<Vec<UnfinishedJob>, RunError> {
        let _entered = self.enter("shutdown_offload")?;
        let pool = Arc::clone(self.core.pool());
        pool.close();
        let begun = Instant::now();
        // A job nobody waits for holds no virtual clock, but it is waited for now.
        let awaited = self.core.with(|state| state.jobs.insert(None));
        let mut turned = Ok(());
        loop {
            let unfinished = pool.unfinished();
            let left = limit.saturating_sub(begun.elapsed());
            if unfinished.is_empty() || left.is_zero() || turned.is_err() {
                self.core.with(|state| state.jobs.remove(awaited));
                return turned.map(|()| unfinished);
            }
            turned = self.turn(Some(left));
        }
    }
}

/// A job on another thread: see [`offload`].
///
/// # Cancel safety
///
/// Dropping it takes a job that has not begun out of the queue: it never runs. A job that runs cannot be
/// stopped: it is disowned, runs to its end, and what it returns is dropped on its thread. With `&mut`
/// nothing is lost. A cancel gives the wait up at once, as that of a sleep.
#[must_use = "dropping it takes the job back if it has not begun; `spawn` it to let it run unattended"]
pub struct Offload<T> {
    job: Arc<dyn Outcome<T>>,
    /// Where it is waited for; why it was never queued, until somebody was told.
    place: Result<Place, Option<OffloadError>>,
}

impl<T> Future for Offload<T> {
    type Output = Result<T, OffloadError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let place = match &mut self.place {
            Ok(place) => place,
            Err(refused) => return Poll::Ready(Err(refused.take().unwrap_or(OffloadError::Taken))),
        };
        if place.remote.is_closed() {
            return Poll::Ready(Err(OffloadError::LoopClosed));
        }
        let polled = context::current("offload", |core| {
            Arc::ptr_eq(&core.remote, &place.remote).then(|| place.poll_done(core, cx))
        });
        match polled {
            None => Poll::Ready(Err(OffloadError::OtherLoop)),
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(())) => {
                self.place = Err(None);
                let outcome = self.job.take().ok_or(OffloadError::Taken);
                Poll::Ready(outcome.and_then(|outcome| outcome.map_err(OffloadError::Panicked)))
            }
        }
    }
}

impl<T> fmt::Debug for Offload<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finished = self.place.is_err() || self.job.is_done();
        f.debug_struct("Offload").field("finished", &finished).finish_non_exhaustive()
    }
}

/// Where a job is waited for: its entry in the loop's table, and the wait, once there is one. Dropped, the
/// job is taken back or disowned.
struct Place {
    remote: Arc<Remote>,
    pool: Arc<dyn Threads>,
    key: Key,
    wait: Option<WaitKey>,
}

impl Place {
    /// The job is done once the loop has heard of it: its entry is gone.
    fn poll_done(&mut self, core: &Core, cx: &Context<'_>) -> Poll<()> {
        if core.peek(|state| state.jobs.get(self.key).is_none()) {
            return Poll::Ready(());
        }
        match self.wait {
            Some(wait) => drop(core.touch_wait(wait, cx)),
            None => {
                let wait = core.open_wait(&Target::Plain(What::Job), cx);
                core.with(|state| state.jobs[self.key.index] = Some(wait));
                self.wait = Some(wait);
            }
        }
        Poll::Pending
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let wait = self.wait;
        let removed = context::at_home(&self.remote, |core| {
            core.with(|state| state.remove_job(self.key, wait))
        });
        match removed {
            Some(Removed::Done) => return,
            Some(Removed::Undone) => {}
            None => {
                // A loop that is gone has nothing left of the job.
                let _ = self.remote.send(Message::DropJob(self.key, wait));
            }
        }
        drop(self.pool.withdraw(self.key));
    }
}

impl State {
    /// The handle of a job that has ended: whoever waits for it is woken (rule T4).
    pub(crate) fn finish_job(&mut self, job: Key) {
        if let Some(waiter) = self.jobs.remove(job).flatten() {
            self.set_wait(waiter);
        }
    }

    /// Nobody waits for the job any more.
    pub(crate) fn remove_job(&mut self, job: Key, wait: Option<WaitKey>) -> Removed {
        if let Some(wait) = wait {
            self.remove_wait(wait);
        }
        match self.jobs.remove(job) {
            Some(_) => Removed::Undone,
            None => Removed::Done,
        }
    }
}

/// How far a job was when nobody waited for it any more.
pub(crate) enum Removed {
    Done,
    Undone,
}

/// What the pool and the waiter share of a job: the work, then what came of it.
struct Job<F, T> {
    at: &'static Location<'static>,
    stage: Mutex<Stage<F, T>>,
}

enum Stage<F, T> {
    Queued(F),
    /// It runs, or what came of it was taken.
    Empty,
    Done(Result<T, JobPanicked>),
}

impl<F, T> Job<F, T> {
    fn replace(&self, stage: Stage<F, T>) -> Stage<F, T> {
        std::mem::replace(&mut *unpoisoned(self.stage.lock()), stage)
    }
}

impl<F: FnOnce() -> T + Send, T: Send> Run for Job<F, T> {
    fn run(&self) {
        if let Stage::Queued(work) = self.replace(Stage::Empty) {
            let outcome = catch_unwind(AssertUnwindSafe(work));
            let outcome = outcome.map_err(|payload| JobPanicked::new(self.at, payload));
            self.replace(Stage::Done(outcome));
        }
    }

    fn offloaded_at(&self) -> &'static Location<'static> {
        self.at
    }
}

/// What came of a job, to one who knows only the type of that.
trait Outcome<T>: Send + Sync {
    fn take(&self) -> Option<Result<T, JobPanicked>>;
    fn is_done(&self) -> bool;
}

impl<F: Send, T: Send> Outcome<T> for Job<F, T> {
    fn take(&self) -> Option<Result<T, JobPanicked>> {
        match self.replace(Stage::Empty) {
            Stage::Done(outcome) => Some(outcome),
            Stage::Queued(_) | Stage::Empty => None,
        }
    }

    fn is_done(&self) -> bool {
        matches!(*unpoisoned(self.stage.lock()), Stage::Done(_))
    }
}
