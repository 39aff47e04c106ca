//! Cancel without await: a request alone does not mean that it is over.
//!
//! ```text
//! cargo run --example 09_cancel_without_await
//! cargo run --example 09_cancel_without_await -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `cancel` returns at once. The task is cancelled in a later turn, and its clean-up takes the time
//! it takes; who needs it to be over must await the task. What still runs when `main` returns is cancelled
//! and waited for. For a task that was cancelled already this is a second request, and like any request it
//! takes effect where the task waits: in the middle of its clean-up.
//!
//! In asyncio: `task.cancel()` with no `await task` behind it; `asyncio.run` ends in the same way.
//!
//! Prints: the cache and the clock get clean. The store, cancelled and not awaited, begins and does not.
//!
//! Read next: `10_uncancellable.rs`, for a part that a cancel does not reach.

mod common;

use common::{ms, run, say};
use wheelhouse::{RunError, catch_cancel, sleep, spawn, yield_now};

async fn service(name: &'static str, clean_up: u64) {
    if let Err(cancelled) = catch_cancel(sleep(ms(60_000))).await {
        say(format!("  {name}: cleaning up"));
        sleep(ms(clean_up)).await;
        say(format!("  {name}: clean"));
        cancelled.resume().await;
    }
}

async fn forgetful() {
    let cache = spawn(service("cache", 20));
    let store = spawn(service("store", 50));
    spawn(service("clock", 10)).detach(); // a dropped handle cancels nothing
    sleep(ms(10)).await;

    say(format!("cancel the cache: accepted? {}", cache.cancel()));
    say(format!("and is it done? {}", cache.is_done()));
    yield_now().await;
    say(format!("a turn later? {}", cache.is_done()));
    let _ = cache.await;
    say("now the cache is done: we have awaited it");

    store.cancel();
    say("main returns, and has awaited neither the store nor the clock");
    // Now the store is cancelled once more, and the clock for the first time.
}

fn main() -> Result<(), RunError> {
    run(forgetful())
}
