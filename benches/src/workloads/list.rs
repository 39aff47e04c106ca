//! All workloads, in the order of the table.

use super::{Row, Run, Unit, Wanted, Workload};
use super::{groups, memory, messages, remote, sleeps, tasks};
use crate::Runtime;
use crate::runtimes::Floor;

use Unit::{Bytes, WallNanos};
use Wanted::{AtMost, Ratio};

/// Every workload, for the runtime `R`; its own channel, if it has one, comes as a workload already.
#[must_use = "this only lists them"]
pub fn all<R: Runtime>(own_channel: Option<Run>) -> Vec<Workload> {
    let groups =
        [scheduling::<R>(), vec![over_own_channel(own_channel)], timing::<R>(), beside::<R>()];
    let reason = |workload: &Workload| {
        R::CANNOT.iter().find(|(name, _)| *name == workload.name).map(|(_, reason)| *reason)
    };
    let workloads = groups.into_iter().flatten();
    workloads.map(|workload| workload.cannot(reason(&workload))).collect()
}

/// The same list for a Python, which runs what it calls by these names.
pub(crate) fn of_python() -> Vec<Workload> {
    let nothing: Run = |_, laps| laps;
    let workloads = all::<Floor>(Some(nothing)).into_iter();
    workloads
        .map(|workload| Workload { run: nothing, counted: 0, cannot: None, ..workload })
        .collect()
}

/// A row of CPU time, and the ratio to tokio that is wanted.
macro_rules! cpu {
    ($name:literal) => {
        const { Row::cpu($name) }
    };
    ($name:literal, $wanted:literal) => {
        const { Row::cpu($name).wanted(Ratio($wanted)) }
    };
}

fn scheduling<R: Runtime>() -> Vec<Workload> {
    vec![
        Workload::new(
            "spawn-await-main",
            &[cpu!("spawn + await, from main", 0.25)],
            200_000,
            tasks::spawn_and_await_from_main::<R>,
        )
        .counted(10_000),
        Workload::new(
            "spawn-await",
            &[cpu!("spawn + await, from a task", 0.25)],
            300_000,
            tasks::spawn_and_await::<R>,
        )
        .counted(20_000),
        Workload::new(
            "spawn-all",
            &[cpu!("spawn 100k, await all", 0.22)],
            100_000,
            tasks::spawn_all::<R>,
        )
        .counted(20_000),
        Workload::new("yield-1", &[cpu!("yield, 1 task", 0.45)], 1_000_000, |n, laps| {
            tasks::yields::<R>(1, n, laps)
        })
        .counted(50_000),
        Workload::new("yield-1000", &[cpu!("yield, 1000 tasks", 0.45)], 1_000_000, |n, laps| {
            tasks::yields::<R>(1000, n, laps)
        })
        .counted(50_000),
        Workload::new(
            "ring-1",
            &[cpu!("ring of 1000 tasks, 1 token", 0.55)],
            500_000,
            |n, laps| messages::ring::<R>(1, n, laps),
        )
        .counted(50_000),
        Workload::new(
            "ring-200",
            &[cpu!("ring of 1000 tasks, 200 tokens", 0.55)],
            1_000_000,
            |n, laps| messages::ring::<R>(200, n, laps),
        )
        .counted(50_000),
        Workload::new(
            "ping-pong",
            &[cpu!("ping-pong over an `Rc` channel", 0.60)],
            300_000,
            messages::ping_pong::<R>,
        )
        .counted(20_000),
    ]
}

fn over_own_channel(run: Option<Run>) -> Workload {
    Workload::new(
        "ping-pong-own",
        &[cpu!("ping-pong over the runtime's channel")],
        200_000,
        run.unwrap_or(|_, laps| laps),
    )
    .counted(20_000)
    .cannot(run.is_none().then_some("none of its own"))
}

fn timing<R: Runtime>() -> Vec<Workload> {
    vec![
        Workload::new(
            "sleeps",
            &[
                cpu!("timer insert, up to 1M live", 0.75),
                cpu!("timer churn (drop + insert), 1M live", 0.50),
                cpu!("timer reset, 1M live", 0.40),
                cpu!("timer drop, 1M live", 0.50),
                cpu!("timer insert, again"),
            ],
            1_000_000,
            sleeps::live::<R>,
        )
        .counted(10_000),
        Workload::new(
            "timeout",
            &[cpu!("timeout that does not fire")],
            200_000,
            groups::timeouts::<R>,
        )
        .counted(10_000),
        Workload::new(
            "expire",
            &[
                cpu!("expire 100k in 1 s", 0.60),
                const { Row::new("… lateness, p50", WallNanos) },
                const { Row::new("… lateness, p99", WallNanos) },
            ],
            100_000,
            sleeps::expire::<R>,
        ),
        Workload::new(
            "single-sleep",
            &[const { Row::new("sleep of 300 µs: lateness, p50", WallNanos) }],
            100,
            sleeps::single::<R>,
        ),
    ]
}

fn beside<R: Runtime>() -> Vec<Workload> {
    vec![
        Workload::new(
            "park-on-sleep",
            &[cpu!("spawn and park 100k on a sleep", 0.50)],
            100_000,
            tasks::park_on_sleep::<R>,
        )
        .counted(10_000),
        Workload::new(
            "cancel",
            &[cpu!("spawn and park 100k", 0.50), cpu!("cancel + join 100k parked", 0.25)],
            100_000,
            tasks::park_and_cancel::<R>,
        )
        .counted(10_000),
        Workload::new(
            "gather-10",
            &[cpu!("spawn + gather, 10 tasks: each")],
            200_000,
            |n, laps| groups::gather::<R>(10, n, laps),
        )
        .counted(10_000),
        Workload::new(
            "gather-10k",
            &[cpu!("spawn + gather, 10,000 tasks: each")],
            200_000,
            |n, laps| groups::gather::<R>(10_000, n, laps),
        )
        .counted(10_000),
        Workload::new("wait-10", &[cpu!("spawn + wait, 10 tasks: each")], 200_000, |n, laps| {
            groups::wait::<R>(10, n, laps)
        })
        .counted(10_000),
        Workload::new(
            "wait-10k",
            &[cpu!("spawn + wait, 10,000 tasks: each")],
            200_000,
            |n, laps| groups::wait::<R>(10_000, n, laps),
        )
        .counted(10_000),
        Workload::new(
            "remote-wake",
            &[
                cpu!("wake from a thread: CPU of both"),
                const { Row::new("… round trip", WallNanos) },
            ],
            5_000,
            remote::wakes::<R>,
        ),
        Workload::new(
            "offload",
            &[
                cpu!("offload to a thread: CPU of both"),
                const { Row::new("… round trip", WallNanos) },
            ],
            5_000,
            remote::offloads::<R>,
        ),
        Workload::new(
            "memory",
            &[const { Row::new("bytes per parked task", Bytes).wanted(AtMost(176.0)) }],
            100_000,
            memory::parked_tasks::<R>,
        ),
        Workload::new(
            "timer-memory",
            &[const { Row::new("bytes per timer", Bytes).wanted(AtMost(64.0)) }],
            100_000,
            memory::timers::<R>,
        ),
    ]
}
