//! Measuring everything, and the table that comes of it.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use crate::measure::median;
use crate::once::run_apart;
use crate::{Peer, Row, Wanted, Workload};

/// What the first peer is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    /// The second.
    Second,
    /// Whichever of the others does best in the row.
    Best,
}

/// The medians of every row, for every peer; its `Display` is a Markdown table.
#[derive(Clone, Debug)]
pub struct Report {
    peers: Vec<&'static str>,
    against: Against,
    lines: Vec<(Row, Vec<f64>)>,
}

/// Runs the workloads that have `only` in their name, or in a row's, `rounds` times, the peers taking
/// turns, each run in a process of its own, and ours against the second peer. Says on standard error how
/// far it has come.
///
/// # Errors
///
/// If a run fails, or its process cannot be started.
pub fn measure(peers: &[Peer], only: &str, rounds: usize) -> Result<Report, Box<dyn Error>> {
    measure_by(run_apart, peers, Against::Second, only, rounds)
}

/// As [`measure`], all in this process, and against the best peer: for short runs that leave little behind
/// in the allocator.
#[must_use = "measuring takes a while"]
pub fn measure_here(peers: &[Peer], only: &str, rounds: usize) -> Report {
    let run_here = |workload: &Workload, _: &Peer| Ok::<_, Infallible>((workload.run)(workload.n));
    let Ok(report) = measure_by(run_here, peers, Against::Best, only, rounds);
    report
}

fn measure_by<E>(
    run: impl Fn(&Workload, &Peer) -> Result<Vec<f64>, E>,
    peers: &[Peer],
    against: Against,
    only: &str,
    rounds: usize,
) -> Result<Report, E> {
    let mut lines = Vec::new();
    for (index, workload) in peers[0].workloads.iter().enumerate() {
        if is_chosen(workload, only) {
            let medians = measure_workload(&run, peers, index, rounds)?;
            lines.extend(workload.rows.iter().copied().zip(medians));
        }
    }
    Ok(Report { peers: peers.iter().map(|peer| peer.name).collect(), against, lines })
}

fn is_chosen(workload: &Workload, only: &str) -> bool {
    workload.name.contains(only) || workload.rows.iter().any(|row| row.name.contains(only))
}

/// The medians of one workload: for each row, one for each peer.
fn measure_workload<E>(
    run: impl Fn(&Workload, &Peer) -> Result<Vec<f64>, E>,
    peers: &[Peer],
    index: usize,
    rounds: usize,
) -> Result<Vec<Vec<f64>>, E> {
    let rows = peers[0].workloads[index].rows.len();
    let mut samples = vec![vec![Vec::with_capacity(rounds); peers.len()]; rows];
    for round in 1..=rounds {
        for (p, peer) in peers.iter().enumerate() {
            let workload = &peer.workloads[index];
            let values = run(workload, peer)?;
            eprintln!("{} {round}/{rounds} {}: {values:.1?}", workload.name, peer.name);
            for (row, value) in values.into_iter().enumerate() {
                samples[row][p].push(value);
            }
        }
    }
    let medians = |row: &mut Vec<Vec<f64>>| row.iter_mut().map(|peer| median(peer)).collect();
    Ok(samples.iter_mut().map(medians).collect())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peers = self.peers.join(" | ");
        let ours = self.peers[0];
        let base = match self.against {
            Against::Second => self.peers[1],
            Against::Best => "best",
        };
        writeln!(f, "| CPU ns per operation | {peers} | {ours}/{base} | wanted |")?;
        writeln!(f, "|---|{}", "---:|".repeat(self.peers.len() + 2))?;
        self.lines.iter().try_for_each(|(row, medians)| self.write_line(f, row, medians))
    }
}

impl Report {
    fn write_line(&self, f: &mut fmt::Formatter<'_>, row: &Row, medians: &[f64]) -> fmt::Result {
        write!(f, "| {} |", row.name)?;
        medians.iter().try_for_each(|median| write!(f, " {} |", row.unit.show(*median)))?;
        let others = &medians[1..];
        let base = match self.against {
            Against::Second => others[0],
            Against::Best => others.iter().copied().fold(f64::NAN, f64::min),
        };
        let ratio = medians[0] / base;
        let (wanted, met) = match row.wanted {
            Some(Wanted::Ratio(wanted)) => (format!("{wanted:.2}"), ratio <= wanted),
            Some(Wanted::AtMost(wanted)) => (row.unit.show(wanted), medians[0] <= wanted),
            None => return writeln!(f, " {ratio:.2} | |"),
        };
        writeln!(f, " {ratio:.2} | {wanted}{} |", if met { "" } else { " (missed)" })
    }
}
