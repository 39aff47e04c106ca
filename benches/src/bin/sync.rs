//! The synchronisation primitives beside those of other libraries, in one process.
//!
//! `cargo run --release -p benches --bin sync` prints a Markdown table; `--once WORKLOAD LIBRARY [N]` runs
//! one workload once, for a profiler. [`benches::sync`] says what is measured.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use benches::{command, measure_here, sync};

fn main() -> ExitCode {
    command::run(&sync::libraries(), |libraries, scope| {
        Ok(measure_here(libraries, scope).beside_the_best())
    })
}
