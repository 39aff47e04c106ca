//! A small scheduler: tasks under a name, repeated until they are taken off the list.
//!
//! ```text
//! cargo run --example 21_scheduled_tasks
//! cargo run --example 21_scheduled_tasks -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `schedule_task_periodically` and `cancel_scheduled_task`, which many tutorials end with, are a few
//! lines around `every` and a map of handles. `once_after` is for what happens once, and can be taken back
//! until it has begun.
//!
//! In asyncio: a dictionary of tasks, each a `while True: await asyncio.sleep(interval); await job()`.
//!
//! Prints: two jobs on beats of their own, which are cancelled; a reminder that is taken back in time.
//!
//! Read next: `22_semaphore_workers.rs`. A scheduler with cron, pauses and limits: `27_jobs.rs`.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{ms, run, say};
use wheelhouse::schedule::{Periodic, every, once_after};
use wheelhouse::{RunError, sleep};

#[derive(Default)]
struct TaskList {
    running: BTreeMap<&'static str, Periodic>,
}

impl TaskList {
    /// Runs `job` every `period`, for the first time after one; in place of what had that name.
    fn schedule_task_periodically(
        &mut self,
        name: &'static str,
        period: Duration,
        job: impl AsyncFnMut() + 'static,
    ) {
        let task = every(period).first_after(period).name(name).spawn(job);
        if let Some(replaced) = self.running.insert(name, task) {
            replaced.cancel();
        }
    }

    /// Cancels the job, and waits until it has ended. How often had it run?
    async fn cancel_scheduled_task(&mut self, name: &str) -> Option<u64> {
        let task = self.running.remove(name)?;
        task.cancel();
        let runs = task.runs();
        let _ = task.await; // cancelled, as we have asked
        Some(runs)
    }
}

async fn a_day_at_home() {
    let mut list = TaskList::default();
    list.schedule_task_periodically("water", ms(40), async || say("  drink some water"));
    list.schedule_task_periodically("stretch", ms(70), async || {
        say("  stand up ...");
        sleep(ms(20)).await;
        say("  ... and sit down again");
    });
    let reminder = once_after(ms(100), async { say("  never said") });

    sleep(ms(95)).await;
    say(format!("the reminder is taken back: {}", reminder.cancel()));
    say(format!("water ran {:?} times", list.cancel_scheduled_task("water").await));
    say(format!("water again: {:?}", list.cancel_scheduled_task("water").await));
    sleep(ms(60)).await;
    let stretched = list.cancel_scheduled_task("stretch").await;
    say(format!("stretch ran {stretched:?} times, and was stopped while standing"));
}

fn main() -> Result<(), RunError> {
    run(a_day_at_home())
}
