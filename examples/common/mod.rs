//! What the examples share: a choice of clock, and a way to speak.
//!
//! Every example runs on the real clock, so that you see it wait. With `-- --virtual` it runs on a clock that
//! jumps to the next timer as soon as nothing else is to do: it then takes no time, and prints the same
//! text on every run. `tests/examples.rs` holds that text to the one in `tests/examples/`.
#![allow(dead_code, unreachable_pub, reason = "each example uses its own part")]

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use wheelhouse::{EventLoop, RunError, Runner, time};

/// As `wheelhouse::run`, in a loop with the clock that was asked for: runs `main`, then cancels the tasks
/// that are left and waits for their ends.
pub fn run<F: Future + 'static>(main: F) -> Result<F::Output, RunError> {
    let event_loop = match std::env::args().any(|argument| argument == "--virtual") {
        true => EventLoop::builder().virtual_clock(),
        false => EventLoop::builder(),
    };
    let mut runner = Runner::with_loop(event_loop.build()?);
    let output = runner.run(main)?;
    runner.close()?;
    Ok(output)
}

/// Prints a line with the loop's time in front.
pub fn say(line: impl Display) {
    println!("{:>5} ms  {line}", time().as_millis());
}

/// Milliseconds.
pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}
