//! The synchronisation primitives beside those of other libraries, in one process.
//!
//! `cargo run --release -p benches --bin sync` prints a Markdown table; `--once WORKLOAD LIBRARY [N]` runs
//! one workload once, for a profiler. [`benches::sync`] says what is measured.
#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

use benches::{Options, measure_here, run_once, sync};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let libraries = sync::libraries();
    match Options::parse(std::env::args().skip(1))? {
        Options::Table { only, rounds } => print!("{}", measure_here(&libraries, &only, rounds)),
        Options::Once { workload, runtime, n } => run_once(&libraries, &workload, &runtime, n)?,
    }
    Ok(())
}
