//! Measuring the servers, and the table that comes of it.

use std::error::Error;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use super::Service;
use super::load::Outcome;
use super::process::{Running, calls, traced};
use super::servers::SERVERS;
use super::wrk;
use crate::Unit;
use crate::command::Scope;
use crate::measure::median;
use crate::once::here;
use crate::python::Python;
use crate::report::{Cell, Line, Report, page};

/// How long a server is measured at a time. Not for long: what disturbs a machine lasts for seconds, and so meets
/// several servers that take their turns quickly.
const TIME: Duration = Duration::from_millis(300);

/// How often it is each server's turn in a round.
const TURNS: usize = 2;

/// A load that all servers are put under.
#[derive(Clone, Copy)]
struct Setup {
    service: Service,
    connections: usize,
    bytes: usize,
}

impl Setup {
    fn all() -> Vec<Setup> {
        let echo = |bytes| {
            [1, 50, 1000].map(|connections| Setup { service: Service::Echo, connections, bytes })
        };
        let http =
            [1, 50].map(|connections| Setup { service: Service::Http, connections, bytes: 0 });
        [64, 16 * 1024].into_iter().flat_map(echo).chain(http).collect()
    }

    fn name(self) -> String {
        match self.service {
            Service::Echo => format!("echo, {} × {} B", self.connections, self.bytes),
            Service::Http => {
                let client = if wrk_is_installed() { "wrk" } else { "our client" };
                format!("HTTP by {client}, {} connections", self.connections)
            }
        }
    }
}

/// Whether HTTP is loaded by the program that others use as well, or by our client.
fn wrk_is_installed() -> bool {
    static INSTALLED: LazyLock<bool> = LazyLock::new(wrk::is_installed);
    *INSTALLED
}

type Failure = Box<dyn Error>;

/// Measures all servers under every load within the scope, and gives the table of ratios. A complete run is
/// kept in `docs/performance.md`.
pub(super) fn measure(scope: &Scope) -> Result<String, Failure> {
    let python = Python::find();
    let mut names: Vec<&'static str> = SERVERS.iter().map(|server| server.name).collect();
    let floor = names.len() - 1;
    names.splice(floor..floor, python.iter().flat_map(Python::loops));
    let setups: Vec<Setup> =
        Setup::all().into_iter().filter(|setup| scope.includes(&setup.name())).collect();
    let mut report = Report { head: "requests", peers: names, lines: Vec::new() };
    let begin = Instant::now();
    for (done, setup) in setups.iter().enumerate() {
        let seconds = begin.elapsed().as_secs();
        eprintln!("[{seconds:3} s, {done} of {} loads done] {}", setups.len(), setup.name());
        let lines = measure_setup(*setup, &report.peers, python.as_ref(), scope.rounds);
        report.tell(&lines);
        report.lines.extend(lines);
    }
    let ratios = report.ratios();
    if scope.is_complete() {
        let figures = report.figures();
        page::write(
            page::ALL,
            "servers",
            &format!("{ratios}\nThe figures themselves:\n\n{figures}"),
        )?;
    }
    Ok(ratios)
}

fn measure_setup(
    setup: Setup,
    names: &[&'static str],
    python: Option<&Python>,
    rounds: usize,
) -> Vec<Line> {
    let command = |name: &str| server(name, setup.service, python);
    let mut outcomes: Vec<Result<Vec<Outcome>, String>> =
        names.iter().map(|_| Ok(Vec::new())).collect();
    for _ in 0..rounds * TURNS {
        for (name, outcomes) in names.iter().zip(&mut outcomes) {
            if let Ok(done) = outcomes {
                match command(name).and_then(|command| run(command, setup)) {
                    Ok(outcome) => done.push(outcome),
                    Err(error) => *outcomes = Err(error.to_string()),
                }
            }
        }
    }
    let figures = |figure: fn(&Outcome) -> f64| {
        let cell = |outcomes: &Result<Vec<Outcome>, String>| match outcomes {
            Ok(outcomes) => {
                Cell::Figure(median(&mut outcomes.iter().map(figure).collect::<Vec<_>>()), None)
            }
            Err(reason) => Cell::Missing(reason.clone()),
        };
        outcomes.iter().map(cell).collect()
    };
    let calls = |(name, outcomes): (&&str, &Result<_, String>)| match outcomes {
        Ok(_) => match command(name).and_then(|command| calls_per_request(&command, setup)) {
            Ok(calls) => Cell::Figure(calls, None),
            Err(error) => Cell::Missing(error.to_string()),
        },
        Err(reason) => Cell::Missing(reason.clone()),
    };
    let line = |name: &str, unit, cells| Line { name: name.to_owned(), unit, wanted: None, cells };
    vec![
        line(&setup.name(), Unit::PerSecond, figures(|outcome| outcome.per_second)),
        line("… latency, p50", Unit::WallNanos, figures(|outcome| outcome.p50)),
        line("… latency, p99", Unit::WallNanos, figures(|outcome| outcome.p99)),
        line("… server's CPU, ns a request", Unit::CpuNanos, figures(|outcome| outcome.cpu)),
        line(
            "… system calls a request",
            Unit::Few,
            names.iter().zip(&outcomes).map(calls).collect(),
        ),
    ]
}

fn server(name: &str, service: Service, python: Option<&Python>) -> Result<Command, Failure> {
    match SERVERS.iter().find(|server| server.name == name) {
        Some(server) if server.serve(service).is_none() => Err("not measured".into()),
        Some(_) => Ok(here(&["--serve", name, service.name()])?),
        None if service == Service::Http => Err("not measured".into()),
        None => Ok(python.ok_or("no Python")?.server(name)),
    }
}

fn run(command: Command, setup: Setup) -> Result<Outcome, Failure> {
    let server = Running::start(command)?;
    if setup.service == Service::Http && wrk_is_installed() {
        return wrk::load(server.port, server.id(), setup.connections);
    }
    server.load(setup.service, setup.connections, setup.bytes, TIME)
}

/// What a loaded server calls more than one that sees a single request on each connection, for each request
/// it serves more.
fn calls_per_request(command: &Command, setup: Setup) -> Result<f64, Failure> {
    let counts = env::temp_dir().join(format!("calls-{}", process::id()));
    let count = |time| -> Result<(f64, f64), Failure> {
        let server = Running::start(traced(command, &counts)).map_err(|_| "no strace")?;
        let outcome = server.load(setup.service, setup.connections, setup.bytes, time)?;
        server.end()?;
        let calls = calls(&counts)?;
        fs::remove_file(&counts)?;
        Ok((calls, outcome.all_requests))
    };
    let ((few_calls, few), (many_calls, many)) = (count(Duration::ZERO)?, count(TIME)?);
    if many < 2.0 * few {
        return Err("too slow under strace".into());
    }
    Ok((many_calls - few_calls) / (many - few))
}
