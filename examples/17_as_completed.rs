//! Results as they come, with a progress bar in percent.
//!
//! ```text
//! cargo run --example 17_as_completed
//! cargo run --example 17_as_completed -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `as_completed` gives the tasks back one by one, in the order in which they end. With a limit
//! for the whole series, those that are late come as `Elapsed`; they are not cancelled.
//!
//! In asyncio: `for task in asyncio.as_completed(tasks): await task`.
//!
//! Prints: a bar that grows from 0 % to 100 %, the quick files first.
//!
//! Read next: `18_task_group.rs`, for tasks that stand and fall together.

mod common;

use common::{ms, run, say};
use wheelhouse::{RunError, Task, as_completed, sleep, spawn};

const FILES: [(&str, u64); 5] = [("a", 120), ("b", 40), ("c", 200), ("d", 80), ("e", 160)];

fn download(name: &'static str, takes: u64) -> Task<&'static str> {
    spawn(async move {
        sleep(ms(takes)).await;
        name
    })
}

fn bar(done: usize, all: usize) -> String {
    let percent = done * 100 / all;
    let filled = percent / 5;
    format!("[{:<20}] {percent:>3} %", "#".repeat(filled))
}

async fn with_progress() {
    let mut downloads = as_completed(FILES.map(|(name, takes)| download(name, takes)));
    say(bar(0, FILES.len()));
    let mut done = 0;
    while let Some(task) = downloads.next().await {
        let name = task.expect("there is no limit").await.unwrap();
        done += 1;
        say(format!("{}  {name}", bar(done, FILES.len())));
    }

    say("the same within 100 ms:");
    let downloads = FILES.map(|(name, takes)| download(name, takes));
    let mut downloads = as_completed(downloads).timeout(ms(100));
    let (mut in_time, mut late) = (0, 0);
    while let Some(task) = downloads.next().await {
        if task.is_ok() { in_time += 1 } else { late += 1 }
    }
    say(format!("{}  {late} late", bar(in_time, FILES.len())));
}

fn main() -> Result<(), RunError> {
    run(with_progress())
}
