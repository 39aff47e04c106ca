//! Measuring everything, and what comes of it: figures, to be shown as a [`table`] or a [`chart`].

pub(crate) mod chart;
pub(crate) mod page;
mod table;

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use crate::command::Scope;
use crate::instructions::Counter;
use crate::measure::median;
use crate::once::run_apart;
use crate::{Laps, Peer, Row, Unit, Wanted, Workload, hello, python_peers};

/// What was measured: for every row, what each peer made of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// What figures without a unit are.
    pub(crate) head: &'static str,
    pub(crate) peers: Vec<&'static str>,
    pub(crate) lines: Vec<Line>,
}

/// A row, with a cell for each peer.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) wanted: Option<Wanted>,
    pub(crate) cells: Vec<Cell>,
}

impl Line {
    pub(crate) fn new(row: Row, cells: Vec<Cell>) -> Line {
        Line { name: row.name.to_owned(), unit: row.unit, wanted: row.wanted, cells }
    }
}

/// One peer in one row.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    /// The median, and how many instructions an operation takes if they were counted.
    Figure(f64, Option<f64>),
    /// Why there is no figure.
    Missing(String),
}

impl Cell {
    pub(crate) fn figure(&self) -> Option<f64> {
        match self {
            Cell::Figure(figure, _) => Some(*figure),
            Cell::Missing(_) => None,
        }
    }

    pub(crate) fn instructions(&self) -> Option<f64> {
        match self {
            Cell::Figure(_, instructions) => *instructions,
            Cell::Missing(_) => None,
        }
    }
}

type Failure = Box<dyn Error>;

/// Measures the peers, and the loops of Python if they are found: runs the workloads within the scope, the
/// peers taking turns, each run in a process of its own; counts instructions where valgrind is found; and
/// builds a hello world on each. Says on standard error how far it has come. A run that fails leaves its
/// cell empty.
///
/// A complete run is kept: the tables in `docs/performance.md` with a chart beside it, and a few of the rows
/// in the README.
///
/// # Errors
///
/// If they cannot be written to.
pub fn measure_all(peers: &[Peer], scope: &Scope) -> Result<String, Failure> {
    let mut peers = peers.to_vec();
    let floor = peers.len() - 1;
    peers.splice(floor..floor, python_peers());
    let mut report = measure_by(run_apart, Counter::find().as_ref(), &peers, scope);
    if scope.includes(hello::NAME) {
        report.lines.extend(hello::hello_worlds(&peers));
    }
    let ratios = report.ratios();
    if scope.is_complete() {
        let figures = report.figures();
        let text = format!("{}\n{ratios}\nThe figures themselves:\n\n{figures}", page::setting());
        page::write(page::ALL, "workloads", &text)?;
        page::write(page::README, "speed", &report.digest().ratios())?;
        fs::write(page::path("docs/performance.svg"), chart::svg(&report))?;
    }
    Ok(ratios)
}

/// Runs the workloads within the scope, all in this process, without counting, and as often as the scope says and no
/// more: for short runs that leave little behind in the allocator.
#[must_use = "measuring takes a while"]
pub fn measure_here(peers: &[Peer], scope: &Scope) -> Report {
    let run_here =
        |workload: &Workload, _: &Peer| Ok((workload.run)(workload.n, Laps::all()).into_figures());
    let scope = Scope { patience: Duration::ZERO, ..scope.clone() };
    measure_by(run_here, None, peers, &scope)
}

fn measure_by(
    run: impl Fn(&Workload, &Peer) -> Result<Vec<f64>, Failure>,
    counter: Option<&Counter>,
    peers: &[Peer],
    scope: &Scope,
) -> Report {
    let begin = Instant::now();
    let workloads = &peers[0].workloads;
    let chosen: Vec<usize> =
        (0..workloads.len()).filter(|index| is_chosen(&workloads[*index], scope)).collect();
    let mut report = Report {
        head: "CPU ns per operation",
        peers: peers.iter().map(|peer| peer.name).collect(),
        lines: Vec::new(),
    };
    for (done, index) in chosen.iter().copied().enumerate() {
        let seconds = begin.elapsed().as_secs();
        eprintln!(
            "[{seconds:3} s, {done} of {} workloads done] {}",
            chosen.len(),
            workloads[index].name
        );
        let lines = measure_workload(&run, counter, peers, index, scope);
        report.tell(&lines);
        report.lines.extend(lines);
    }
    report
}

fn is_chosen(workload: &Workload, scope: &Scope) -> bool {
    scope.includes(workload.name) || workload.rows.iter().any(|row| scope.includes(row.name))
}

/// The lines of one workload.
fn measure_workload(
    run: impl Fn(&Workload, &Peer) -> Result<Vec<f64>, Failure>,
    counter: Option<&Counter>,
    peers: &[Peer],
    index: usize,
    scope: &Scope,
) -> Vec<Line> {
    let runs = run_in_turns(run, peers, index, scope);
    let able = |peer: usize| runs[peer].is_ok().then_some(&peers[peer].workloads[index]);
    let counts: Vec<Option<Vec<f64>>> = match counter {
        Some(counter) => counter.count_all(peers, able),
        None => vec![None; peers.len()],
    };
    let cell = |row: usize, peer: usize| match &runs[peer] {
        Ok(runs) => {
            let mut figures: Vec<f64> = runs.iter().map(|run| run[row]).collect();
            Cell::Figure(median(&mut figures), counts[peer].as_ref().map(|counts| counts[row]))
        }
        Err(reason) => Cell::Missing(reason.clone()),
    };
    let cells = |row: usize| (0..peers.len()).map(|peer| cell(row, peer)).collect();
    let rows = peers[0].workloads[index].rows.iter().copied().enumerate();
    rows.map(|(index, row)| Line::new(row, cells(index))).collect()
}

/// For each peer, the figures of each of its runs, or why there are none.
type Runs = Vec<Result<Vec<Vec<f64>>, String>>;

fn run_in_turns(
    run: impl Fn(&Workload, &Peer) -> Result<Vec<f64>, Failure>,
    peers: &[Peer],
    index: usize,
    scope: &Scope,
) -> Runs {
    let begin = |peer: &Peer| {
        peer.workloads[index].cannot.map_or(Ok(Vec::new()), |why| Err(why.to_owned()))
    };
    let mut runs: Runs = peers.iter().map(begin).collect();
    let begun = Instant::now();
    let mut rounds = 0;
    while rounds < scope.rounds || begun.elapsed() < scope.patience {
        rounds += 1;
        for (runs, peer) in runs.iter_mut().zip(peers) {
            if let Ok(figures) = runs {
                match run(&peer.workloads[index], peer) {
                    Ok(run) => figures.push(run),
                    Err(error) => *runs = Err(failed(&*error)),
                }
            }
        }
    }
    runs
}

fn failed(error: &dyn Error) -> String {
    eprintln!("    {error}");
    "failed".to_owned()
}
