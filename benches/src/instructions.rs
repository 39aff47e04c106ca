//! Instructions for each operation, as callgrind counts them: the same on every run, nearly.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::once::here;
use crate::{Peer, Workload};

/// valgrind, found on this machine.
#[derive(Debug)]
pub(crate) struct Counter(PathBuf);

/// A run to count: a peer, and the lap it ends after.
type Job<'a> = (usize, &'a Peer, &'a Workload, usize);

impl Counter {
    /// Says so if there is none.
    pub(crate) fn find() -> Option<Counter> {
        let valgrind = PathBuf::from("valgrind");
        let found = Command::new(&valgrind).arg("--version").output().is_ok();
        if !found {
            eprintln!("valgrind is not found: instructions are not counted");
        }
        found.then_some(Counter(valgrind))
    }

    /// For each peer, the instructions of an operation of each lap; none if it cannot be counted. The counts
    /// do not mind each other: every core runs one.
    pub(crate) fn count_all<'a>(
        &self,
        peers: &'a [Peer],
        able: impl Fn(usize) -> Option<&'a Workload>,
    ) -> Vec<Option<Vec<f64>>> {
        let countable = |workload: &&Workload| workload.counted > 0;
        let jobs: Vec<Job<'_>> = peers
            .iter()
            .enumerate()
            .filter_map(|(index, peer)| Some((index, peer, able(index).filter(countable)?)))
            .flat_map(|(index, peer, workload)| {
                (0..=workload.rows.len()).map(move |lap| (index, peer, workload, lap))
            })
            .collect();
        let totals = self.totals(&jobs);
        let laps = |peer: usize| {
            let of_peer = jobs.iter().zip(&totals).filter(|((index, ..), _)| *index == peer);
            let totals: Vec<f64> = of_peer.map(|(_, total)| *total).collect::<Option<_>>()?;
            let n = able(peer)?.counted as f64;
            let laps: Vec<f64> = totals.windows(2).map(|lap| (lap[1] - lap[0]) / n).collect();
            (!laps.is_empty()).then_some(laps)
        };
        (0..peers.len()).map(laps).collect()
    }

    fn totals(&self, jobs: &[Job<'_>]) -> Vec<Option<f64>> {
        let next = AtomicUsize::new(0);
        let totals = Mutex::new(vec![None; jobs.len()]);
        let work = || {
            while let Some((index, job)) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                jobs.get(index).map(|job| (index, job))
            } {
                let total = self.total(job);
                totals.lock().expect("no counter panics")[index] = total;
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            (0..threads).for_each(|_| {
                scope.spawn(work);
            });
        });
        totals.into_inner().expect("no counter panics")
    }

    /// All instructions of a run that ends after a lap.
    fn total(&self, (_, peer, workload, lap): &Job<'_>) -> Option<f64> {
        let (n, lap) = (workload.counted.to_string(), lap.to_string());
        let program = here(&["--once", workload.name, peer.name, &n, &lap]).ok()?;
        let output = Command::new(&self.0)
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program.get_program())
            .args(program.get_args())
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find_map(|line| line.split_once("Collected : "))?;
        line.1.trim().parse().ok()
    }
}
