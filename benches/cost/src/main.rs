//! What the loop costs, in numbers that repeat: instructions, held against budgets.
//!
//! ```sh
//! cargo run --release -p cost                # instructions for each operation, beside its budget
//! cargo run --release -p cost -- --update    # writes the budgets anew, from what was measured
//! cargo run --release -p cost -- --scale     # how costs grow with the number of tasks and timers
//! ```
//!
//! Instructions are counted by valgrind, which need not be there: without it the program says so, and ends
//! well. How costs grow is in `scale.rs`. An operation that needs a tenth more than its budget is a failure. One that
//! needs less than nine tenths of it is told, so that the budget can follow. Each figure is the difference of two
//! runs, of `N` and of `2 N` operations: what it takes to start a program, a loop and its tables is in neither.

mod budgets;
mod operations;
mod scale;
mod valgrind;

use std::hint::black_box;
use std::io;
use std::process::ExitCode;

use operations::ALL;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => check(),
        ["--update"] => done(budgets::update()),
        ["--scale"] => done(scale::print_table()),
        ["--run", operation, n] => run(operation, n),
        ["--run-scaled", operation, n, operations] => run_scaled(operation, n, operations),
        _ => {
            eprintln!("usage: cost [--update | --scale]");
            ExitCode::FAILURE
        }
    }
}

/// Holds every operation against its budget, and its growth to a bound.
fn check() -> ExitCode {
    if !valgrind::is_here() {
        println!("SKIPPED: no instructions were counted, there is no valgrind here");
        return ExitCode::SUCCESS;
    }
    done(judge_all())
}

fn judge_all() -> io::Result<()> {
    let over = budgets::judge_all()?;
    println!("\nBeside a hundred others, and a hundred thousand:");
    match (over, scale::judge_all()?) {
        (0, 0) => Ok(()),
        (over, growing) => Err(io::Error::other(format!(
            "{over} operations are over their budget, {growing} grow with the number of others"
        ))),
    }
}

fn done(work: io::Result<()>) -> ExitCode {
    match work {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What is counted: one operation, `n` times.
fn run(operation: &str, n: &str) -> ExitCode {
    let found = ALL.iter().find(|known| known.name == operation);
    match (found, n.parse()) {
        (Some(found), Ok(n)) => (found.run)(n),
        _ => return unknown(operation),
    }
    ExitCode::SUCCESS
}

/// What is counted: one operation, so many times beside `n` others.
fn run_scaled(operation: &str, n: &str, operations: &str) -> ExitCode {
    let found = scale::ALL.iter().find(|known| known.name == operation);
    match (found, n.parse(), operations.parse()) {
        (Some(found), Ok(n), Ok(operations)) => drop(black_box(found.run(n, operations))),
        _ => return unknown(operation),
    }
    ExitCode::SUCCESS
}

fn unknown(operation: &str) -> ExitCode {
    eprintln!("there is no operation `{operation}`, or a number is no number");
    ExitCode::FAILURE
}
