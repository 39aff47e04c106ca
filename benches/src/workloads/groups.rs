//! Several at once: gathering, waiting, limits of time.

use std::hint::black_box;
use std::time::Duration;

use super::tasks::spawn_many;
use crate::{Laps, Runtime};

/// `n` tasks, in groups of `size`, each of which yields once and returns a number; their values are gathered.
pub(super) fn gather<R: Runtime>(size: usize, n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        laps.start();
        for _ in 0..n / size {
            let values = R::gather(group::<R>(size)).await;
            assert_eq!(values.len(), size, "every task has a value");
        }
        laps.lap(n / size * size);
        laps
    })
}

/// As [`gather`], but waits until all are done, whatever their values.
pub(super) fn wait<R: Runtime>(size: usize, n: usize, mut laps: Laps) -> Laps {
    R::new().run(async move {
        laps.start();
        for _ in 0..n / size {
            R::wait(group::<R>(size)).await;
        }
        laps.lap(n / size * size);
        laps
    })
}

fn group<R: Runtime>(size: usize) -> Vec<R::Task<usize>> {
    spawn_many::<R, _, _>(size, |i| async move {
        R::yield_now().await;
        black_box(i)
    })
}

/// `n` yields, each under a limit of a minute.
pub(super) fn timeouts<R: Runtime>(n: usize, mut laps: Laps) -> Laps {
    const LIMIT: Duration = Duration::from_secs(60);
    R::new().run(async move {
        laps.start();
        for _ in 0..n {
            assert!(R::timeout(LIMIT, R::yield_now()).await.is_some(), "a minute is enough");
        }
        laps.lap(n);
        laps
    })
}
