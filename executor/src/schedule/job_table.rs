//! The jobs of a scheduler, and which of them are due.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::job::{JobInfo, Runs, ScheduleError, Settings};
use super::trigger::Trigger;

/// By id. Jobs that are due together come in the order in which they were added.
#[derive(Default)]
pub(super) struct JobTable {
    jobs: BTreeMap<Arc<str>, Entry>,
    added: u64,
}

pub(super) struct Entry {
    number: u64,
    trigger: Box<dyn Trigger>,
    settings: Settings,
    runs: Rc<Runs>,
    plan: Option<Plan>,
}

/// The next run; there is none while a job is paused.
#[derive(Clone, Copy)]
struct Plan {
    /// What the trigger says.
    scheduled: SystemTime,
    /// With jitter.
    run_at: SystemTime,
}

/// A job, and its runs that have become due.
pub(super) struct Due {
    pub(super) runs: Rc<Runs>,
    pub(super) times: VecDeque<SystemTime>,
}

impl JobTable {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.jobs.contains_key(id)
    }

    /// An id that no job has.
    pub(super) fn free_id(&self) -> Arc<str> {
        let mut ids = (self.added + 1..).map(|number| Arc::from(format!("job-{number}")));
        ids.find(|id| !self.contains(id)).expect("there are more numbers than jobs")
    }

    pub(super) fn add(
        &mut self,
        trigger: Box<dyn Trigger>,
        settings: Settings,
        runs: Rc<Runs>,
        now: SystemTime,
    ) -> Result<(), ScheduleError> {
        let id = Arc::clone(&runs.id);
        let mut entry = Entry { number: self.added, trigger, settings, runs, plan: None };
        entry.trigger.begin(now);
        if !entry.plan_from(now) {
            return Err(ScheduleError::NeverFires(id));
        }
        self.added += 1;
        self.jobs.insert(id, entry);
        Ok(())
    }

    pub(super) fn remove(&mut self, id: &str) -> Result<Entry, ScheduleError> {
        self.jobs.remove(id).ok_or_else(|| ScheduleError::NoSuchJob(id.into()))
    }

    pub(super) fn pause(&mut self, id: &str) -> Result<(), ScheduleError> {
        self.find(id)?.plan = None;
        Ok(())
    }

    pub(super) fn resume(&mut self, id: &str, now: SystemTime) -> Result<(), ScheduleError> {
        let entry = self.find(id)?;
        if entry.plan.is_none() && !entry.plan_from(now) {
            return Err(ScheduleError::NeverFires(id.into()));
        }
        Ok(())
    }

    /// Gives a job another trigger; the old one comes back, to be dropped elsewhere.
    pub(super) fn reschedule(
        &mut self,
        id: &str,
        mut trigger: Box<dyn Trigger>,
        now: SystemTime,
    ) -> Result<Box<dyn Trigger>, ScheduleError> {
        let entry = self.find(id)?;
        trigger.begin(now);
        let old = std::mem::replace(&mut entry.trigger, trigger);
        if entry.plan_from(now) {
            return Ok(old);
        }
        entry.trigger = old;
        Err(ScheduleError::NeverFires(id.into()))
    }

    /// Plans every job anew that is not paused: what became due before is forgotten.
    pub(super) fn plan_all(&mut self, now: SystemTime) {
        for entry in self.jobs.values_mut().filter(|entry| entry.plan.is_some()) {
            entry.plan_from(now);
        }
    }

    pub(super) fn next_run(&self) -> Option<SystemTime> {
        self.jobs.values().filter_map(Entry::run_at).min()
    }

    /// In the order in which they will run next, those that are paused last.
    pub(super) fn list(&self) -> Vec<JobInfo> {
        let mut entries: Vec<_> = self.jobs.values().collect();
        entries.sort_by_key(|entry| (entry.plan.is_none(), entry.run_at(), entry.number));
        let info = |entry: &Entry| JobInfo {
            id: Arc::clone(&entry.runs.id),
            next_run: entry.run_at(),
            going_on: entry.runs.going_on.get(),
        };
        entries.into_iter().map(info).collect()
    }

    /// The runs that have become due, and the jobs that have none to come, which are taken out.
    pub(super) fn take_due(&mut self, now: SystemTime) -> (Vec<Due>, Vec<Entry>) {
        let mut entries: Vec<_> = self
            .jobs
            .values_mut()
            .filter(|entry| entry.run_at().is_some_and(|at| at <= now))
            .collect();
        entries.sort_by_key(|entry| (entry.run_at(), entry.number));
        let mut finished = Vec::new();
        let mut due = Vec::new();
        for entry in entries {
            due.push(entry.take_due(now));
            if entry.plan.is_none() {
                finished.push(Arc::clone(&entry.runs.id));
            }
        }
        (due, finished.iter().filter_map(|id| self.jobs.remove(id)).collect())
    }

    fn find(&mut self, id: &str) -> Result<&mut Entry, ScheduleError> {
        self.jobs.get_mut(id).ok_or_else(|| ScheduleError::NoSuchJob(id.into()))
    }
}

impl Entry {
    fn run_at(&self) -> Option<SystemTime> {
        self.plan.map(|plan| plan.run_at)
    }

    /// Plans the first run at `now` or later; `false`, with the plan as it was, if there is none.
    fn plan_from(&mut self, now: SystemTime) -> bool {
        let next = self.trigger.next_after(now - Duration::from_nanos(1));
        if let Some(scheduled) = next {
            self.plan = Some(self.jittered(scheduled));
        }
        next.is_some()
    }

    fn jittered(&mut self, scheduled: SystemTime) -> Plan {
        let jitter = self.settings.jitter.as_mut();
        let delay = jitter.map_or(Duration::ZERO, |(most, random)| random.up_to(*most));
        Plan { scheduled, run_at: scheduled + delay }
    }

    fn take_due(&mut self, now: SystemTime) -> Due {
        let mut times = VecDeque::new();
        while let Some(plan) = self.plan.filter(|plan| plan.run_at <= now) {
            if self.settings.coalesce {
                times.clear();
            }
            times.push_back(plan.run_at);
            let next = self.trigger.next_after(plan.scheduled);
            self.plan = next.map(|scheduled| self.jittered(scheduled));
        }
        Due { runs: Rc::clone(&self.runs), times }
    }
}
