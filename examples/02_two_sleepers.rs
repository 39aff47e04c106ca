//! Two sleepers: who waits does not keep others from running.
//!
//! ```text
//! cargo run --example 02_two_sleepers
//! cargo run --example 02_two_sleepers -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `spawn` starts a task, which runs beside whoever spawned it; an await of the task gives its value.
//!
//! In asyncio: two `asyncio.create_task(nap(..))`, then `await` of each.
//!
//! Prints: both go to bed at once, the second is up first, and all is over after 300 ms, not 500.
//!
//! Read next: `03_one_by_one.rs`, which takes the time of both ways.

mod common;

use std::time::Duration;

use common::{ms, run, say};
use wheelhouse::{RunError, sleep, spawn};

async fn nap(name: &'static str, length: Duration) -> Duration {
    say(format!("{name} falls asleep"));
    sleep(length).await; // the other one runs meanwhile
    say(format!("{name} wakes up"));
    length
}

async fn two_sleepers() {
    let anna = spawn(nap("anna", ms(300)));
    let bert = spawn(nap("bert", ms(200)));
    say("both are spawned, neither has begun"); // a task first runs when this one waits
    let slept = anna.await.unwrap() + bert.await.unwrap();
    say(format!("{} ms of sleep in all", slept.as_millis()));
}

fn main() -> Result<(), RunError> {
    run(two_sleepers())
}
