//! The workloads, each generic over the runtime, and the list of them.

mod memory;
mod remote;
mod sleeps;
pub(crate) mod tasks;

use crate::Runtime;

/// Something to put a runtime through.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What `--once` calls it.
    pub name: &'static str,
    /// What it measures, in order.
    pub rows: &'static [Row],
    /// How many operations make one run.
    pub n: usize,
    /// Runs it with so many operations, in a fresh runtime, and gives one value for each row.
    pub run: fn(usize) -> Vec<f64>,
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
    const fn new(name: &'static str, unit: Unit) -> Row {
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
}

impl Unit {
    /// The value as the table shows it: CPU time bare, everything else with its unit; a dash for a peer
    /// that has nothing of the kind.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            _ if value.is_nan() => "–".to_owned(),
            Unit::CpuNanos if value < 100.0 => format!("{value:.1}"),
            Unit::CpuNanos => format!("{value:.0}"),
            Unit::WallNanos => format!("{:.1} µs", value / 1e3),
            Unit::Bytes => format!("{value:.0} B"),
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

/// Every workload, for the runtime `R`.
#[must_use = "this only lists them"]
pub fn all<R: Runtime>() -> Vec<Workload> {
    use Unit::{Bytes, WallNanos};
    use Wanted::{AtMost, Ratio};
    vec![
        Workload {
            name: "yield-1",
            rows: &[const { Row::cpu("yield, 1 task").wanted(Ratio(0.55)) }],
            n: 1_000_000,
            run: |n| tasks::yields::<R>(1, n),
        },
        Workload {
            name: "yield-1000",
            rows: &[const { Row::cpu("yield, 1000 tasks").wanted(Ratio(0.55)) }],
            n: 1_000_000,
            run: |n| tasks::yields::<R>(1000, n),
        },
        Workload {
            name: "spawn-await",
            rows: &[const { Row::cpu("spawn + await, one by one").wanted(Ratio(0.35)) }],
            n: 300_000,
            run: tasks::spawn_and_await::<R>,
        },
        Workload {
            name: "spawn-all",
            rows: &[const { Row::cpu("spawn 100k, await all").wanted(Ratio(0.30)) }],
            n: 100_000,
            run: tasks::spawn_all::<R>,
        },
        Workload {
            name: "cancel",
            rows: &[
                const { Row::cpu("spawn and park 100k") },
                const { Row::cpu("cancel + join 100k parked").wanted(Ratio(0.35)) },
            ],
            n: 100_000,
            run: tasks::park_and_cancel::<R>,
        },
        Workload {
            name: "sleeps",
            rows: &[
                const { Row::cpu("sleep: create + first poll, 1M live").wanted(Ratio(0.7)) },
                const { Row::cpu("sleep: drop, 1M live").wanted(Ratio(0.7)) },
                const { Row::cpu("sleep: create + first poll, warm") },
                const { Row::cpu("sleep: drop, warm") },
            ],
            n: 1_000_000,
            run: sleeps::insert_and_drop::<R>,
        },
        Workload {
            name: "expire",
            rows: &[
                const { Row::cpu("expire 100k sleeps in 300 ms") },
                const { Row::new("expire: lateness, p50", WallNanos) },
                const { Row::new("expire: lateness, p99", WallNanos) },
            ],
            n: 100_000,
            run: sleeps::expire::<R>,
        },
        Workload {
            name: "single-sleep",
            rows: &[const { Row::new("sleep of 300 us: lateness, p50", WallNanos) }],
            n: 200,
            run: sleeps::single::<R>,
        },
        Workload {
            name: "remote-wake",
            rows: &[
                const { Row::new("wake from a thread: round trip", WallNanos) },
                const { Row::cpu("wake from a thread: CPU of both") },
            ],
            n: 20_000,
            run: remote::round_trips::<R>,
        },
        Workload {
            name: "memory",
            rows: &[const { Row::new("bytes per parked task", Bytes).wanted(AtMost(208.0)) }],
            n: 100_000,
            run: memory::parked_tasks::<R>,
        },
    ]
}
