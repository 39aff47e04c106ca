//! One cook, many pots: a tour of wheelhouse in one program.
//!
//! An event loop is a cook who works alone. No pot is watched until it boils: the cook puts it on,
//! turns to the next one, and comes back when a bell rings. Each pot is a task, each bell a timer.
//!
//! ```text
//! cargo run --example tour               on the real clock, in less than two seconds
//! cargo run --example tour -- --virtual  on a virtual clock, in no time, with the same text each run
//! ```
//!
//! The tour has seven stops: spawn and gather, cancel with clean-up, `wait_for`, `shield`, `wait`, a
//! task group, and the end. It prints what happens, each line with the loop's time in front. Read
//! the code of a stop next to its lines.
//!
//! Read next: `01_hello.rs`, the first rung of a ladder with one idea a file.

mod common;

use std::time::Duration;

use common::{ms, run, say};
use wheelhouse::{
    BoxError, FIRST_COMPLETED, RunError, Task, catch_cancel, gather, shield, sleep, spawn,
    try_task_group, wait, wait_for,
};

/// Most stops wait for this: a dish is on the stove for as long as it takes, or until its cook is
/// told to leave it.
async fn cook(dish: &'static str, takes: Duration) -> &'static str {
    let _pot = Pot::put_on(dish);
    sleep(takes).await; // a cancel ends the dish here: the pot is dropped, and nothing below runs
    dish
}

async fn tour() {
    say("1. spawn and gather: two pots at once take as long as the slower one");
    let rice = spawn(cook("rice", ms(200)));
    let beans = spawn(cook("beans", ms(100)));
    for dish in gather([rice, beans]).await {
        say(format!("  served: {}", dish.unwrap()));
    }

    say("2. cancel: the pot comes off where it stands, and the cleaning up may take its time");
    let stew = Task::builder().name("stew").spawn(async {
        match catch_cancel(cook("stew", NEVER)).await {
            Ok(dish) => dish,
            Err(cancelled) => {
                say("  stew: cancelled, the pot must soak");
                sleep(ms(50)).await;
                say("  stew: the pot is clean");
                cancelled.resume().await // the cancel goes on, and ends the task
            }
        }
    });
    sleep(ms(100)).await;
    stew.cancel_with("the guests are vegetarians"); // a request; the stew hears of it in its next step
    say(format!("  {}", stew.await.unwrap_err()));

    say("3. wait_for: a roast may take so long and no longer");
    match wait_for(cook("roast", NEVER), ms(100)).await {
        Ok(dish) => say(format!("  served: {dish}")),
        Err(elapsed) => say(format!("  roast: {elapsed}")),
    }

    say("4. shield: whoever waits may give up, the bread bakes on");
    let mut bread = spawn(cook("bread", ms(150)));
    if wait_for(shield(&mut bread), ms(50)).await.is_err() {
        say("  nobody waits for the bread, for now");
    }
    say(format!("  served: {}", bread.await.unwrap()));

    say("5. wait: tea or coffee, whichever is first");
    let drinks = [spawn(cook("coffee", ms(120))), spawn(cook("tea", ms(80)))];
    let drinks = wait(drinks, FIRST_COMPLETED).await.unwrap();
    for first in drinks.done {
        say(format!("  served: {}", first.await.unwrap()));
    }
    for late in drinks.pending {
        say(format!("  late, but served: {}", late.await.unwrap()));
    }

    say("6. a task group: a menu is served whole or not at all");
    let menu = try_task_group(async |menu| {
        let soup = menu.spawn(cook("soup", NEVER))?;
        let souffle = menu.try_spawn_named("souffle", async {
            cook("souffle", ms(100)).await;
            Err("it fell in on the way to the table")
        })?;
        Ok::<(&str, &str), BoxError>((soup.await?, souffle.await?))
    });
    match menu.await {
        Ok((soup, souffle)) => say(format!("  served: {soup} and {souffle}")),
        Err(failure) => say(format!("  {failure}")),
    }

    say("7. the end: what still cooks when main returns is cancelled, and waited for");
    spawn(async {
        if catch_cancel(cook("stock", NEVER)).await.is_err() {
            say("  stock: that will do for today");
        }
    })
    .detach();
    sleep(ms(50)).await;
}

/// A pot on the stove. Whichever way its dish ends, the pot comes off.
struct Pot(&'static str);

impl Pot {
    fn put_on(dish: &'static str) -> Pot {
        say(format!("  {dish}: on the stove"));
        Pot(dish)
    }
}

impl Drop for Pot {
    fn drop(&mut self) {
        say(format!("  {}: off the stove", self.0));
    }
}

const NEVER: Duration = Duration::from_secs(60 * 60);

fn main() -> Result<(), RunError> {
    run(tour())
}
