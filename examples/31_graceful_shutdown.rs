//! A graceful shutdown: stop on Ctrl-C or SIGTERM, let the workers finish, and do not wait for ever.
//!
//! ```text
//! cargo run --example 31_graceful_shutdown      and then press Ctrl-C, or: kill -TERM <its number>
//! ```
//!
//! Shows: `signals` makes a future of the operating system's signals. What follows is plain cancelling: each
//! worker cleans up behind its `catch_cancel`, all are waited for, for so long and no longer, and one that
//! will not end is aborted. (Without any of this `run` cancels its main task at the first Ctrl-C.)
//!
//! In asyncio: `loop.add_signal_handler(signal.SIGTERM, stop.set)`, then cancel and gather the tasks.
//!
//! Prints: that it works; and, once it is told to stop, how three workers end.
//!
//! Read next: `32_http_pages.rs`.

use std::time::Duration;

use wheelhouse::signal::{Signal, SignalError, signals};
use wheelhouse::{ALL_COMPLETED, RunError, Task, catch_cancel, run, sleep, wait, yield_now};

/// How long the workers may take to clean up.
const PATIENCE: Duration = Duration::from_millis(500);

fn start(name: &'static str, work: impl Future<Output = ()> + 'static) -> Task<()> {
    Task::builder().name(name).spawn(work)
}

/// Works until it is cancelled, and then finishes what it has begun.
async fn worker(name: &'static str, clean_up: Duration) {
    let work = async {
        loop {
            sleep(Duration::from_millis(10)).await; // stands for one piece of work
        }
    };
    let Err(cancelled) = catch_cancel(work).await; // it has no other end
    println!("  {name}: finishing");
    sleep(clean_up).await;
    println!("  {name}: done");
    cancelled.resume().await;
}

/// Suppresses every cancel.
async fn stubborn() {
    loop {
        if catch_cancel(sleep(Duration::from_secs(3600))).await.is_err() {
            println!("  stubborn: not now");
        }
    }
}

async fn service() -> Result<(), SignalError> {
    let mut stop = signals(&[Signal::INT, Signal::TERM])?;
    let workers = [
        start("printer", worker("printer", Duration::from_millis(20))),
        start("mailer", worker("mailer", Duration::from_millis(50))),
        start("stubborn", stubborn()),
    ];
    yield_now().await; // let them begin: a task that has not begun has nothing to clean up
    println!("at work");

    let signal = stop.recv().await?;
    println!("{signal}: closing");
    for task in &workers {
        task.cancel();
    }
    let ended = wait(&workers, ALL_COMPLETED).timeout(PATIENCE).await.expect("there are workers");
    for late in ended.pending {
        println!("{}: aborted", late.name());
        late.abort();
    }
    println!("closed");
    Ok(())
}

fn main() -> Result<(), RunError> {
    run(service())?.expect("signals can be listened to");
    Ok(())
}
