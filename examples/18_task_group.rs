//! A task group: no child outlives it, and no error is lost.
//!
//! ```text
//! cargo run --example 18_task_group
//! cargo run --example 18_task_group -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: a child that is cancelled leaves the group alone. One that fails cancels its siblings and the
//! group's body; all are waited for, and then every error comes back, also those of siblings that failed
//! in their clean-up.
//!
//! In asyncio: `async with asyncio.TaskGroup() as group: ...` and `except* ValueError`.
//!
//! Prints: one child is cancelled, one fails, one fails while it cleans up, one is cut short.
//!
//! Read next: `19_periodic.rs`.

mod common;

use common::{ms, run, say};
use wheelhouse::{BoxError, RunError, catch_cancel, sleep, try_task_group};

async fn patient() {
    if let Err(cancelled) = catch_cancel(sleep(ms(60_000))).await {
        say("  patient: cut short");
        cancelled.resume().await;
    }
}

async fn clumsy() -> Result<(), String> {
    match catch_cancel(sleep(ms(60_000))).await {
        Ok(()) => Ok(()),
        Err(_) => Err("dropped a plate while it was cleaning up".to_owned()),
    }
}

async fn unlucky() -> Result<(), String> {
    sleep(ms(50)).await;
    Err("no eggs".to_owned())
}

async fn kitchen() {
    let dinner = try_task_group(async |kitchen| {
        kitchen.spawn_named("patient", patient())?.detach();
        kitchen.try_spawn_named("clumsy", clumsy())?.detach();
        kitchen.try_spawn_named("unlucky", unlucky())?.detach();
        let tired = kitchen.spawn_named("tired", sleep(ms(60_000)))?;

        sleep(ms(20)).await;
        tired.cancel_with("go home");
        let ended = tired.await;
        say(format!("  {}; {} go on", ended.unwrap_err(), kitchen.children().len()));

        sleep(ms(60_000)).await; // the body, too, is cancelled when a child fails
        Ok::<_, BoxError>("dinner")
    });
    match dinner.await {
        Ok(dinner) => say(format!("served: {dinner}")),
        Err(errors) => {
            say(format!("no dinner, for {} reasons:", errors.errors().len()));
            for error in errors.errors() {
                say(format!("  {error}"));
            }
        }
    }
}

fn main() -> Result<(), RunError> {
    run(kitchen())
}
