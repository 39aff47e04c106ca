//! As many as there are in time; the rest is cancelled.
//!
//! ```text
//! cargo run --example 16_partial_timeout
//! cargo run --example 16_partial_timeout -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `wait(..).timeout(..)` is no error when time is up: it returns what has ended, and what has not.
//! A `timeout` around a `gather` would lose the results that are there.
//!
//! In asyncio: `done, pending = await asyncio.wait(tasks, timeout=0.1)`, and a loop of `task.cancel()`.
//!
//! Prints: two of four sensors within 100 ms, and what became of the other two.
//!
//! Read next: `17_as_completed.rs`, for each as soon as it is there.

mod common;

use common::{ms, run, say};
use wheelhouse::{ALL_COMPLETED, RunError, Task, gather, sleep, wait};

fn read(sensor: &'static str, takes: u64) -> Task<u64> {
    Task::builder().name(sensor).spawn(async move {
        sleep(ms(takes)).await;
        takes / 10
    })
}

async fn read_what_is_there() {
    let sensors = [read("attic", 30), read("cellar", 500), read("kitchen", 90), read("roof", 101)];
    let read = wait(sensors, ALL_COMPLETED).timeout(ms(100)).await.expect("there are sensors");

    for sensor in read.done {
        let name = sensor.name();
        say(format!("{name}: {} degrees", sensor.await.unwrap()));
    }
    for late in &read.pending {
        say(format!("{}: nothing yet", late.name()));
        late.cancel_with("too late");
    }
    for ended in gather(read.pending).await {
        say(ended.unwrap_err());
    }
}

fn main() -> Result<(), RunError> {
    run(read_what_is_there())
}
