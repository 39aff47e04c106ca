//! Tasks that need each other's results: a graph instead of a list.
//!
//! ```text
//! cargo run --example 29_dependencies
//! cargo run --example 29_dependencies -- --virtual    in no time, the same text each time
//! ```
//!
//! Shows: each node begins as soon as what it needs is there, and is given those values, typed. If one
//! fails, what depends on it never begins, and the rest goes on.
//!
//! In asyncio: tasks that await the tasks they need, or `graphlib.TopologicalSorter`.
//!
//! Prints: a build in which two parts compile side by side; then the same with a part that is broken.
//!
//! Read next: `30_blocking_work.rs`.

mod common;

use std::rc::Rc;

use common::{ms, run, say};
use wheelhouse::schedule::Graph;
use wheelhouse::{RunError, sleep};

async fn compile(part: &str, takes: u64) -> Result<String, String> {
    say(format!("  {part}: compiling"));
    sleep(ms(takes)).await;
    match part {
        "broken" => Err("expected `;`".to_owned()),
        _ => Ok(format!("{part}.o")),
    }
}

async fn build(second_part: &'static str) {
    let mut graph = Graph::new();
    let sources = graph.add("fetch", (), async |()| {
        sleep(ms(10)).await;
        say("  sources are here");
        2
    });
    let first = graph.try_add("parser", &sources, async |_| compile("parser", 30).await);
    let second = graph.try_add(second_part, &sources, async |_| compile(second_part, 20).await);
    let program =
        graph.add("link", (&first, &second), async |(first, second): (Rc<String>, Rc<String>)| {
            say(format!("  linking {first} and {second}"));
            "program"
        });
    let notes = graph.add("notes", &sources, async |count: Rc<i32>| format!("{count} parts"));

    let outcomes = graph.run().await.expect("no circle in it");
    match outcomes.get(&program) {
        Ok(program) => say(format!("built: {program}")),
        Err(error) => say(format!("no program: {error}")),
    }
    say(format!("release notes: {}", outcomes.get(&notes).unwrap()));
    for (node, error) in outcomes.errors() {
        say(format!("  {node}: {error}"));
    }
}

async fn two_builds() {
    say("a build:");
    build("lexer").await;
    say("a build with a mistake in it:");
    build("broken").await;
}

fn main() -> Result<(), RunError> {
    run(two_builds())
}
