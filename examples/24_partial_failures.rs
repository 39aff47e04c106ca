//! Partial failures: keep what worked, report what did not.
//!
//! ```text
//! cargo run --example 24_partial_failures
//! cargo run --example 24_partial_failures -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: three kinds of bad ends, told apart. An error of one's own type is found with `downcast_ref`;
//! a panic ends its own task only; a timeout is a value of the task. And what happens to a failure that
//! nobody looks at: the loop's exception handler hears of it.
//!
//! In asyncio: `gather(.., return_exceptions=True)` and `isinstance(result, ..)`;
//! `loop.set_exception_handler`.
//!
//! Prints: five parts of a page, of which two are missing, one is late, and one has gone badly wrong.
//!
//! Read next: `25_retry.rs`, for trying again.

mod common;

use std::fmt;

use common::{ms, run, say};
use wheelhouse::{BoxError, JoinError, RunError, Task, gather, sleep, timeout, try_spawn};

#[derive(Debug)]
struct NotFound(u16);

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.0)
    }
}

impl std::error::Error for NotFound {}

async fn fetch(part: &'static str) -> Result<String, BoxError> {
    sleep(ms(10)).await;
    match part {
        "photo" => Err(NotFound(404).into()),
        "video" => Err(NotFound(410).into()),
        "advert" => panic!("index out of bounds"),
        "map" => {
            timeout(ms(50), sleep(ms(60_000))).await?;
            Ok("a map".to_owned())
        }
        _ => Ok(format!("the {part}")),
    }
}

async fn page() {
    let parts = ["text", "photo", "video", "map", "advert"];
    let tasks: Vec<Task<String>> = parts.map(|part| try_spawn(fetch(part))).into();
    let mut shown = Vec::new();
    for (part, ended) in parts.into_iter().zip(gather(tasks).await) {
        match ended {
            Ok(text) => shown.push(text),
            Err(JoinError::Panicked(panic)) => say(format!("{part}: a bug: {}", panic.message())),
            Err(error) => match error.downcast_ref::<NotFound>() {
                Some(NotFound(404)) => say(format!("{part}: a placeholder will do")),
                Some(missing) => say(format!("{part}: left out, {missing}")),
                None => say(format!("{part}: {error}")),
            },
        }
    }
    say(format!("shown: {shown:?}"));
}

fn main() -> Result<(), RunError> {
    std::panic::set_hook(Box::new(|_| {})); // the report below says enough
    run(page())
}
