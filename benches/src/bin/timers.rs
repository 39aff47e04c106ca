//! The timer wheel beside other collections of timers: see [`benches::timers`].
#![forbid(unsafe_code)]

use std::alloc::System;
use std::process::ExitCode;

use mockalloc::Mockalloc;

/// Counts only while the memory of timers is measured.
#[global_allocator]
static ALLOCATOR: Mockalloc<System> = Mockalloc(System);

fn main() -> ExitCode {
    benches::timers::run()
}
