//! Trying again: longer pauses each time, a bit of chance in them, and an end.
//!
//! ```text
//! cargo run --example 25_retry
//! cargo run --example 25_retry -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `retry` repeats attempts with growing pauses until one succeeds, or until there have been enough
//! attempts, or enough time, or an error that another attempt would not help against. Chance in the pauses
//! (jitter) keeps clients that failed together from coming back together; its seed makes it repeatable.
//! A cancel is never taken for a failure: it ends the retries.
//!
//! In asyncio: a loop around `try` with `await asyncio.sleep(delay); delay *= 2`, or the package tenacity.
//!
//! Prints: a server that answers at the third attempt, one that never does, a wrong password, and a cancel.
//!
//! Read next: `26_priority_scheduler.rs`.

mod common;

use std::cell::Cell;

use common::{ms, run, say};
use wheelhouse::schedule::{Backoff, Random, RetryError, retry};
use wheelhouse::{RunError, sleep, timeout};

#[derive(Debug, PartialEq)]
enum Answer {
    Busy,
    WrongPassword,
}

/// Busy for the first so many calls.
struct Server {
    busy_for: u32,
    calls: Cell<u32>,
}

impl Server {
    async fn log_in(&self) -> Result<&'static str, Answer> {
        sleep(ms(5)).await;
        self.calls.set(self.calls.get() + 1);
        let busy = self.calls.get() <= self.busy_for;
        say(format!("  attempt {}: {}", self.calls.get(), if busy { "busy" } else { "welcome" }));
        if busy { Err(Answer::Busy) } else { Ok("welcome") }
    }
}

fn server(busy_for: u32) -> Server {
    Server { busy_for, calls: Cell::new(0) }
}

async fn patient_client() {
    say("pauses of 20, 40, 80 ms and so on, each shortened by up to half:");
    let pauses = Backoff::exponential(ms(20)).cap(ms(500)).jitter(0.5, Random::seeded(7));
    let patience = retry(pauses).attempts(4);

    let soon = server(2);
    say(format!("logged in: {:?}", patience.clone().run(|| soon.log_in()).await));

    say("four attempts at most:");
    let down = server(u32::MAX);
    let gave_up = patience.clone().run(|| down.log_in()).await.unwrap_err();
    say(format!("gave up after {} attempts", gave_up.attempts()));

    say("not worth another attempt:");
    let worth_it = |error: &Answer| *error == Answer::Busy;
    let login = patience.run_if(worth_it, async || Err::<(), _>(Answer::WrongPassword));
    if let Err(RetryError::NotWorthIt { attempts, error }) = login.await {
        say(format!("after {attempts} attempt: {error:?}"));
    }

    say("within 100 ms, whoever asks for it:");
    let down = server(u32::MAX);
    let forever = retry(Backoff::constant(ms(30)));
    say(format!("in time: {}", timeout(ms(100), forever.run(|| down.log_in())).await.is_ok()));
}

fn main() -> Result<(), RunError> {
    run(patient_client())
}
