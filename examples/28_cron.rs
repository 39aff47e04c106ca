//! Jobs as crontab writes them, in time zones, over a night in which the clocks change.
//!
//! ```text
//! cargo run --features cron --example 28_cron                  the times alone, at once
//! cargo run --features cron --example 28_cron -- --virtual     a day of jobs in no time
//! ```
//!
//! Shows: a cron expression is a trigger like an interval: five fields, or six with seconds, lists, ranges,
//! steps and names, in a time zone. One that could never fire is an error at once. Under the virtual clock a
//! schedule can be tried out over days.
//!
//! In asyncio: `apscheduler`'s `CronTrigger.from_crontab("30 2 * * *", timezone="Europe/Berlin")`.
//!
//! Prints: when four expressions fire next, two that are refused, and a night with the clocks put forward.
//!
//! Read next: `29_dependencies.rs`.

mod common;

use std::time::{Duration, SystemTime};

use common::run;
use wheelhouse::schedule::{Cron, Job, Scheduler, Trigger};
use wheelhouse::{BoxError, sleep, time};

/// Saturday, 28 March 2026, 12:00 UTC. In the night that follows, Berlin puts its clocks forward.
const NOON: Duration = Duration::from_secs(1_774_699_200);

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOON
}

/// A time as hours, minutes and seconds from noon on.
fn since_noon(when: Duration) -> String {
    let seconds = when.as_secs();
    format!("{:>3} h {:02} min {:02} s", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn show_next(expression: &str) -> Result<(), BoxError> {
    let cron: Cron = expression.parse()?;
    let next = cron.next_after(noon()).ok_or("it never fires again")?;
    println!("  {expression:<22} {} after noon", since_noon(next.duration_since(noon())?));
    Ok(())
}

async fn a_night_in_berlin() -> Result<(), BoxError> {
    let scheduler = Scheduler::with_origin(noon());
    // Half past two does not exist in this night: the backup is made as soon as the clocks say three.
    for (id, expression) in [("backup", "30 2 * * *"), ("report", "0 8,20 * * *")] {
        let cron = expression.parse::<Cron>()?.in_zone("Europe/Berlin")?;
        let job = move || async move { println!("  {} after noon: {id}", since_noon(time())) };
        scheduler.add(Job::new(cron, job).id(id))?;
    }
    scheduler.start()?;
    sleep(Duration::from_secs(24 * 3600)).await;
    scheduler.shutdown(true).await;
    Ok(())
}

fn main() -> Result<(), BoxError> {
    println!("the next time after noon on 28 March 2026, UTC:");
    for expression in ["*/30 * * * * *", "0 9-17 * * MON-FRI", "15 0 1 JAN,JUL *", "0 0 29 2 *"] {
        show_next(expression)?;
    }
    println!("refused:");
    for expression in ["0 0 30 2 *", "61 * * * *"] {
        println!("  {}", expression.parse::<Cron>().expect_err("it never fires"));
    }
    if std::env::args().any(|argument| argument == "--virtual") {
        println!("a night in Berlin:");
        run(a_night_in_berlin())??;
    }
    Ok(())
}
