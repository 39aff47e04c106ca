//! Shield: whoever waits may give up, the work goes on.
//!
//! ```text
//! cargo run --example 13_shield
//! cargo run --example 13_shield -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: an await of a task passes a cancel on to it. `shield` does not: the waiter is cancelled, the task
//! runs on. Keep a handle to it, to learn how it ended.
//!
//! In asyncio: `await asyncio.shield(task)`.
//!
//! Prints: a plain await takes the task with it; a shielded one leaves it to save its file.
//!
//! Read next: `14_gather.rs`.

mod common;

use common::{ms, run, say};
use wheelhouse::{RunError, Task, shield, sleep, spawn, wait_for};

fn start_saving(name: &'static str) -> Task<&'static str> {
    spawn(async move {
        say(format!("  {name}: writing"));
        sleep(ms(100)).await;
        say(format!("  {name}: written"));
        name
    })
}

async fn save_two_files() {
    say("a plain await:");
    let mut save = start_saving("draft");
    let waited = wait_for(async { (&mut save).await }, ms(40)).await;
    say(format!("gave up waiting: {}", waited.is_err()));
    say(format!("and the task? {}", save.await.unwrap_err()));

    say("a shielded await:");
    let mut save = start_saving("final");
    let waited = wait_for(shield(&mut save), ms(40)).await;
    say(format!("gave up waiting: {}", waited.is_err()));
    say(format!("and the task? It saved {:?}", save.await.unwrap()));
}

fn main() -> Result<(), RunError> {
    run(save_two_files())
}
