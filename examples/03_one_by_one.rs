//! One by one, or at once: what concurrency buys where most of the time is spent waiting.
//!
//! ```text
//! cargo run --example 03_one_by_one
//! cargo run --example 03_one_by_one -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: an `await` in a loop waits for one after the other; tasks that are spawned first wait together.
//! Nothing runs in parallel: it is one thread that waits for three things.
//!
//! In asyncio: `for u in urls: await fetch(u)`, beside `await asyncio.gather(*map(fetch, urls))`.
//!
//! Prints: the time of each way, and their ratio, which is 3.0 under the virtual clock.
//!
//! Read next: `04_task_states.rs`, for what a task is between its start and its end.

mod common;

use std::time::Duration;

use common::{ms, run, say};
use wheelhouse::{RunError, gather, sleep, spawn, time};

const PAGES: [&str; 3] = ["news", "weather", "sports"];

/// Stands for a request to a server that takes its time.
async fn fetch(page: &'static str) -> usize {
    sleep(ms(100)).await;
    page.len()
}

async fn one_by_one() -> Duration {
    let start = time();
    let mut total = 0;
    for page in PAGES {
        total += fetch(page).await; // the next one is not asked for before this one is here
    }
    say(format!("one by one: {total} bytes in {} ms", (time() - start).as_millis()));
    time() - start
}

async fn at_once() -> Duration {
    let start = time();
    let pages = gather(PAGES.map(|page| spawn(fetch(page)))).await;
    let total: usize = pages.into_iter().map(Result::unwrap).sum();
    say(format!("at once: {total} bytes in {} ms", (time() - start).as_millis()));
    time() - start
}

async fn compare() {
    let (slow, quick) = (one_by_one().await, at_once().await);
    say(format!("{:.1} times as fast", slow.as_secs_f64() / quick.as_secs_f64()));
}

fn main() -> Result<(), RunError> {
    run(compare())
}
