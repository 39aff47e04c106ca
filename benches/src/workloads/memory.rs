//! What an idle task and a timer weigh.
//!
//! Both need [`mockalloc::Mockalloc`] as the program's allocator; without it they come to nothing.

use super::sleeps::{arm_all, slots};
use super::tasks::park;
use crate::{Laps, Runtime};

/// Bytes allocated for `n` parked tasks and their handles, and still live, per task.
pub(super) fn parked_tasks<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    let mut runtime = R::new();
    let mut tasks = Vec::new();
    let allocated = mockalloc::record_allocs(|| tasks = runtime.run(park::<R>(n)));
    assert_eq!(tasks.len(), n, "every task is held");
    laps.note(allocated.mem_leaked() as f64 / n as f64);
    // Some runtimes' handles must not be dropped outside of it; the process ends soon.
    std::mem::forget((tasks, runtime));
    laps
}

/// The size of a sleep, and what was allocated for `n` of them when all are armed, per sleep.
pub(super) fn timers<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    let mut runtime = R::new();
    let mut slots = slots::<R>(n);
    let mut armed = Vec::new();
    let allocated = mockalloc::record_allocs(|| {
        armed = runtime.run(async move {
            arm_all::<R>(&mut slots).await;
            slots
        });
    });
    assert_eq!(armed.len(), n, "every sleep is held");
    laps.note(size_of::<R::Sleep>() as f64 + allocated.mem_leaked() as f64 / n as f64);
    std::mem::forget((armed, runtime));
    laps
}
