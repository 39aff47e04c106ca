//! The budgets: a line for each operation, its instructions and its name.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::{fs, io};

use crate::operations::ALL;
use crate::valgrind;

const HEAD: &str = "\
# Instructions for one operation, by `cargo run --release -p cost -- --update`. More than a tenth above fails.
";

/// Writes the budgets anew.
pub(crate) fn update() -> io::Result<()> {
    fs::write(file(), measure_all()?)
}

/// Prints a line for each operation; how many are over their budget.
pub(crate) fn judge_all() -> io::Result<usize> {
    let text = fs::read_to_string(file())?;
    let budgets = read(&text);
    let mut over = 0;
    for operation in ALL {
        let taken = valgrind::instructions(operation)?;
        let verdict = judge(taken, budgets.get(operation.name).copied());
        println!("{taken:>8}  {:<30} {verdict}", operation.name);
        over += usize::from(verdict.is_failure());
    }
    Ok(over)
}

fn measure_all() -> io::Result<String> {
    let mut budgets = HEAD.to_owned();
    for operation in ALL {
        let taken = valgrind::instructions(operation)?;
        println!("{taken:>8}  {}", operation.name);
        let _ = writeln!(budgets, "{taken:>8}  {}", operation.name);
    }
    Ok(budgets)
}

fn read(budgets: &str) -> HashMap<&str, u64> {
    let lines = budgets.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.trim().split_once("  "))
        .filter_map(|(instructions, name)| Some((name.trim(), instructions.parse().ok()?)))
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Within,
    Under(u64),
    Over(u64),
    NoBudget,
}

impl Verdict {
    fn is_failure(self) -> bool {
        matches!(self, Verdict::Over(_) | Verdict::NoBudget)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Verdict::Within => Ok(()),
            Verdict::Under(budget) => write!(f, "well under its {budget}: update the budgets"),
            Verdict::Over(budget) => write!(f, "OVER its budget of {budget}"),
            Verdict::NoBudget => write!(f, "has NO budget: update the budgets"),
        }
    }
}

fn judge(taken: u64, budget: Option<u64>) -> Verdict {
    match budget {
        None => Verdict::NoBudget,
        Some(budget) if taken * 10 > budget * 11 => Verdict::Over(budget),
        Some(budget) if taken * 10 < budget * 9 => Verdict::Under(budget),
        Some(_) => Verdict::Within,
    }
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("budgets.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_more_is_borne_and_no_more() {
        assert_eq!(judge(110, Some(100)), Verdict::Within);
        assert_eq!(judge(111, Some(100)), Verdict::Over(100));
        assert_eq!(judge(90, Some(100)), Verdict::Within);
        assert_eq!(judge(89, Some(100)), Verdict::Under(100));
        assert_eq!(judge(1, None), Verdict::NoBudget);
        assert!(judge(111, Some(100)).is_failure() && judge(1, None).is_failure());
        assert!(!judge(89, Some(100)).is_failure());
    }

    #[test]
    fn every_operation_has_a_budget_and_every_budget_an_operation() {
        let text = fs::read_to_string(file()).unwrap();
        let mut budgets: Vec<&str> = read(&text).into_keys().collect();
        let mut operations: Vec<&str> = ALL.iter().map(|operation| operation.name).collect();
        budgets.sort_unstable();
        operations.sort_unstable();
        assert_eq!(budgets, operations);
    }
}
