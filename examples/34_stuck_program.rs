//! Debugging a program that is stuck: who waits for what, and since which line.
//!
//! ```text
//! cargo run --example 34_stuck_program
//! cargo run --example 34_stuck_program -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: two transfers take the same two locks in opposite order, and each waits for the other, for ever.
//! `dump_tasks` lists every living task with what it waits for and where it was spawned; ask it from
//! a watchdog, as here, or at the wish of another thread with `call_soon_threadsafe`. Give locks and tasks
//! names, for the sake of this list. In a test, under the virtual clock, no watchdog is needed: once
//! nothing can ever happen again, `run` ends with the same list as an error.
//!
//! In asyncio: `asyncio.all_tasks()`, `task.print_stack()`, and `python -m asyncio ps` of Python 3.14.
//!
//! Prints: the watchdog's list, in which the circle can be read off; then the transfers with the cure.
//!
//! Read next: the reading order of the source itself, `docs/reading-order.md`.

mod common;

use std::rc::Rc;

use common::{ms, run, say};
use wheelhouse::sync::Lock;
use wheelhouse::{ALL_COMPLETED, RunError, Task, dump_tasks, gather, sleep, spawn, timeout, wait};

type Account = Rc<Lock<i64>>;

async fn transfer(from: Account, to: Account, amount: i64) {
    let mut from = from.lock().await;
    sleep(ms(10)).await; // long enough for the other one to take its first lock
    *to.lock().await += amount;
    *from -= amount;
}

/// The cure: everybody takes the locks in one order, whichever way the money goes.
async fn careful_transfer(ann: Account, bob: Account, to_bob: i64) {
    let mut ann = ann.lock().await;
    sleep(ms(10)).await;
    *bob.lock().await += to_bob;
    *ann -= to_bob;
}

fn accounts() -> (Account, Account) {
    (Rc::new(Lock::named("ann", 100)), Rc::new(Lock::named("bob", 100)))
}

async fn two_transfers() {
    let (ann, bob) = accounts();
    let there = transfer(Rc::clone(&ann), Rc::clone(&bob), 10);
    let back = transfer(Rc::clone(&bob), Rc::clone(&ann), 20);
    let both =
        [Task::builder().name("there").spawn(there), Task::builder().name("back").spawn(back)];
    if timeout(ms(1_000), wait(&both, ALL_COMPLETED)).await.is_err() {
        say("a second has passed, and this is where they are:");
        println!("{}", dump_tasks());
        for task in &both {
            task.cancel();
        }
    }

    let (ann, bob) = accounts();
    let there = careful_transfer(Rc::clone(&ann), Rc::clone(&bob), 10);
    let back = careful_transfer(Rc::clone(&ann), Rc::clone(&bob), -20);
    gather([there, back].map(spawn)).await;
    say(format!("with care: ann has {}, bob has {}", *ann.lock().await, *bob.lock().await));
}

fn main() -> Result<(), RunError> {
    run(two_transfers())
}
