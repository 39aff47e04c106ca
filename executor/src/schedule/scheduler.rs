//! `Scheduler`: jobs that run by the clock on the wall, in the manner of `APScheduler`.
//!
//! One task sleeps until the next run is due; each run is a task of its own, whose done callback tells what
//! became of it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use super::job::{Job, JobEvent, JobInfo, RunOutcome, Runs, ScheduleError};
use super::job_table::{Due, JobTable};
use super::race::race;
use super::trigger::Trigger;
use crate::sync::Event;
use crate::{ALL_COMPLETED, Task, TaskHandle, call_soon, sleep_until, time, wait};

/// Runs jobs by the clock on the wall.
///
/// Its clones are handles to the same scheduler. Jobs may be added before it is started, and changed at any
/// time.
///
/// Loop time is tied to the wall once, when it is made; so under a virtual clock, and with
/// [`with_origin`](Scheduler::with_origin), a year of runs takes no time and is the same every time. If the
/// wall's clock is set, or the machine has slept, [`resync`](Scheduler::resync) looks at it again.
///
/// ```
/// use std::{cell::Cell, rc::Rc, time::{Duration, SystemTime}};
/// use wheelhouse::{EventLoop, schedule::{IntervalTrigger, Job, Scheduler}, sleep};
///
/// let mut event_loop = EventLoop::builder().virtual_clock().build()?;
/// event_loop.run_until_complete(async {
///     let scheduler = Scheduler::with_origin(SystemTime::UNIX_EPOCH);
///     let runs = Rc::new(Cell::new(0));
///     let count = Rc::clone(&runs);
///     let hourly = IntervalTrigger::new(Duration::from_secs(3600));
///     let job = Job::new(hourly, move || {
///         let count = Rc::clone(&count);
///         async move { count.set(count.get() + 1) }
///     });
///     let id = scheduler.add(job).unwrap();
///     scheduler.start().unwrap();
///     sleep(Duration::from_secs(24 * 3600 + 1)).await;
///     scheduler.pause(&id).unwrap();
///     sleep(Duration::from_secs(24 * 3600)).await;
///     scheduler.shutdown(true).await;
///     assert_eq!(runs.get(), 24);
/// })?;
/// # Ok::<(), wheelhouse::RunError>(())
/// ```
///
/// Dropping its handles does not stop it; [`shutdown`](Scheduler::shutdown) does, and so does the end of the
/// loop. A job or a listener that holds a handle keeps the scheduler in memory until it is removed.
#[derive(Clone)]
pub struct Scheduler {
    shared: Rc<Shared>,
}

struct Shared {
    /// The time on the wall when the loop's time is zero.
    origin: Cell<SystemTime>,
    jobs: RefCell<JobTable>,
    /// In the order in which they were added.
    listeners: RefCell<Vec<(ListenerId, Listener)>>,
    /// How many listeners were ever added.
    listened: Cell<u64>,
    /// Set when there may be something to do before the next run.
    changed: Event,
    main: RefCell<Option<Task<()>>>,
    running: RefCell<BTreeMap<u64, TaskHandle>>,
    begun: Cell<u64>,
    /// Set while nothing runs.
    idle: Event,
    stopping: Cell<bool>,
}

type Listener = Rc<dyn Fn(&JobEvent)>;

/// Names a listener, so that it can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(u64);

impl Scheduler {
    /// A scheduler that goes by the system's clock, as it is now.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[track_caller]
    #[must_use = "a scheduler does nothing until it is started"]
    #[expect(clippy::new_without_default, reason = "it needs a running loop")]
    pub fn new() -> Scheduler {
        Scheduler::with_origin(SystemTime::now() - time())
    }

    /// A scheduler for which it is `origin` on the wall when the loop's [`time`] is zero.
    #[must_use = "a scheduler does nothing until it is started"]
    pub fn with_origin(origin: SystemTime) -> Scheduler {
        let idle = Event::new();
        idle.set();
        let shared = Shared {
            origin: Cell::new(origin),
            jobs: RefCell::default(),
            listeners: RefCell::default(),
            listened: Cell::new(0),
            changed: Event::new(),
            main: RefCell::new(None),
            running: RefCell::default(),
            begun: Cell::new(0),
            idle,
            stopping: Cell::new(false),
        };
        Scheduler { shared: Rc::new(shared) }
    }

