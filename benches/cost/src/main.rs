//! What the loop costs, in numbers that repeat: instructions, held against budgets.
//!
//! ```sh
//! cargo run --release -p cost                # instructions for each operation, beside its budget
//! cargo run --release -p cost -- --update    # writes the budgets anew, from what was measured
//! cargo run --release -p cost -- --scale     # how times grow with the number of tasks and timers
//! ```
//!
//! Instructions are counted by valgrind, which need not be there: without it the program says so, and ends
//! well. An operation that needs a tenth more than its budget is a failure. One that needs less than nine tenths
//! of it is told, so that the budget can follow. Each figure is the difference of two runs, of `N` and of `2 N`
//! operations: what it takes to start a program, a loop and its tables is in neither.

mod budgets;
mod operations;
mod scale;
mod valgrind;

use std::process::ExitCode;

use operations::ALL;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => budgets::check(),
        ["--update"] => budgets::update(),
        ["--scale"] => {
            scale::print_table();
            ExitCode::SUCCESS
        }
        ["--run", operation, n] => run(operation, n),
        _ => {
            eprintln!("usage: cost [--update | --scale]");
            ExitCode::FAILURE
        }
    }
}

/// What is counted: one operation, `n` times.
fn run(operation: &str, n: &str) -> ExitCode {
    let found = ALL.iter().find(|known| known.name == operation);
    let (Some(found), Ok(n)) = (found, n.parse()) else {
        eprintln!("there is no operation `{operation}` to be run `{n}` times");
        return ExitCode::FAILURE;
    };
    (found.run)(n);
    ExitCode::SUCCESS
}
