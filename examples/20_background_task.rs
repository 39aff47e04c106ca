//! A task in the background: a heartbeat beside the work.
//!
//! ```text
//! cargo run --example 20_background_task
//! cargo run --example 20_background_task -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: a task runs on when its handle is dropped; the loop holds it, and no set of references has to
//! be kept. `detach` says that this is meant. A failure in it is not lost: the exception handler
//! of the loop hears of it, or whoever asks the handle; and a done callback tells when it is over.
//!
//! In asyncio: `background.add(task); task.add_done_callback(background.discard)`, for a task that nobody
//! holds may vanish there.
//!
//! Prints: a heartbeat beside the work, until `main` returns; and a failure that a callback hears of.
//!
//! Read next: `21_scheduled_tasks.rs`.

mod common;

use common::{ms, run, say};
use wheelhouse::{RunError, Task, catch_cancel, sleep, try_spawn};

async fn heartbeat() {
    let beat = async {
        loop {
            say("  beat");
            sleep(ms(40)).await;
        }
    };
    let Err(cancelled) = catch_cancel(beat).await; // it has no other end
    say("  the heart stops: main has returned");
    cancelled.resume().await;
}

async fn report_usage() -> Result<(), &'static str> {
    sleep(ms(50)).await;
    Err("the server does not answer")
}

async fn work() {
    Task::builder().name("heartbeat").spawn(heartbeat()).detach();

    let report = try_spawn(report_usage());
    report.add_done_callback(|task| {
        if let Some(Err(error)) = task.ending() {
            say(format!("  in the background, {error}"));
        }
    });
    report.detach();

    for part in 1..=3 {
        sleep(ms(30)).await;
        say(format!("part {part} of the work is done"));
    }
}

fn main() -> Result<(), RunError> {
    run(work())
}
