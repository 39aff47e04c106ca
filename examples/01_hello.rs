//! Hello: the smallest program that waits.
//!
//! ```text
//! cargo run --example 01_hello
//! ```
//!
//! Shows: `run` makes an event loop, runs one future in it to the end, and hands back what that returns.
//! `sleep` suspends the future; the loop meanwhile waits for the timer.
//!
//! In asyncio: `asyncio.run(main())` with an `await asyncio.sleep(0.5)` in `main`.
//!
//! Prints: `hello`, half a second later `world`, and the answer that `main` returned.
//!
//! Read next: `02_two_sleepers.rs`, where two wait at once.

use std::time::Duration;

use wheelhouse::{RunError, run, sleep};

async fn hello() -> u32 {
    println!("hello");
    sleep(Duration::from_millis(500)).await;
    println!("world");
    42
}

fn main() -> Result<(), RunError> {
    let answer = run(hello())?;
    println!("{answer}");
    Ok(())
}
