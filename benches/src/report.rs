//! Measuring everything, and the table that comes of it.

use std::error::Error;
use std::fmt;

use crate::measure::median;
use crate::once::run_apart;
use crate::{Peer, Row, Wanted, Workload};

/// The medians of every row, for every peer; its `Display` is a Markdown table.
#[derive(Clone, Debug)]
pub struct Report {
    peers: Vec<&'static str>,
    lines: Vec<(Row, Vec<f64>)>,
}

/// Runs the workloads that have `only` in their name, or in a row's, `rounds` times, the peers taking
/// turns. Says on standard error how far it has come.
///
/// # Errors
///
/// If a run fails, or its process cannot be started.
pub fn measure(peers: &[Peer], only: &str, rounds: usize) -> Result<Report, Box<dyn Error>> {
    let mut lines = Vec::new();
    for (index, workload) in peers[0].workloads.iter().enumerate() {
        if is_chosen(workload, only) {
            let medians = measure_workload(peers, index, rounds)?;
            lines.extend(workload.rows.iter().copied().zip(medians));
        }
    }
    Ok(Report { peers: peers.iter().map(|peer| peer.name).collect(), lines })
}

fn is_chosen(workload: &Workload, only: &str) -> bool {
    workload.name.contains(only) || workload.rows.iter().any(|row| row.name.contains(only))
}

/// The medians of one workload: for each row, one for each peer.
fn measure_workload(
    peers: &[Peer],
    index: usize,
    rounds: usize,
) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let rows = peers[0].workloads[index].rows.len();
    let mut samples = vec![vec![Vec::with_capacity(rounds); peers.len()]; rows];
    for round in 1..=rounds {
        for (p, peer) in peers.iter().enumerate() {
            let workload = &peer.workloads[index];
            let values = run_apart(workload, peer)?;
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
        let (ours, base) = (self.peers[0], self.peers[1]);
        writeln!(f, "| CPU ns per operation | {peers} | {ours}/{base} | wanted |")?;
        writeln!(f, "|---|{}", "---:|".repeat(self.peers.len() + 2))?;
        self.lines.iter().try_for_each(|(row, medians)| write_line(f, row, medians))
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, row: &Row, medians: &[f64]) -> fmt::Result {
    write!(f, "| {} |", row.name)?;
    medians.iter().try_for_each(|median| write!(f, " {} |", row.unit.show(*median)))?;
    let ratio = medians[0] / medians[1];
    let (wanted, met) = match row.wanted {
        Some(Wanted::Ratio(wanted)) => (format!("{wanted:.2}"), ratio <= wanted),
        Some(Wanted::AtMost(wanted)) => (row.unit.show(wanted), medians[0] <= wanted),
        None => return writeln!(f, " {ratio:.2} | |"),
    };
    writeln!(f, " {ratio:.2} | {wanted}{} |", if met { "" } else { " (missed)" })
}
