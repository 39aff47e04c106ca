//! One run of one workload by one peer, here or in a process of its own.

use std::error::Error;
use std::process::{Command, Stdio};

use crate::{Laps, Peer, Workload};

/// Runs a workload by a peer, both by name, and prints a line for each row. For profilers, and for runs in a
/// process of their own.
///
/// # Errors
///
/// If there is no workload or no peer of that name, with a list of those there are; or if the one cannot do
/// the other.
pub fn run_once(
    peers: &[Peer],
    workload: &str,
    peer: &str,
    n: Option<usize>,
    laps: Laps,
) -> Result<(), Box<dyn Error>> {
    let peer = find("runtime", peer, peers, |peer| peer.name)?;
    let workload = find("workload", workload, &peer.workloads, |workload| workload.name)?;
    if let Some(reason) = workload.cannot {
        return Err(format!("{} cannot do {}: {reason}", peer.name, workload.name).into());
    }
    let figures = (workload.run)(n.unwrap_or(workload.n), laps).into_figures();
    for (row, figure) in workload.rows.iter().zip(figures) {
        println!("{}: {figure:.1}", row.name);
    }
    Ok(())
}

fn find<'a, T>(
    kind: &str,
    wanted: &str,
    known: &'a [T],
    name: impl Fn(&T) -> &'static str,
) -> Result<&'a T, String> {
    let names = || known.iter().map(&name).collect::<Vec<_>>().join(", ");
    let found = known.iter().find(|one| name(one) == wanted);
    found.ok_or_else(|| format!("there is no {kind} `{wanted}`, only {}", names()))
}

/// As [`run_once`], in a fresh process: what one run leaves behind in the allocator (a fragmented heap,
/// other thresholds) would be paid for by the next, of another runtime.
pub(crate) fn run_apart(workload: &Workload, peer: &Peer) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut command = match &peer.python {
        Some(python) => python.workload(peer.name, workload),
        None => here(&["--once", workload.name, peer.name])?,
    };
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{} on {}: {}", workload.name, peer.name, output.status).into());
    }
    let lines = String::from_utf8(output.stdout)?;
    let value = |line: &str| line.rsplit(' ').next().unwrap_or_default().parse();
    Ok(lines.lines().map(value).collect::<Result<_, _>>()?)
}

/// This program, with other arguments.
pub(crate) fn here(arguments: &[&str]) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    Ok(command)
}
