//! Measures the loop beside its peers and prints the result as a Markdown table.

use std::alloc::System;
use std::error::Error;
use std::process::ExitCode;

use benches::{Options, measure, peers, run_once};
use mockalloc::Mockalloc;

/// Counts only while the memory of tasks is measured; otherwise it costs a look at a thread-local flag.
#[global_allocator]
static ALLOCATOR: Mockalloc<System> = Mockalloc(System);

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
    match Options::parse(std::env::args().skip(1))? {
        Options::Table { only, rounds } => print!("{}", measure(&peers(), &only, rounds)?),
        Options::Once { workload, runtime, n } => run_once(&peers(), &workload, &runtime, n)?,
    }
    Ok(())
}
