//! The same work again and again, and two ways to stop it.
//!
//! ```text
//! cargo run --example 19_periodic
//! cargo run --example 19_periodic -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `every` runs work on a fixed beat, however long a run takes. An event ends it after the run that
//! has begun; a cancel ends it at once, in the middle of a run if need be.
//!
//! In asyncio: `while not stop.is_set(): await work(); await asyncio.sleep(period)`, which drifts by the time
//! the work takes; or `task.cancel()`.
//!
//! Prints: a backup on a beat of 100 ms; the one that the event comes into is finished, the one that the
//! cancel comes into is not.
//!
//! Read next: `20_background_task.rs`.

mod common;

use std::rc::Rc;

use common::{ms, run, say};
use wheelhouse::schedule::every;
use wheelhouse::sync::Event;
use wheelhouse::{RunError, sleep};

async fn backup() {
    say("  backup begins");
    sleep(ms(30)).await;
    say("  backup ends");
}

async fn stop_twice() {
    say("stopped by an event:");
    let closing = Rc::new(Event::new());
    let backups = every(ms(100)).until(Rc::clone(&closing)).spawn(backup);
    sleep(ms(210)).await;
    say("closing time"); // 10 ms into the third run
    closing.set();
    say(format!("{} backups, all of them whole", backups.await.unwrap()));

    say("stopped by a cancel:");
    let backups = every(ms(100)).first_after(ms(50)).spawn(backup);
    sleep(ms(160)).await;
    say("power cut"); // 10 ms into the second run
    backups.cancel();
    let begun = backups.runs();
    say(format!("{begun} begun, the last one not ended: {}", backups.await.unwrap_err()));
}

fn main() -> Result<(), RunError> {
    run(stop_twice())
}
