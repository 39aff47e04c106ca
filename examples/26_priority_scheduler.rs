//! By priority: high before normal before low, and so many at a time.
//!
//! ```text
//! cargo run --example 26_priority_scheduler
//! cargo run --example 26_priority_scheduler -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: work waits in the queue of its priority, equals in order of arrival. What has begun is not
//! interrupted for more urgent work. `ageing` lets nothing starve: who has waited long enough counts higher.
//!
//! In asyncio: `asyncio.PriorityQueue` of `(priority, count, job)`, and a few workers.
//!
//! Prints: an emergency that overtakes, added while others run; then low work, without and with ageing.
//!
//! Read next: `27_jobs.rs`.

mod common;

use std::time::Duration;

use common::{ms, run, say};
use wheelhouse::schedule::{Priority, PriorityScheduler, Shutdown};
use wheelhouse::{RunError, sleep};

async fn treat(who: &'static str, takes: Duration) {
    say(format!("  {who}: treated"));
    sleep(takes).await;
}

async fn emergency_room() {
    say("one doctor:");
    let doctor = PriorityScheduler::new(1);
    let admit = |priority, who| {
        let treated = doctor.spawn(priority, treat(who, ms(50)));
        treated.expect("the room is open").detach();
    };
    admit(Priority::Low, "a cough");
    admit(Priority::Normal, "a broken arm");
    admit(Priority::Normal, "a broken leg");
    sleep(ms(20)).await; // the doctor has begun with the first in line
    admit(Priority::High, "a heart attack");
    admit(Priority::Low, "a question");
    doctor.shutdown(Shutdown::Drain).await;

    for (words, scheduler) in [
        ("without ageing, low waits as long as there is anything else:", PriorityScheduler::new(1)),
        ("with ageing, it counts higher after 60 ms:", PriorityScheduler::new(1).ageing(ms(60))),
    ] {
        say(words);
        scheduler.spawn(Priority::Normal, treat("normal 0", ms(20))).unwrap().detach();
        scheduler.spawn(Priority::Low, treat("low", ms(20))).unwrap().detach();
        for who in ["normal 1", "normal 2", "normal 3", "normal 4", "normal 5"] {
            scheduler.spawn(Priority::Normal, treat(who, ms(20))).unwrap().detach();
            sleep(ms(20)).await;
        }
        scheduler.shutdown(Shutdown::Drain).await;
    }
}

fn main() -> Result<(), RunError> {
    run(emergency_room())
}
