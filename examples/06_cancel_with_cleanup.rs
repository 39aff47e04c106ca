//! Cancel, with clean-up that awaits.
//!
//! ```text
//! cargo run --example 06_cancel_with_cleanup
//! cargo run --example 06_cancel_with_cleanup -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `cancel` is a request. It takes effect where the task waits: the future inside `catch_cancel` is
//! dropped there, its destructors run, and the code behind `catch_cancel` goes on with an `Err`. That code
//! may await, as long as it likes; `resume` passes the cancel on, and ends the task.
//!
//! In asyncio: `try: ... except CancelledError: await clean_up(); raise`.
//!
//! Prints: the upload begins, is cancelled at 100 ms, cleans up until 150 ms, and has ended cancelled.
//!
//! Read next: `07_suppress.rs`, where the cancel goes no further.

mod common;

use common::{ms, run, say};
use wheelhouse::{JoinError, RunError, catch_cancel, sleep, spawn};

/// Closes by itself, whichever way its owner ends. A destructor cannot await, though.
struct Connection;

impl Drop for Connection {
    fn drop(&mut self) {
        say("  the connection is closed, by its destructor");
    }
}

async fn send_everything() {
    let _connection = Connection;
    say("  sending");
    sleep(ms(60_000)).await;
    unreachable!("nothing below the await point runs in a future that was dropped there");
}

async fn upload() {
    match catch_cancel(send_everything()).await {
        Ok(()) => say("  sent"),
        Err(cancelled) => {
            say(format!("  cancelled: {}", cancelled.reason().unwrap_or("without a reason")));
            sleep(ms(50)).await; // say, tell the server
            say("  the half that was sent is deleted");
            cancelled.resume().await;
        }
    }
}

async fn cancel_an_upload() {
    let upload = spawn(upload());
    sleep(ms(100)).await;
    say("cancel");
    upload.cancel_with("the user has closed the window");
    match upload.await {
        Err(JoinError::Cancelled(cancelled)) => say(cancelled),
        other => unreachable!("{other:?}"),
    }
}

fn main() -> Result<(), RunError> {
    run(cancel_an_upload())
}
