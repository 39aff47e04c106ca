//! The timer wheel beside other collections of timers, in one process.
//!
//! `cargo run --release -p benches --bin timers` prints a Markdown table of nanoseconds per operation with a
//! million timers pending, and the ratios that the wheel is held to. Rounds are interleaved and the medians
//! shown, so that what disturbs the machine disturbs all alike.

mod collections;
mod measure;

use std::process::ExitCode;

use crate::command::{Scope, exit_code};
use collections::{Delays, LazyHeap, Quad, Tree, Wheel};
use measure::{COLUMNS, Figures, Results};

const MS: u64 = 1_000_000;

const NAMES: [&str; 5] = [
    "timer-wheel",
    "BTreeMap",
    "BinaryHeap, lazy",
    "tokio-util DelayQueue",
    "hierarchical_hash_wheel_timer",
];

/// The program; of the common options it knows `--rounds`.
pub fn run() -> ExitCode {
    let scope = Scope::parse(std::env::args().skip(1));
    exit_code(scope.map_err(Into::into).map(|scope| {
        let figures = measure(scope.rounds);
        print_table(&figures);
        print_ratios(&figures);
    }))
}

fn measure(rounds: usize) -> Vec<Figures> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime for the DelayQueue");
    let _context = runtime.enter();
    let mut results: [Results; NAMES.len()] = Default::default();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        results[0].measure(Wheel::default);
        results[1].measure(Tree::default);
        results[2].measure(LazyHeap::default);
        results[3].measure(|| Delays::new(&runtime));
        results[4].measure(Quad::default);
    }
    results.iter().map(Results::figures).collect()
}

fn print_table(figures: &[Figures]) {
    println!("| ns per operation | {} |", COLUMNS.join(" | "));
    println!("|---|{}", "--:|".repeat(COLUMNS.len()));
    for (name, figures) in NAMES.iter().zip(figures) {
        let cells: Vec<String> = figures.iter().map(|figure| format!("{figure:.1}")).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
}

/// What the wheel is held to; the first figures are its own, the second those of the `BTreeMap`.
fn print_ratios(figures: &[Figures]) {
    let (wheel, peers) = figures.split_first().expect("the wheel is measured first");
    let best = |column: usize, peers: &[Figures]| {
        peers.iter().map(|peer| peer[column]).fold(f64::INFINITY, f64::min)
    };
    // The tree and the heap keep exact order, the other two do not.
    let exact = &peers[..2];
    let rest = best(6, &peers[1..]);
    println!();
    verdict("insert, of the best exact one", wheel[0] / best(0, exact), 1.0);
    verdict("net, of the best exact one", wheel[1] / best(1, exact), 1.0);
    verdict("cancel cold, of the best", wheel[2] / best(2, peers), 1.3);
    verdict("reset cold, of the best", wheel[3] / best(3, peers), 1.3);
    verdict("reset hot, of the best", wheel[4] / best(4, peers), 1.3);
    verdict("expire, of the BTreeMap", wheel[6] / peers[0][6], 3.0);
    verdict("expire, of the best of the rest", wheel[6] / rest, 1.0);
    verdict("worst advance, µs", wheel[7].max(wheel[8]), 50.0);
    verdict("bytes per timer", wheel[9], 40.0);
}

fn verdict(what: &str, value: f64, limit: f64) {
    let met = if value <= limit { "met" } else { "MISSED" };
    println!("- {what}: {value:.2}, at most {limit}: {met}");
}
