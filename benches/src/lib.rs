//! The loop beside its peers: every workload is written once, against [`Runtime`], and run by each of
//! them.
//!
//! `cargo run --release -p benches` measures everything and prints a table; `cargo bench -p benches`
//! runs smaller versions of the same workloads under criterion.
//!
//! What counts is CPU time, user and system, of the whole process: a runtime that hands work to a thread
//! of its own pays for it here. Where time on the wall is what matters (latency, lateness), the row says
//! so. Each run has a process of its own, and the runtimes take turns.
//!
//! Numbers are steadier on one core (`taskset -c 0` on Linux), that of the wake from another thread above
//! all: whether the operating system puts two threads on one core or on two is a factor of ten there.
//!
//! A peer is added by implementing [`Runtime`] in [`runtimes`] and naming it in [`peers`].

mod measure;
mod once;
mod options;
mod report;
mod runtime;
pub mod runtimes;
pub mod sync;
pub mod workloads;

pub use once::run_once;
pub use options::{Options, Usage};
pub use report::{Report, measure, measure_here};
pub use runtime::Runtime;
pub use workloads::{Row, Unit, Wanted, Workload};

use runtimes::{Smol, Tokio, Wheelhouse};

/// A runtime or a library on one, by name, and what it can be put through.
#[derive(Debug)]
pub struct Peer {
    /// The runtime's name, the head of its column.
    pub name: &'static str,
    /// Every workload, ready to run; in the same order for every peer.
    pub workloads: Vec<Workload>,
}

impl Peer {
    fn of<R: Runtime>() -> Peer {
        Peer { name: R::NAME, workloads: workloads::all::<R>() }
    }
}

/// The runtimes that are compared, ours first and the one it is measured against second.
#[must_use = "this only lists them"]
pub fn peers() -> Vec<Peer> {
    vec![Peer::of::<Wheelhouse>(), Peer::of::<Tokio>(), Peer::of::<Smol>()]
}
