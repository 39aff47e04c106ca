//! Servers on each runtime under the same load.
//!
//! `cargo run --release -p benches --bin echo` prints a Markdown table, and keeps it in
//! `docs/performance.md`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    benches::echo::run()
}