    /// Adds a job, and says what it is called.
    ///
    /// # Errors
    ///
    /// If its id is taken, or it would never run.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub fn add(&self, job: Job) -> Result<Arc<str>, ScheduleError> {
        let mut jobs = self.shared.jobs.borrow_mut();
        let id = job.id.unwrap_or_else(|| jobs.free_id());
        if jobs.contains(&id) {
            return Err(ScheduleError::DuplicateId(id));
        }
        let runs = Runs {
            id: Arc::clone(&id),
            max_instances: job.settings.max_instances,
            grace: job.settings.grace,
            going_on: Cell::new(0),
            action: RefCell::new(job.action),
        };
        jobs.add(job.trigger, job.settings, Rc::new(runs), self.now())?;
        self.shared.changed.set();
        Ok(id)
    }

    /// Takes a job out. Runs that go on do so to their end.
    ///
    /// # Errors
    ///
    /// If there is no such job.
    pub fn remove(&self, id: &str) -> Result<(), ScheduleError> {
        let removed = self.shared.jobs.borrow_mut().remove(id)?;
        drop(removed); // with the table free again: it holds a user's code
        Ok(())
    }

    /// Begins no further runs of a job until it is [resumed](Scheduler::resume).
    ///
    /// # Errors
    ///
    /// If there is no such job.
    pub fn pause(&self, id: &str) -> Result<(), ScheduleError> {
        self.shared.jobs.borrow_mut().pause(id)
    }

    /// Takes a job up again after a [pause](Scheduler::pause). What was to run meanwhile is forgotten.
    ///
    /// # Errors
    ///
    /// If there is no such job, or it has no time to come; then it stays paused.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub fn resume(&self, id: &str) -> Result<(), ScheduleError> {
        self.shared.jobs.borrow_mut().resume(id, self.now())?;
        self.shared.changed.set();
        Ok(())
    }

    /// Gives a job another trigger; a paused one is resumed with that.
    ///
    /// # Errors
    ///
    /// If there is no such job, or it would never run again; then it keeps its old trigger.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub fn reschedule(
        &self,
        id: &str,
        trigger: impl Trigger + 'static,
    ) -> Result<(), ScheduleError> {
        let old = self.shared.jobs.borrow_mut().reschedule(id, Box::new(trigger), self.now())?;
        drop(old);
        self.shared.changed.set();
        Ok(())
    }

    /// The jobs, in the order in which they will run next, those that are paused last.
    #[must_use = "this only looks"]
    pub fn jobs(&self) -> Vec<JobInfo> {
        self.shared.jobs.borrow().list()
    }

    /// Has `listener` called with what became of each run: by the loop, soon after. A panic in it is reported
    /// to the exception handler.
    pub fn add_listener(&self, listener: impl Fn(&JobEvent) + 'static) -> ListenerId {
        let id = ListenerId(self.shared.listened.get());
        self.shared.listened.set(id.0 + 1);
        self.shared.listeners.borrow_mut().push((id, Rc::new(listener)));
        id
    }

    /// Takes a listener out; `false` if that was done before.
    pub fn remove_listener(&self, id: ListenerId) -> bool {
        let mut listeners = self.shared.listeners.borrow_mut();
        let place = listeners.iter().position(|(listener, _)| *listener == id);
        let removed = place.map(|place| listeners.remove(place));
        // Its drop may be a user's code.
        drop(listeners);
        removed.is_some()
    }

    /// Begins to run jobs. What would have run before is forgotten.
    ///
    /// # Errors
    ///
    /// If it was started before, and not shut down.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[track_caller]
    pub fn start(&self) -> Result<(), ScheduleError> {
        let mut main = self.shared.main.borrow_mut();
        if main.as_ref().is_some_and(|main| !main.is_done()) {
            return Err(ScheduleError::Started);
        }
        self.shared.stopping.set(false);
        self.shared.jobs.borrow_mut().plan_all(self.now());
        *main = Some(Task::builder().name("scheduler").spawn(Rc::clone(&self.shared).drive()));
        Ok(())
    }

    /// Begins no further runs, and waits for those that go on: with `wait` to their own end, without it by
    /// cancelling them. It can be started again afterwards. Must not be awaited by one of its jobs.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the shutdown goes on without the waiter, and can be waited for again.
    pub async fn shutdown(&self, wait_for_runs: bool) {
        self.shared.stopping.set(true);
        let main = self.shared.main.take();
        if let Some(main) = main {
            main.cancel();
            let _ = wait([main], ALL_COMPLETED).await;
        }
        if !wait_for_runs {
            let running: Vec<_> = self.shared.running.borrow().values().cloned().collect();
            for run in running {
                run.cancel();
            }
        }
        self.shared.idle.wait().await;
    }

    /// The time on the wall, as the scheduler sees it.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[must_use = "this only reads the clock"]
    pub fn now(&self) -> SystemTime {
        self.shared.now()
    }

    /// Looks at the system's clock again, after it was set, or the machine has slept.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    pub fn resync(&self) {
        self.set_origin(SystemTime::now() - time());
    }

    /// Has it be `origin` on the wall when the loop's [`time`] is zero. What becomes due by that is late.
    pub fn set_origin(&self, origin: SystemTime) {
        self.shared.origin.set(origin);
        self.shared.changed.set();
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("jobs", &self.jobs())
            .field("running", &self.shared.running.borrow().len())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn now(&self) -> SystemTime {
        self.origin.get() + time()
    }

    /// Begins what is due, and sleeps until the next run, or a change.
    async fn drive(self: Rc<Self>) {
        loop {
            self.changed.clear();
            let (due, finished) = self.jobs.borrow_mut().take_due(self.now());
            for due in due {
                self.submit(due);
            }
            drop(finished);
            let next = self.jobs.borrow().next_run();
            match next {
                Some(next) => {
                    let when = next.duration_since(self.origin.get()).unwrap_or_default();
                    race(self.changed.wait(), sleep_until(when)).await;
                }
                None => self.changed.wait().await,
            }
        }
    }

    /// Begins one instance of a job, which makes all the runs that are due.
    fn submit(self: &Rc<Self>, due: Due) {
        let going_on = due.runs.going_on.get();
        if going_on >= due.runs.max_instances {
            for scheduled in due.times {
                self.tell(&due.runs, scheduled, RunOutcome::Skipped);
            }
            return;
        }
        due.runs.going_on.set(going_on + 1);
        self.run_next(due.runs, due.times);
    }

    /// Makes the next run of an instance, in a task of its own, or ends the instance.
    fn run_next(self: &Rc<Self>, runs: Rc<Runs>, mut times: VecDeque<SystemTime>) {
        while let Some(scheduled) = times.pop_front().filter(|_| !self.stopping.get()) {
            let late = self.now().duration_since(scheduled).unwrap_or_default();
            if runs.grace.is_some_and(|grace| late > grace) {
                self.tell(&runs, scheduled, RunOutcome::Missed { late });
                continue;
            }
            return self.run(runs, scheduled, times);
        }
        runs.going_on.set(runs.going_on.get() - 1);
        if self.running.borrow().is_empty() {
            self.idle.set();
        }
    }

    fn run(self: &Rc<Self>, runs: Rc<Runs>, scheduled: SystemTime, times: VecDeque<SystemTime>) {
        let action = Rc::clone(&runs);
        let task = Task::builder().name(Arc::clone(&runs.id)).try_spawn(async move {
            let run = (action.action.borrow_mut())();
            run.await
        });
        let number = self.begun.replace(self.begun.get() + 1);
        self.running.borrow_mut().insert(number, task.handle().clone());
        self.idle.clear();
        let shared = Rc::clone(self);
        task.add_done_callback(move |task| {
            shared.running.borrow_mut().remove(&number);
            let outcome = match task.ending() {
                Some(Err(error)) => RunOutcome::Failed(error),
                _ => RunOutcome::Ran,
            };
            shared.tell(&runs, scheduled, outcome);
            shared.run_next(runs, times);
        });
    }

    fn tell(&self, runs: &Runs, scheduled: SystemTime, outcome: RunOutcome) {
        let event = Rc::new(JobEvent { job: Arc::clone(&runs.id), scheduled, outcome });
        for (_, listener) in &*self.listeners.borrow() {
            let (listener, event) = (Rc::clone(listener), Rc::clone(&event));
            call_soon(move || listener(&event));
        }
    }
}
