//! Gather: all of them, in the order in which they were given.
//!
//! ```text
//! cargo run --example 14_gather
//! cargo run --example 14_gather -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `gather` waits for every task and tells of each how it ended: results and errors side by side.
//! `try_gather` gives plain values, or the first failure as soon as there is one; the others run on.
//! `gather_tuple` takes tasks of different types.
//!
//! In asyncio: `gather(*tasks, return_exceptions=True)`, and plain `gather(*tasks)`.
//!
//! Prints: errors kept; the first error; a string and a number together.
//!
//! Read next: `15_first_completed.rs`.

mod common;

use common::{ms, run, say};
use wheelhouse::{RunError, Task, gather, gather_tuple, sleep, spawn, try_gather, try_spawn};

/// Half of `n`, if `n` is even; the larger, the sooner.
fn halve(n: u32) -> Task<u32> {
    try_spawn(async move {
        sleep(ms(100 - u64::from(n) * 10)).await;
        match n % 2 {
            0 => Ok(n / 2),
            _ => Err(format!("{n} is odd")),
        }
    })
}

async fn gathering() {
    say("errors kept:");
    let all = gather((2..=5).map(halve)).await;
    for (n, half) in (2..).zip(all) {
        match half {
            Ok(half) => say(format!("  half of {n} is {half}")),
            Err(error) => say(format!("  {error}")),
        }
    }

    say("values only:");
    say(format!("  {:?}", try_gather([2, 4, 6].map(halve)).await.unwrap()));

    say("the first error, at once:");
    let tasks = [2, 3, 5].map(halve);
    say(format!("  {}", try_gather(&tasks).await.unwrap_err()));
    say(format!("  the first task is still running: {}", !tasks[0].is_done()));

    say("different types:");
    let (name, age) = gather_tuple((spawn(async { "ada" }), spawn(async { 36 }))).await;
    say(format!("  {}, {}", name.unwrap(), age.unwrap()));
}

fn main() -> Result<(), RunError> {
    run(gathering())
}
