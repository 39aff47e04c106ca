//! A limit within a limit: each timeout knows its own.
//!
//! ```text
//! cargo run --example 12_nested_timeouts
//! cargo run --example 12_nested_timeouts -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: a timeout is a scope with a timer. The one that expires turns its own cancel into `Elapsed`, and
//! lets everybody else's pass: a cancel of the outer limit goes through the inner one untouched. A limit
//! can be moved while it runs.
//!
//! In asyncio: `async with asyncio.timeout(1): async with asyncio.timeout(0.1): ...`, and `reschedule`.
//!
//! Prints: the inner limit twice, then the outer one, then a limit that is moved further away.
//!
//! Read next: `13_shield.rs`, for a wait that may end without ending what it waits for.

mod common;

use common::{ms, run, say};
use wheelhouse::{Elapsed, RunError, sleep, time, timeout, timeout_with};

/// Each page has 100 ms, and is given up if it takes longer.
async fn fetch(page: u32, takes: u64) -> Result<u32, Elapsed> {
    let fetched = timeout(ms(100), async {
        sleep(ms(takes)).await;
        page
    });
    let fetched = fetched.await;
    say(match &fetched {
        Ok(page) => format!("  page {page} is here"),
        Err(elapsed) => format!("  page {page}: {elapsed}"),
    });
    fetched // a cancel of the outer limit never comes to this line
}

async fn fetch_all(takes: [u64; 4]) -> usize {
    let mut fetched = 0;
    for (page, takes) in (1..).zip(takes) {
        fetched += usize::from(fetch(page, takes).await.is_ok());
    }
    fetched
}

async fn limits() {
    say("all pages within 400 ms, 100 ms for each:");
    let all = timeout(ms(400), fetch_all([50, 5_000, 80, 5_000])).await;
    say(format!("pages: {}", all.expect("the outer limit was not reached")));

    say("all pages within 200 ms:");
    match timeout(ms(200), fetch_all([90, 90, 90, 90])).await {
        Ok(pages) => say(format!("pages: {pages}")),
        Err(elapsed) => say(format!("the whole: {elapsed}")),
    }

    say("a limit that is moved:");
    let whole = timeout_with(ms(50), async |limit| {
        sleep(ms(40)).await;
        limit.reschedule(time() + ms(100)).expect("it has not expired");
        sleep(ms(60)).await;
        "done, 100 ms after the start"
    });
    say(whole.await.expect("in time"));
}

fn main() -> Result<(), RunError> {
    run(limits())
}
