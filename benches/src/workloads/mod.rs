//! The workloads, each generic over the runtime: what a workload is, and in `list.rs` all of them.

mod groups;
mod list;
mod memory;
mod messages;
mod remote;
mod sleeps;
pub(crate) mod tasks;

pub use list::all;
pub(crate) use list::of_python;

use crate::Laps;

/// Something to put a runtime through.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What `--once` calls it.
    pub name: &'static str,
    /// What it measures, in order.
    pub rows: &'static [Row],
    /// How many operations make one run.
    pub n: usize,
    /// How many operations make a run in which instructions are counted, which takes 50 times as long; none
    /// if such a count says nothing.
    pub counted: usize,
    /// Why this runtime cannot do it, if it cannot.
    pub cannot: Option<&'static str>,
    /// Runs it with so many operations, in a fresh runtime, with a lap for each row.
    pub run: Run,
}

/// A workload at work.
pub type Run = fn(usize, Laps) -> Laps;

impl Workload {
    pub(crate) const fn new(
        name: &'static str,
        rows: &'static [Row],
        n: usize,
        run: Run,
    ) -> Workload {
        Workload { name, rows, n, counted: 0, cannot: None, run }
    }

    /// Instructions are counted, in runs of `n` operations.
    const fn counted(self, n: usize) -> Workload {
        Workload { counted: n, ..self }
    }

    pub(crate) fn cannot(self, reason: Option<&'static str>) -> Workload {
        Workload { cannot: self.cannot.or(reason), ..self }
    }
}

/// One measured quantity.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The head of the row.
    pub name: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// What is aimed at, if anything.
    pub wanted: Option<Wanted>,
}

impl Row {
    pub(crate) const fn new(name: &'static str, unit: Unit) -> Row {
        Row { name, unit, wanted: None }
    }

    pub(crate) const fn cpu(name: &'static str) -> Row {
        Row::new(name, Unit::CpuNanos)
    }

    pub(crate) const fn wanted(self, wanted: Wanted) -> Row {
        Row { wanted: Some(wanted), ..self }
    }
}

/// What the numbers of a row count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds of CPU time for each operation.
    CpuNanos,
    /// Nanoseconds that passed for each operation.
    WallNanos,
    /// Bytes for each operation.
    Bytes,
    /// Kilobytes, of 1000 bytes.
    Kilobytes,
    /// Things of which there are few.
    Count,
    /// So few that a fraction counts.
    Few,
    /// Seconds of CPU time.
    Seconds,
    /// So many a second: more is better.
    PerSecond,
}

impl Unit {
    /// The value as the table shows it: CPU time bare, everything else with its unit.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Unit::CpuNanos if value < 100.0 => format!("{value:.1}"),
            Unit::CpuNanos | Unit::Count => format!("{value:.0}"),
            Unit::WallNanos => format!("{:.1} µs", value / 1e3),
            Unit::Few => format!("{value:.2}"),
            Unit::Bytes => format!("{value:.0} B"),
            Unit::Kilobytes => format!("{value:.0} kB"),
            Unit::Seconds => format!("{value:.1} s"),
            Unit::PerSecond => format!("{:.1}k/s", value / 1e3),
        }
    }
}

/// What a row should come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// At most this, as a multiple of what it is measured against.
    Ratio(f64),
    /// At most this.
    AtMost(f64),
}
