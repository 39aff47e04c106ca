//! A task's life: created, waiting, and one of three ends.
//!
//! ```text
//! cargo run --example 04_task_states
//! cargo run --example 04_task_states -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: a task ends in one of three ways. It *finishes* with a value; it *fails*, if it panics or was
//! started with `try_spawn` and returns an `Err`; or it is *cancelled*. A future that is neither awaited nor
//! spawned has no life at all.
//!
//! In asyncio: `task.done()`, `task.cancelled()`, `task.result()`, `task.exception()`.
//!
//! Prints: what three tasks look like before they begin, while they wait, and at their end.
//!
//! Read next: `05_lost_wakeup.rs`, where a task waits for ever.

mod common;

use common::{ms, run, say};
use wheelhouse::{JoinError, RunError, Task, TaskHandle, sleep, try_spawn, yield_now};

fn state_of(task: &TaskHandle) -> String {
    match task.ending() {
        None => "pending".to_owned(),
        Some(Ok(())) => "finished".to_owned(),
        Some(Err(JoinError::Cancelled(_))) => "cancelled".to_owned(),
        Some(Err(JoinError::Failed(failed))) => format!("failed: {}", failed.error()),
        Some(Err(error)) => error.to_string(),
    }
}

fn show(when: &str, tasks: &[&TaskHandle]) {
    say(when);
    for task in tasks {
        say(format!("  {}: {}", task.name(), state_of(task)));
    }
}

async fn three_lives() {
    drop(async { unreachable!("a future that nobody awaits does nothing") });

    let baker = Task::builder().name("baker").spawn(async {
        sleep(ms(20)).await;
        "a loaf"
    });
    // This one has no name of its own, and is called by its number: the fourth is main, and two more.
    let reader = try_spawn(async {
        sleep(ms(10)).await;
        "twelve".parse::<u32>()
    });
    let sleeper = Task::builder().name("sleeper").spawn(sleep(ms(60_000)));
    let all: [&TaskHandle; 3] = [&baker, &reader, &sleeper];

    show("created, not yet begun:", &all);
    yield_now().await;
    show("each waits:", &all);
    sleep(ms(30)).await;
    sleeper.cancel();
    show("two have ended, and a cancel is only requested:", &all);
    yield_now().await;
    show("the request has been delivered:", &all);

    let loaf = baker.await.expect("it has finished");
    say(format!("the baker left {loaf}; a value is given once"));
}

fn main() -> Result<(), RunError> {
    run(three_lives())
}
