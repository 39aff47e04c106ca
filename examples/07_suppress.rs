//! Suppress: a task that catches a cancel and carries on.
//!
//! ```text
//! cargo run --example 07_suppress
//! cargo run --example 07_suppress -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: what follows `catch_cancel` may return a value, and then the task finishes as if nothing had
//! been asked. A cancel is delivered once: later awaits work, until the next request. The requests stay
//! counted, so that others can tell; who deals with one for good takes it back with `uncancel`.
//!
//! In asyncio: `except CancelledError: pass`, and `task.uncancel()`.
//!
//! Prints: the poll gives up the slow source when cancelled, and delivers what it has.
//!
//! Read next: `08_reraise.rs`, where it is passed on, from scope to scope.

mod common;

use std::cell::RefCell;

use common::{ms, run, say};
use wheelhouse::{RunError, catch_cancel, current_task, sleep, spawn};

/// Collects answers until it is told to stop; then it gives what it has got.
async fn poll_opinions() -> Vec<u32> {
    let answers = RefCell::new(Vec::new());
    let collect = async {
        for answer in 1.. {
            sleep(ms(30)).await;
            answers.borrow_mut().push(answer);
        }
    };
    if catch_cancel(collect).await.is_err() {
        let me = current_task().expect("only tasks call this");
        say(format!("  enough; requests so far: {}", me.cancelling()));
        sleep(ms(10)).await; // works as ever: the cancel was delivered, and is over
        say(format!("  requests left after uncancel: {}", me.uncancel()));
    }
    answers.into_inner()
}

async fn stop_a_poll() {
    let poll = spawn(poll_opinions());
    sleep(ms(100)).await;
    say(format!("cancel: {}", poll.cancel()));
    let handle = poll.handle().clone();
    say(format!("the poll's answers: {:?}", poll.await.expect("it suppressed the cancel")));
    say(format!("was it cancelled? {}", handle.is_cancelled()));
    say(format!("cancel, when it has ended: {}", handle.cancel()));
}

fn main() -> Result<(), RunError> {
    run(stop_a_poll())
}
