//! The primitives of `wheelhouse::sync` beside those of other libraries: every workload is written once,
//! against the traits of `primitives.rs`, and run with each library on the loop it was made for.
//!
//! | column | lock | semaphore | queue | loop |
//! |---|---|---|---|---|
//! | wheelhouse | `sync::Lock` | `sync::Semaphore` | `sync::Queue` | `runtimes::Wheelhouse` |
//! | tokio | `sync::Mutex` | `sync::Semaphore` | `sync::mpsc` | `runtimes::Tokio` |
//! | smol | `async_lock::Mutex` | `async_lock::Semaphore` | `async_channel` | `runtimes::Smol` |
//! | futures | `lock::Mutex` | | `channel::mpsc` | `runtimes::Smol` |
//!
//! futures has no semaphore; its own executor is left out for smol's. Only wheelhouse's stay on one
//! thread; the others pay for being `Sync`, which on one thread buys nothing.

mod primitives;
mod workloads;

use primitives::{Lock, Semaphore, Sender};

pub(crate) use workloads::ping_pong;

use crate::{Peer, Row, Run, Wanted, Workload};

/// The libraries that are compared, ours first.
#[must_use = "this only lists them"]
pub fn libraries() -> Vec<Peer> {
    use wheelhouse::sync::{Lock, Queue, Semaphore};
    vec![
        library::<Lock<usize>, std::rc::Rc<Queue<usize>>>("wheelhouse", semaphore::<Semaphore>()),
        library::<tokio::sync::Mutex<usize>, tokio::sync::mpsc::Sender<usize>>(
            "tokio",
            semaphore::<tokio::sync::Semaphore>(),
        ),
        library::<async_lock::Mutex<usize>, async_channel::Sender<usize>>(
            "smol",
            semaphore::<async_lock::Semaphore>(),
        ),
        library::<futures::lock::Mutex<usize>, futures::channel::mpsc::Sender<usize>>(
            "futures",
            Err("has none"),
        ),
    ]
}

/// The workloads of a semaphore, or why there is none.
type Semaphores = Result<[Run; 2], &'static str>;

fn semaphore<S: Semaphore>() -> Semaphores {
    Ok([workloads::free_permits::<S>, workloads::scarce_permits::<S>])
}

fn library<L: Lock, S: Sender>(name: &'static str, semaphores: Semaphores) -> Peer {
    macro_rules! row {
        ($name:literal) => {
            &[const { Row::cpu($name).wanted(Wanted::Ratio(1.0)) }]
        };
    }
    let cannot = semaphores.err();
    let [free, scarce] = semaphores.unwrap_or([|_, laps| laps; 2]);
    let workloads = vec![
        Workload::new("lock", row!("lock, uncontended"), 1_000_000, workloads::free_lock::<L>),
        Workload::new("lock-2", row!("lock, handed over between 2 tasks"), 200_000, |n, laps| {
            workloads::handed_over::<L>(2, n, laps)
        }),
        Workload::new(
            "lock-1000",
            row!("lock, handed over between 1000 tasks"),
            200_000,
            |n, laps| workloads::handed_over::<L>(1000, n, laps),
        ),
        Workload::new("semaphore", row!("semaphore, uncontended"), 1_000_000, free).cannot(cannot),
        Workload::new("semaphore-1000", row!("10 permits for 1000 tasks"), 200_000, scarce)
            .cannot(cannot),
        Workload::new(
            "ping-pong",
            row!("two queues of 1: a round trip"),
            200_000,
            ping_pong::<S::Runtime, S>,
        ),
        Workload::new("queue-1", row!("queue of 64, 1 producer"), 1_000_000, |n, laps| {
            workloads::throughput::<S>(1, n, laps)
        }),
        Workload::new("queue-100", row!("queue of 64, 100 producers"), 500_000, |n, laps| {
            workloads::throughput::<S>(100, n, laps)
        }),
    ];
    Peer::new(name, workloads)
}
