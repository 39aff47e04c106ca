//! What every living task is doing, for a program that hangs or does too much: asyncio's
//! `python -m asyncio ps`, and the place to start when debugging.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::clock::InSeconds;
use crate::context::{self, Core};
use crate::error::TaskName;
use crate::event_loop::EventLoop;
use crate::run_error::InWords;
use crate::state::State;
use crate::tasks::Flag;

/// What every living task of the running loop is doing right now.
///
/// A task that hangs can be looked at from outside it: from another task, a callback, or, with
/// [`call_soon_threadsafe`](crate::LoopHandle::call_soon_threadsafe), at the wish of another thread.
///
/// ```
/// use wheelhouse::{Task, dump_tasks, run, sync::Event, yield_now};
///
/// run(async {
///     let never = Event::new();
///     let waiter = Task::builder().name("waiter").spawn(async move { never.wait().await });
///     yield_now().await;
///     let dump = dump_tasks();
///     let waiter_is = dump.tasks().iter().find(|report| report.task().id() == waiter.id()).unwrap();
///     assert!(waiter_is.to_string().ends_with("waits for an event"));
/// })
/// .unwrap();
/// ```
///
/// # Panics
///
/// Outside a running loop.
#[must_use = "this only looks; print it"]
#[track_caller]
pub fn dump_tasks() -> TaskDump {
    context::current("dump_tasks", |core| dump(core))
}

impl EventLoop {
    /// As the free function [`dump_tasks`](crate::dump_tasks), for a loop that need not run: a host may look
    /// between two turns.
    #[must_use = "this only looks; print it"]
    pub fn dump_tasks(&self) -> TaskDump {
        dump(&self.core)
    }
}

fn dump(core: &Core) -> TaskDump {
    let time = Duration::from_nanos(core.clock.now());
    let tasks = core.peek(|state| {
        let living = state.tasks.living();
        living.map(|task| state.report_task(task)).collect()
    });
    TaskDump { time, tasks }
}

impl State {
    fn report_task(&self, task: u32) -> TaskReport {
        let slot = &self.tasks[task];
        let activity = if slot.is(Flag::Running) {
            Activity::Running
        } else if slot.is(Flag::Queued) {
            Activity::Ready
        } else {
            Activity::Waiting(self.waits_of(task))
        };
        let (spawned_at, requests) = (slot.spawned_at(), slot.cancelling);
        TaskReport { task: self.task_name(task), spawned_at, activity, requests }
    }
}

/// What the tasks of a loop were doing when [`dump_tasks`] was called. Its text has a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDump {
    time: Duration,
    tasks: Vec<TaskReport>,
}

impl TaskDump {
    /// The living tasks, in order of creation.
    #[must_use = "reading the reports does nothing by itself"]
    pub fn tasks(&self) -> &[TaskReport] {
        &self.tasks
    }
}

impl fmt::Display for TaskDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} task(s) at {} of loop time", self.tasks.len(), InSeconds(self.time))?;
        self.tasks.iter().try_for_each(|task| write!(f, "\n  {task}"))
    }
}

/// What one task was doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskReport {
    task: TaskName,
    spawned_at: Option<&'static Location<'static>>,
    activity: Activity,
    requests: u32,
}

impl TaskReport {
    /// The task.
    #[must_use = "reading a name does nothing by itself"]
    pub fn task(&self) -> &TaskName {
        &self.task
    }

    /// Where it was spawned; not known of the task that runs.
    #[must_use = "reading a location does nothing by itself"]
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.spawned_at
    }

    /// What it was doing.
    #[must_use = "reading the activity does nothing by itself"]
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// How many requests to cancel it were made and not taken back: a task that has some and lives on
    /// cleans up, or has suppressed them.
    #[must_use = "reading the count does nothing by itself"]
    pub fn cancelling(&self) -> u32 {
        self.requests
    }
}

impl fmt::Display for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task `{}` ", self.task)?;
        if let Some(at) = self.spawned_at {
            write!(f, "(spawned at {at}) ")?;
        }
        self.activity.fmt(f)?;
        match self.requests {
            0 => Ok(()),
            requests => write!(f, "; {requests} request(s) to cancel it so far"),
        }
    }
}

/// What a living task is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activity {
    /// It is the task that runs right now.
    Running,
    /// Its step is queued.
    Ready,
    /// It waits for these, as far as the loop knows: a future of another crate is not known.
    Waiting(Vec<String>),
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Activity::Running => f.write_str("runs"),
            Activity::Ready => f.write_str("is ready to run"),
            Activity::Waiting(waits) => write!(f, "waits for {}", InWords(waits)),
        }
    }
}
