//! The first answer wins, and the rest is cancelled.
//!
//! ```text
//! cargo run --example 15_first_completed
//! cargo run --example 15_first_completed -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `wait` with `FIRST_COMPLETED` returns as soon as one task has ended, with the ended and the
//! pending ones in two lists. It cancels nobody: what is left is yours to cancel, and to wait for.
//!
//! In asyncio: `await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)`.
//!
//! Prints: three mirrors are asked, the nearest answers, and the others hear that they can stop.
//!
//! Read next: `16_partial_timeout.rs`, for as many as there are in time.

mod common;

use common::{ms, run, say};
use wheelhouse::{FIRST_COMPLETED, RunError, Task, catch_cancel, gather, sleep, wait};

fn ask(mirror: &'static str, distance: u64) -> Task<&'static str> {
    Task::builder().name(mirror).spawn(async move {
        match catch_cancel(sleep(ms(distance))).await {
            Ok(()) => mirror,
            Err(cancelled) => {
                say(format!("  {mirror}: never mind, then"));
                cancelled.resume().await
            }
        }
    })
}

async fn race() {
    let mirrors = [ask("oslo", 80), ask("rome", 30), ask("lima", 200)];
    let asked = wait(mirrors, FIRST_COMPLETED).await.expect("there are mirrors");
    for winner in asked.done {
        say(format!("{} answers first", winner.await.unwrap()));
    }
    for late in &asked.pending {
        late.cancel();
    }
    let ended = gather(asked.pending).await; // their clean-up belongs to us
    let cancelled = ended.iter().filter(|end| end.is_err()).count();
    say(format!("{cancelled} others have been told"));
}

fn main() -> Result<(), RunError> {
    run(race())
}
