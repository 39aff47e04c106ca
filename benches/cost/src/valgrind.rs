//! Counting instructions.

use std::io;
use std::process::Command;

use crate::operations::Operation;

/// A multiple of all that operations divide by, and enough for tables to have grown.
const N: usize = 20_000;

/// Is valgrind here?
pub(crate) fn is_here() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Instructions that one operation takes.
pub(crate) fn instructions(operation: &Operation) -> io::Result<u64> {
    let run = |n: usize| count(&["--run", operation.name, &n.to_string()]);
    let (once, twice) = (run(N)?, run(2 * N)?);
    Ok((twice - once) / N as u64)
}

/// Instructions of a process that does something so often, beside `n` others.
pub(crate) fn count_scaled(name: &str, n: usize, operations: usize) -> io::Result<u64> {
    count(&["--run-scaled", name, &n.to_string(), &operations.to_string()])
}

/// Instructions of this program with such arguments.
fn count(arguments: &[&str]) -> io::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(arguments)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    total(&said)
        .filter(|_| output.status.success())
        .ok_or_else(|| io::Error::other(said.into_owned()))
}

/// The number in `I refs:  1,234`.
fn total(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("I") && line.contains("refs:"))?;
    let digits: String =
        line.rsplit("refs:").next()?.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}
