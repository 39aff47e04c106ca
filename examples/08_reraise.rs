//! Re-raise: a cancel on its way out, through one scope after the other.
//!
//! ```text
//! cargo run --example 08_reraise
//! cargo run --example 08_reraise -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: the innermost scope is asked first. `resume` unwinds to the next one out, and the task itself is
//! the outermost. Whoever awaits the task is told; it was not cancelled itself, so for it that is a value.
//! `or_raise` makes it a cancel again, as asyncio would.
//!
//! In asyncio: nested `try: ... except CancelledError: ...; raise`.
//!
//! Prints: three layers clean up from the inside out; then two ways to await what was cancelled.
//!
//! Read next: `09_cancel_without_await.rs`, where nobody waits for the clean-up.

mod common;

use common::{ms, run, say};
use wheelhouse::{RunError, catch_cancel, or_raise, sleep, spawn};

async fn transaction() {
    if let Err(cancelled) = catch_cancel(sleep(ms(60_000))).await {
        say("  roll back the transaction");
        cancelled.resume().await; // never returns: goes on in `session`
    }
}

async fn session() {
    if let Err(cancelled) = catch_cancel(transaction()).await {
        sleep(ms(5)).await;
        say("  close the session");
        cancelled.resume().await;
    }
}

async fn request() -> &'static str {
    match catch_cancel(session()).await {
        Ok(()) => "200 OK",
        Err(cancelled) => {
            say("  log the request");
            cancelled.resume().await // the last scope: the task ends cancelled
        }
    }
}

async fn cancel_requests() {
    let first = spawn(request());
    sleep(ms(10)).await;
    first.cancel_with("shutting down");
    let ended = first.await; // a value: we were not cancelled
    say(format!("joined: {}", ended.expect_err("it was cancelled")));

    let second = spawn(request());
    let cancel = second.handle().clone();
    let waiter = spawn(async { or_raise(second.await).await }); // goes along with it
    sleep(ms(10)).await;
    cancel.cancel();
    say(format!("joined with or_raise: {}", waiter.await.expect_err("it went along")));
}

fn main() -> Result<(), RunError> {
    run(cancel_requests())
}
