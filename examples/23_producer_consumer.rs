//! Producer and consumers, with a bounded queue between them.
//!
//! ```text
//! cargo run --example 23_producer_consumer
//! cargo run --example 23_producer_consumer -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: `put` waits while the queue is full, so a quick producer cannot run away from slow consumers.
//! `join` waits until every item has been dealt with; `shutdown` sends the consumers home.
//!
//! In asyncio: `asyncio.Queue(maxsize=2)`, `queue.join()`, and `queue.shutdown()` of Python 3.13.
//!
//! Prints: the producer is held up by its third order; two cooks share the work.
//!
//! Read next: `24_partial_failures.rs`.

mod common;

use std::rc::Rc;

use common::{ms, run, say};
use wheelhouse::sync::Queue;
use wheelhouse::{RunError, gather, sleep, spawn};

const ORDERS: [&str; 5] = ["soup", "salad", "pasta", "pie", "cake"];

async fn take_orders(orders: Rc<Queue<&'static str>>) {
    for order in ORDERS {
        let waits = orders.is_full();
        orders.put(order).await.expect("the kitchen is open");
        say(format!("ordered: {order}{}", if waits { ", once there was room" } else { "" }));
    }
}

async fn cook(name: &'static str, orders: Rc<Queue<&'static str>>) -> u32 {
    let mut cooked = 0;
    while let Ok(order) = orders.get().await {
        sleep(ms(100)).await;
        cooked += 1;
        say(format!("  {name} has cooked: {order}"));
        orders.task_done().expect("one for each order taken");
    }
    cooked // the queue was shut down, and is empty
}

async fn restaurant() {
    let orders = Rc::new(Queue::new(2));
    let cooks = ["anna", "bert"].map(|name| spawn(cook(name, Rc::clone(&orders))));
    take_orders(Rc::clone(&orders)).await;
    orders.join().await;
    say("every order has been dealt with");
    orders.shutdown(false);
    let cooked: u32 = gather(cooks).await.into_iter().map(Result::unwrap).sum();
    say(format!("{cooked} dishes; the cooks have gone home"));
}

fn main() -> Result<(), RunError> {
    run(restaurant())
}
