//! Work that blocks, on a thread of its own, while the loop runs on.
//!
//! ```text
//! cargo run --example 30_blocking_work
//! ```
//!
//! Shows: a computation, or a call that blocks, keeps the whole loop from running. `offload` hands it to a thread
//! of a small pool and waits for its result like for any other. It can be given up, but not stopped: a
//! thread cannot be interrupted. How often the loop came round meanwhile is different on each run, so
//! this program prints what does not depend on it.
//!
//! In asyncio: `await asyncio.to_thread(count_primes, 50_000)`.
//!
//! Prints: no tick during a blocking call, ticks during an offloaded one; results, a panic, a job given up.
//!
//! Read next: `31_graceful_shutdown.rs`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use wheelhouse::schedule::every;
use wheelhouse::{OffloadError, RunError, gather, offload, run, spawn, timeout};

const LONG: Duration = Duration::from_millis(50);

fn count_primes(below: u32) -> usize {
    (2..below).filter(|n| (2..).take_while(|d| d * d <= *n).all(|d| n % d != 0)).count()
}

/// Runs `work` beside a task that ticks every millisecond, and tells whether that got its turns.
async fn ticks_during<T>(work: impl Future<Output = T>) -> (T, &'static str) {
    let ticks = Rc::new(Cell::new(0));
    let count = Rc::clone(&ticks);
    let clock = every(Duration::from_millis(1)).spawn(async move || count.set(count.get() + 1));
    let result = work.await;
    clock.cancel();
    (result, if ticks.get() > 1 { "the clock ticked on" } else { "not a tick was heard" })
}

async fn blocking_and_not() {
    let blocked = ticks_during(async { thread::sleep(LONG) });
    println!("a blocking call: {}", blocked.await.1);

    let offloaded = ticks_during(offload(|| thread::sleep(LONG)));
    println!("the same, offloaded: {}", offloaded.await.1);

    let jobs = [10_000, 20_000, 40_000].map(|n| spawn(offload(move || count_primes(n))));
    let counts = gather(jobs).await;
    println!("primes: {:?}", counts.into_iter().map(|n| n.unwrap().unwrap()).collect::<Vec<_>>());

    match offload(|| panic!("division by zero")).await {
        Err(OffloadError::Panicked(panic)) => println!("a job that panicked: {}", panic.message()),
        other => println!("{other:?}"),
    }

    let (answer, question) = mpsc::channel();
    let stuck = offload(move || question.recv());
    let given_up = timeout(Duration::from_millis(5), stuck).await;
    println!("a job that takes too long: given up? {}", given_up.is_err());
    println!("is its thread still there? {}", answer.send("at last").is_ok());
}

fn main() -> Result<(), RunError> {
    std::panic::set_hook(Box::new(|_| {})); // the report above says enough
    run(blocking_and_not())
}
