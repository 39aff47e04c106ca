//! Measures the loop beside its peers, prints the result as a Markdown table, and keeps it in `docs/`.

use std::alloc::System;
use std::process::ExitCode;

use benches::{command, measure_all, peers};
use mockalloc::Mockalloc;

/// Counts only while the memory of tasks is measured; otherwise it costs a look at a thread-local flag.
#[global_allocator]
static ALLOCATOR: Mockalloc<System> = Mockalloc(System);

fn main() -> ExitCode {
    command::run(&peers(), measure_all)
}
