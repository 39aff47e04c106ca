//! A lost wake-up, on purpose: a future that says "not yet" and tells nobody how to call it back.
//!
//! ```text
//! cargo run --example 05_lost_wakeup
//! ```
//!
//! Shows: what a future owes its executor. One that returns `Pending` must keep the waker it was polled
//! with, and wake it when there is something new. If it does not, its task is never stepped again: no
//! error, no work, just silence. The virtual clock makes a report of the silence, for it sees that
//! nothing can ever happen again.
//!
//! In asyncio: `await loop.create_future()` with nobody left to call `set_result`; that program hangs.
//!
//! Prints: the report of the careless flag's task; then the careful one, which is woken.
//!
//! Read next: `06_cancel_with_cleanup.rs`. The guide to hung programs is `34_stuck_program.rs`.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use wheelhouse::{EventLoop, RunError, call_later};

#[derive(Default)]
struct Flag {
    raised: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
}

impl Flag {
    fn raise(&self) {
        self.raised.set(true);
        if let Some(waker) = self.waiter.take() {
            waker.wake();
        }
    }

    /// Waits for the flag. The careless way forgets the waker, and so the wake-up is lost.
    async fn wait(&self, careful: bool) {
        poll_fn(|cx| {
            if self.raised.get() {
                return Poll::Ready(());
            }
            if careful {
                self.waiter.replace(Some(cx.waker().clone()));
            }
            Poll::Pending
        })
        .await;
    }
}

async fn wait_for_the_flag(careful: bool) {
    let flag = Rc::new(Flag::default());
    let raise = Rc::clone(&flag);
    call_later(Duration::from_millis(10), move || {
        println!("  the flag is raised");
        raise.raise();
    });
    flag.wait(careful).await;
    println!("  the waiter has seen it");
}

fn main() -> Result<(), RunError> {
    for careful in [false, true] {
        println!("{}", if careful { "with care:" } else { "without care:" });
        let mut event_loop = EventLoop::builder().virtual_clock().build()?;
        match event_loop.run_until_complete(wait_for_the_flag(careful)) {
            Err(RunError::Deadlock(deadlock)) => {
                for stuck in deadlock.waiting() {
                    println!("  stuck: {}, which waits for {:?}", stuck.task(), stuck.waits_for());
                }
            }
            ended => ended?,
        }
    }
    Ok(())
}
