//! Jobs by the clock on the wall: intervals and dates, changed while they run.
//!
//! ```text
//! cargo run --example 27_jobs
//! cargo run --example 27_jobs -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: a `Scheduler` runs jobs by their triggers, at most so many of one at a time, and tells listeners
//! what became of each run. Jobs can be added, paused, resumed, rescheduled and removed while it runs. Its
//! clock is tied to the wall once; here to the year 1970, so that its times are short.
//!
//! In asyncio: `apscheduler`'s `AsyncIOScheduler`, `add_job(job, "interval", seconds=..)`.
//!
//! Prints: what runs when, a run that is skipped because the one before still goes on, and a failure.
//!
//! Read next: `28_cron.rs`.

mod common;

use std::time::{Duration, SystemTime};

use common::{ms, run, say};
use wheelhouse::schedule::{
    DateTrigger, IntervalTrigger, Job, JobEvent, RunOutcome, ScheduleError, Scheduler,
};
use wheelhouse::{RunError, sleep};

fn at(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + ms(millis)
}

/// A trigger that fires every so often, for the first time after one period.
fn each(period: Duration) -> IntervalTrigger {
    IntervalTrigger::new(period).starting(SystemTime::UNIX_EPOCH + period)
}

fn tell(event: &JobEvent) {
    match &event.outcome {
        RunOutcome::Failed(error) => say(format!("  ! {}: {error}", event.job)),
        RunOutcome::Skipped => say(format!("  ! {}: skipped, one still runs", event.job)),
        _ => {}
    }
}

fn show(scheduler: &Scheduler) {
    for job in scheduler.jobs() {
        match job.next_run.and_then(|when| when.duration_since(SystemTime::UNIX_EPOCH).ok()) {
            Some(next) => say(format!("  {}: next at {} ms", job.id, next.as_millis())),
            None => say(format!("  {}: paused", job.id)),
        }
    }
}

async fn an_office() -> Result<(), ScheduleError> {
    let scheduler = Scheduler::with_origin(SystemTime::UNIX_EPOCH);
    scheduler.add_listener(tell);
    scheduler.add(Job::new(each(ms(100)), async || say("  mail is fetched")).id("mail"))?;
    let report = async || {
        say("  report begins");
        sleep(ms(150)).await;
        say("  report ends");
    };
    scheduler.add(Job::new(each(ms(120)), report).id("report"))?;
    scheduler.add(Job::new(DateTrigger::new(at(250)), async || say("  lunch")).id("lunch"))?;
    let broken = async || Err::<(), _>("no paper");
    scheduler.add(Job::try_new(DateTrigger::new(at(330)), broken).id("printer"))?;

    say("the office opens:");
    show(&scheduler);
    scheduler.start()?;
    sleep(ms(355)).await;

    say("mail every 30 ms from now on:");
    scheduler.reschedule("mail", IntervalTrigger::new(ms(30)).starting(at(360)))?;
    sleep(ms(70)).await;
    say("no more mail for a while:");
    scheduler.pause("mail")?;
    show(&scheduler);
    scheduler.remove("mail")?;

    match scheduler.add(Job::new(DateTrigger::new(at(1)), async || ()).id("too late")) {
        Ok(id) => say(format!("{id} was added")),
        Err(error) => say(format!("refused: {error}")),
    }
    say("the office closes, and waits for what still runs:");
    scheduler.shutdown(true).await;
    say("closed");
    Ok(())
}

fn main() -> Result<(), RunError> {
    run(an_office())?.expect("no name is given twice");
    Ok(())
}
