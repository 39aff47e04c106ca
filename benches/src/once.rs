//! One run of one workload on one runtime, here or in a process of its own.

use std::error::Error;
use std::process::{Command, Stdio};

use crate::{Peer, Workload};

/// Runs a workload on a runtime, both by name, and prints a line for each row. For profilers, and for
/// runs in a process of their own.
///
/// # Errors
///
/// If there is no workload or no runtime of that name; the error lists those there are.
pub fn run_once(
    peers: &[Peer],
    workload: &str,
    runtime: &str,
    n: Option<usize>,
) -> Result<(), Box<dyn Error>> {
    let peer = find("runtime", runtime, peers, |peer| peer.name)?;
    let workload = find("workload", workload, &peer.workloads, |workload| workload.name)?;
    let values = (workload.run)(n.unwrap_or(workload.n));
    for (row, value) in workload.rows.iter().zip(values) {
        println!("{}: {value:.1}", row.name);
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
    let output = Command::new(std::env::current_exe()?)
        .args(["--once", workload.name, peer.name])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{} on {}: {}", workload.name, peer.name, output.status).into());
    }
    let lines = String::from_utf8(output.stdout)?;
    let value = |line: &str| line.rsplit(' ').next().unwrap_or_default().parse();
    Ok(lines.lines().map(value).collect::<Result<_, _>>()?)
}
