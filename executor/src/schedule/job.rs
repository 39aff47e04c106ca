//! `Job`: what a [`Scheduler`](super::Scheduler) runs, and how; what it tells its listeners; its errors.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::random::Random;
use super::trigger::Trigger;
use crate::{BoxError, JoinError};

/// What is to be run, when, and what to do if it cannot be run then.
///
/// The defaults are `APScheduler`'s: one run at a time, none that is more than a second late, and each of several
/// that are late.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::schedule::{IntervalTrigger, Job};
///
/// let job = Job::new(IntervalTrigger::new(Duration::from_secs(60)), async || println!("a minute"))
///     .id("clock")
///     .max_instances(2)
///     .coalesce(true);
/// ```
#[must_use = "a job does nothing until it is added to a `Scheduler`"]
pub struct Job {
    pub(super) id: Option<Arc<str>>,
    pub(super) trigger: Box<dyn Trigger>,
    pub(super) settings: Settings,
    pub(super) action: Action,
}

pub(super) type Action = Box<dyn FnMut() -> Pin<Box<dyn Future<Output = Result<(), BoxError>>>>>;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) max_instances: usize,
    pub(super) coalesce: bool,
    pub(super) grace: Option<Duration>,
    pub(super) jitter: Option<(Duration, Random)>,
}

impl Job {
    /// A job of which only a panic is a failure. `action` is called for each run, and gives the run's future.
    pub fn new<A, F>(trigger: impl Trigger + 'static, mut action: A) -> Job
    where
        A: FnMut() -> F + 'static,
        F: Future + 'static,
    {
        Job::try_new(trigger, move || {
            let run = action();
            async {
                run.await;
                Ok::<_, BoxError>(())
            }
        })
    }

    /// A job whose `Err` is a failure, which listeners hear of.
    pub fn try_new<A, F, T, E>(trigger: impl Trigger + 'static, mut action: A) -> Job
    where
        A: FnMut() -> F + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        E: Into<BoxError> + 'static,
    {
        let settings = Settings {
            max_instances: 1,
            coalesce: false,
            grace: Some(Duration::from_secs(1)),
            jitter: None,
        };
        let action: Action = Box::new(move || {
            let run = action();
            Box::pin(async { run.await.map(drop).map_err(Into::into) })
        });
        Job { id: None, trigger: Box::new(trigger), settings, action }
    }

    /// What the job is called: by the scheduler, and by the tasks of its runs. Without this it is given a name.
    pub fn id(mut self, id: impl Into<Arc<str>>) -> Job {
        self.id = Some(id.into());
        self
    }

    /// So many runs of it may go on at the same time; further ones are [skipped](RunOutcome::Skipped).
    pub fn max_instances(mut self, most: usize) -> Job {
        self.settings.max_instances = most;
        self
    }

    /// Of several runs that are late, only the last is made.
    pub fn coalesce(mut self, coalesce: bool) -> Job {
        self.settings.coalesce = coalesce;
        self
    }

    /// A run that is more than so late is [missed](RunOutcome::Missed); `None` for never.
    pub fn misfire_grace(mut self, grace: impl Into<Option<Duration>>) -> Job {
        self.settings.grace = grace.into();
        self
    }

    /// Delays each run by a random time of up to `most`. The beat does not drift with it.
    pub fn jitter(mut self, most: Duration, random: Random) -> Job {
        self.settings.jitter = Some((most, random));
        self
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The part of a job that its runs need; it outlives the job's removal.
pub(super) struct Runs {
    pub(super) id: Arc<str>,
    pub(super) max_instances: usize,
    pub(super) grace: Option<Duration>,
    pub(super) going_on: Cell<usize>,
    pub(super) action: RefCell<Action>,
}

/// What a listener is told: what became of one run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobEvent {
    /// The job's id.
    pub job: Arc<str>,
    /// When the run was to begin.
    pub scheduled: SystemTime,
    /// What became of it.
    pub outcome: RunOutcome,
}

/// What became of a run of a job.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RunOutcome {
    /// It has ended well.
    Ran,
    /// It failed, panicked, or was cancelled.
    Failed(JoinError),
    /// It was not begun, since it would have been too late.
    Missed {
        /// How late it would have been.
        late: Duration,
    },
    /// It was not begun, since as many runs as may be were going on.
    Skipped,
}

/// A job as [`Scheduler::jobs`](super::Scheduler::jobs) lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobInfo {
    /// The job's id.
    pub id: Arc<str>,
    /// When it is to run next; `None` while it is paused.
    pub next_run: Option<SystemTime>,
    /// How many runs of it go on.
    pub going_on: usize,
}

/// Why a scheduler did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleError {
    /// There is a job with this id already.
    DuplicateId(Arc<str>),
    /// There is no job with this id, or it has run for the last time.
    NoSuchJob(Arc<str>),
    /// The trigger of this job has no time to come.
    NeverFires(Arc<str>),
    /// The scheduler was started before.
    Started,
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScheduleError::DuplicateId(id) => {
                write!(f, "there is a job `{id}` already: remove it, or choose another id")
            }
            ScheduleError::NoSuchJob(id) => {
                write!(f, "there is no job `{id}`: it was removed, or has run for the last time")
            }
            ScheduleError::NeverFires(id) => {
                write!(f, "job `{id}` would never run: its trigger has no time to come")
            }
            ScheduleError::Started => f.write_str("the scheduler was started before"),
        }
    }
}

impl Error for ScheduleError {}
