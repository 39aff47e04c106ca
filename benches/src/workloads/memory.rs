//! What an idle task weighs.

use super::tasks::park;
use crate::Runtime;

/// Bytes allocated for `n` parked tasks and their handles, and still live, per task. Needs
/// [`mockalloc::Mockalloc`] as the program's allocator; without it the value is zero.
pub(super) fn parked_tasks<R: Runtime>(n: usize) -> Vec<f64> {
    let mut runtime = R::new();
    let mut tasks = Vec::new();
    let allocated = mockalloc::record_allocs(|| tasks = runtime.run(park::<R>(n)));
    assert_eq!(tasks.len(), n, "every task is held");
    vec![allocated.mem_leaked() as f64 / n as f64]
}
