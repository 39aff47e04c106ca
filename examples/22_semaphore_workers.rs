//! So many at a time: workers bounded by a semaphore.
//!
//! ```text
//! cargo run --example 22_semaphore_workers
//! cargo run --example 22_semaphore_workers -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: a `Semaphore` has a number of permits. Who takes the permit *before* spawning never has more
//! tasks than permits, however long the list; a task that takes it itself is one of a waiting crowd.
//! A permit goes back when it is dropped, also if its task is cancelled or fails.
//!
//! In asyncio: `async with semaphore: await fetch(url)`.
//!
//! Prints: six downloads, at most two at a time, in three rounds of 100 ms.
//!
//! Read next: `23_producer_consumer.rs`.

mod common;

use std::cell::Cell;
use std::rc::Rc;

use common::{ms, run, say};
use wheelhouse::sync::Semaphore;
use wheelhouse::{RunError, sleep, task_group};

/// How many run right now, and how many ever did at once.
#[derive(Default)]
struct Busy {
    now: Cell<u32>,
    most: Cell<u32>,
}

impl Busy {
    fn begin(&self) {
        self.now.set(self.now.get() + 1);
        self.most.set(self.most.get().max(self.now.get()));
    }

    fn end(&self) {
        self.now.set(self.now.get() - 1);
    }
}

async fn download(page: u32, busy: Rc<Busy>) {
    busy.begin();
    say(format!("page {page} begins; {} at work", busy.now.get()));
    sleep(ms(100)).await;
    busy.end();
}

async fn two_at_a_time() {
    let slots = Rc::new(Semaphore::bounded(2));
    let busy = Rc::new(Busy::default());
    task_group(async |group| {
        for page in 1..=6 {
            let permit = Rc::clone(&slots).acquire_owned(1).await; // waits here, not in a crowd
            let download = download(page, Rc::clone(&busy));
            let child = async move {
                download.await;
                drop(permit);
            };
            group.spawn(child).expect("the group is open").detach();
        }
    })
    .await
    .expect("no download fails");
    say(format!("at most {} at once; {} permits are back", busy.most.get(), slots.available()));
}

fn main() -> Result<(), RunError> {
    run(two_at_a_time())
}
