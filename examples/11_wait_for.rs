//! A time limit for something slow.
//!
//! ```text
//! cargo run --example 11_wait_for
//! cargo run --example 11_wait_for -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `wait_for` gives a future so long and no longer. When time is up it cancels the future at its
//! await point, and the result is `Elapsed`. For a task there is `wait_for_task`, which also waits until
//! the task has cleaned up.
//!
//! In asyncio: `await asyncio.wait_for(fetch(), timeout=0.1)`.
//!
//! Prints: a quick page, a slow page that is given up at its limit, and a task that ends its clean-up.
//!
//! Read next: `12_nested_timeouts.rs`.

mod common;

use common::{ms, run, say};
use wheelhouse::{RunError, catch_cancel, sleep, spawn, wait_for, wait_for_task};

async fn fetch(page: &'static str, takes: u64) -> String {
    sleep(ms(takes)).await;
    format!("<h1>{page}</h1>")
}

async fn fetch_and_tidy_up(page: &'static str) -> String {
    match catch_cancel(fetch(page, 60_000)).await {
        Ok(text) => text,
        Err(cancelled) => {
            sleep(ms(30)).await;
            say("  the connection has been given back");
            cancelled.resume().await
        }
    }
}

async fn with_limits() {
    for (page, takes) in [("home", 20), ("archive", 60_000)] {
        match wait_for(fetch(page, takes), ms(100)).await {
            Ok(text) => say(format!("{page}: {text}")),
            Err(elapsed) => say(format!("{page}: {elapsed}")),
        }
    }

    let mut task = spawn(fetch_and_tidy_up("library"));
    match wait_for_task(&mut task, ms(100)).await {
        Ok(text) => say(format!("library: {text:?}")),
        Err(elapsed) => say(format!("library: {elapsed}, and its clean-up is over")),
    }
}

fn main() -> Result<(), RunError> {
    run(with_limits())
}
