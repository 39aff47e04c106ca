//! A section that cannot be cancelled: work between two awaits.
//!
//! ```text
//! cargo run --example 10_uncancellable
//! cargo run --example 10_uncancellable -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: code without an await is never interrupted, by a cancel or by anything else. That is good where
//! half a change would be worse than none, and bad where the work takes long: nothing else runs meanwhile.
//! A `yield_now` now and then lets others in, and is a place for a cancel to take effect.
//!
//! In asyncio: a loop of plain computation, and `await asyncio.sleep(0)` in it.
//!
//! Prints: the greedy worker does all of its work although it was cancelled; the polite one stops.
//!
//! Read next: `11_wait_for.rs`. For long work that cannot be cut up: `30_blocking_work.rs`.

mod common;

use common::{run, say};
use wheelhouse::{RunError, current_task, spawn, yield_now};

/// One part of a long computation. It has no await in it, so nothing comes in between.
fn crunch(who: &str, part: u32) -> u64 {
    let sum = (0..100_000_u32).map(u64::from).sum::<u64>() * u64::from(part);
    say(format!("  {who}: part {part} done"));
    sum
}

async fn greedy() -> u64 {
    let me = current_task().expect("only tasks call this");
    me.cancel(); // stands for anybody's request that comes while this runs
    let sum = (1..=3).map(|part| crunch("greedy", part)).sum();
    say("  greedy: the request had to wait until here");
    yield_now().await; // the first await after the request: here it takes effect
    sum
}

async fn polite() -> u64 {
    let mut sum = 0;
    for part in 1..=3 {
        sum += crunch("polite", part);
        yield_now().await; // others run; and a cancel takes effect
    }
    sum
}

async fn cancel_both() {
    let worker = spawn(greedy());
    say(format!("the greedy worker: {}", worker.await.unwrap_err()));

    let worker = spawn(polite());
    let handle = worker.handle().clone();
    spawn(async move {
        say("  somebody else gets a turn, and cancels");
        handle.cancel()
    })
    .detach();
    say(format!("the polite worker: {}", worker.await.unwrap_err()));
}

fn main() -> Result<(), RunError> {
    run(cancel_both())
}
