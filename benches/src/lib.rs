//! The loop beside its peers: every workload is written once, against [`Runtime`], and run by each of
//! them.
//!
//! `cargo run --release -p benches` measures everything, prints a table, and writes it into
//! `docs/performance.md`; `cargo bench -p benches` runs smaller versions of the same workloads under
//! criterion.
//!
//! What counts is CPU time, user and system, of the whole process: a runtime that hands work to a thread
//! of its own pays for it here. Where time on the wall is what matters (latency, lateness), the row says
//! so. Each run has a process of its own, and the runtimes take turns. Beside the time stands the number of
//! instructions, where valgrind is found to count them.
//!
//! Numbers are steadier on one core (`taskset -c 0` on Linux), that of the wake from another thread above
//! all: whether the operating system puts two threads on one core or on two is a factor of ten there.
//!
//! A peer is added by implementing [`Runtime`] in [`runtimes`] and naming it in [`peers`].

pub mod command;
pub mod echo;
mod hello;
mod instructions;
mod measure;
mod once;
mod python;
mod report;
mod runtime;
pub mod runtimes;
pub mod sync;
pub mod timers;
pub mod workloads;

pub use measure::Laps;
pub use once::run_once;
pub use report::{Report, measure_all, measure_here};
pub use runtime::Runtime;
pub use workloads::{Row, Run, Unit, Wanted, Workload};

use python::Python;
use runtimes::{Floor, Futures, Monoio, MonoioEpoll, Smol, Tokio, Wheelhouse};

/// A runtime or a library on one, by name, and what it can be put through.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The runtime's name, the head of its column.
    pub name: &'static str,
    /// Every workload, ready to run; in the same order for every peer.
    pub workloads: Vec<Workload>,
    /// The Python that runs it, if it is no Rust.
    python: Option<Python>,
}

impl Peer {
    fn new(name: &'static str, workloads: Vec<Workload>) -> Peer {
        Peer { name, workloads, python: None }
    }

    /// The runtime, if it can run here; else it says why not.
    fn of<R: Runtime>(own_channel: Option<Run>) -> Option<Peer> {
        if let Some(reason) = R::missing() {
            eprintln!("{} is left out: {reason}", R::NAME);
            return None;
        }
        Some(Peer::new(R::NAME, workloads::all::<R>(own_channel)))
    }
}

/// The runtimes of Rust that are compared, ours first and the one it is measured against second.
#[must_use = "this only lists them"]
pub fn peers() -> Vec<Peer> {
    use sync::ping_pong;
    let peers = [
        Peer::of::<Wheelhouse>(Some(
            ping_pong::<Wheelhouse, std::rc::Rc<wheelhouse::sync::Queue<usize>>>,
        )),
        Peer::of::<Tokio>(Some(ping_pong::<Tokio, tokio::sync::mpsc::Sender<usize>>)),
        Peer::of::<Smol>(Some(ping_pong::<Smol, async_channel::Sender<usize>>)),
        Peer::of::<Futures>(Some(ping_pong::<Futures, futures::channel::mpsc::Sender<usize>>)),
        Peer::of::<Monoio<MonoioEpoll>>(None),
        #[cfg(feature = "glommio")]
        Peer::of::<runtimes::Glommio>(None),
        Peer::of::<Floor>(None),
    ];
    peers.into_iter().flatten().collect()
}

/// The loops of Python, as far as they are found.
pub(crate) fn python_peers() -> Vec<Peer> {
    match Python::find() {
        Some(python) => python.peers(),
        None => {
            eprintln!("asyncio is left out: no Python of version 3.11 or later is found");
            Vec::new()
        }
    }
}
