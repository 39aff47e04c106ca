//! `wait`.

use wheelhouse::{
    ALL_COMPLETED, EmptyWait, FIRST_COMPLETED, FIRST_EXCEPTION, JoinError, Task, spawn, time,
    try_spawn, wait as wait_for_tasks, yield_now,
};

use super::nap;
use crate::common::{ms, run, turns};

/// A task that fails after a while.
fn fails_after(millis: u64) -> Task<()> {
    try_spawn(async move {
        if millis > 0 {
            wheelhouse::sleep(ms(millis)).await;
        }
        Err("a division by zero")
    })
}

#[test]
fn wait() {
    run(async {
        let (a, b) = (nap(100, ()), nap(150, ()));
        for _ in 0..2 {
            // The second time it takes no time.
            let waited = wait_for_tasks([&b, &a], ALL_COMPLETED).await.unwrap();
            assert_eq!((waited.done.len(), waited.pending.len()), (2, 0));
            assert_eq!(time(), ms(150));
        }
    });
}

#[test]
fn wait_duplicate_coroutines() {
    run(async {
        let (c, spam) = (spawn(async { "test" }), spawn(async { "spam" }));
        let waited = wait_for_tasks([&c, &c, &spam], ALL_COMPLETED).await.unwrap();
        assert!(waited.pending.is_empty());
        let values: Vec<_> =
            waited.done.iter().map(|task| task.outcome().unwrap().unwrap()).collect();
        assert_eq!(values, ["test", "test", "spam"]);
    });
}

#[test]
fn wait_errors() {
    run(async {
        let nothing: [Task<()>; 0] = [];
        assert_eq!(wait_for_tasks(nothing, ALL_COMPLETED).await.unwrap_err(), EmptyWait);
    });
}

#[test]
fn wait_first_completed() {
    run(async {
        let (a, b) = (nap(10_000, ()), nap(100, ()));
        let waited = wait_for_tasks([&b, &a], FIRST_COMPLETED).await.unwrap();
        assert_eq!(waited.done[0].id(), b.id());
        assert_eq!(waited.pending[0].id(), a.id());
        assert!(!a.is_done());
        assert_eq!(b.outcome().unwrap().unwrap(), ());
        assert_eq!(time(), ms(100));
        wait_for_tasks([&a, &b], ALL_COMPLETED).await.unwrap();
    });
}

#[test]
fn wait_really_done() {
    run(async {
        let a = spawn(yield_now());
        let b = spawn(turns(2));
        // When it resumes, the second has ended as well, though its callback has not run.
        let waited = wait_for_tasks([&b, &a], FIRST_COMPLETED).await.unwrap();
        assert_eq!((waited.done.len(), waited.pending.len()), (2, 0));
        assert!(a.outcome().unwrap().is_ok() && b.outcome().unwrap().is_ok());
    });
}

async fn assert_first_exception(millis: u64) {
    let (a, b) = (nap(10_000, ()), fails_after(millis));
    let waited = wait_for_tasks([&b, &a], FIRST_EXCEPTION).await.unwrap();
    assert_eq!((waited.done.len(), waited.pending.len()), (1, 1));
    assert_eq!((waited.done[0].id(), waited.pending[0].id()), (b.id(), a.id()));
    assert!(matches!(b.ending(), Some(Err(JoinError::Failed(_)))));
    assert_eq!(time(), ms(millis));
    a.await.unwrap();
}

#[test]
fn wait_first_exception() {
    run(assert_first_exception(0));
}

#[test]
fn wait_first_exception_in_wait() {
    run(assert_first_exception(10));
}

#[test]
fn wait_with_exception() {
    run(async {
        let (a, b) = (nap(100, ()), fails_after(150));
        for _ in 0..2 {
            let waited = wait_for_tasks([&b, &a], ALL_COMPLETED).await.unwrap();
            assert_eq!((waited.done.len(), waited.pending.len()), (2, 0));
            let failed = waited.done.iter().filter(|task| matches!(task.ending(), Some(Err(_))));
            assert_eq!(failed.count(), 1);
            assert_eq!(time(), ms(150));
        }
    });
}

/// Waits for two tasks, of 100 and 150 ms, for a limited time: the first is done, the second goes on.
async fn assert_first_in_time(limit: u64) {
    let (a, b) = (nap(100, ()), nap(150, ()));
    yield_now().await; // Their timers are armed before that of the wait.
    let waited = wait_for_tasks([&b, &a], ALL_COMPLETED).timeout(ms(limit)).await.unwrap();
    assert_eq!((waited.done.len(), waited.pending.len()), (1, 1));
    assert_eq!((waited.done[0].id(), waited.pending[0].id()), (a.id(), b.id()));
    assert_eq!(time(), ms(limit));
    wait_for_tasks([&a, &b], ALL_COMPLETED).await.unwrap();
    assert_eq!(time(), ms(150));
    b.await.unwrap();
}

#[test]
fn wait_with_timeout() {
    run(assert_first_in_time(110));
}

#[test]
fn wait_concurrent_complete() {
    run(assert_first_in_time(100));
}

#[test]
fn wait_with_iterator_of_tasks() {
    run(async {
        let (a, b) = (nap(100, ()), nap(150, ()));
        let waited = wait_for_tasks([&b, &a].iter().copied(), ALL_COMPLETED).await.unwrap();
        assert_eq!((waited.done.len(), waited.pending.len()), (2, 0));
        assert_eq!(time(), ms(150));
    });
}

#[test]
fn wait_generator() {
    run(async {
        let tasks = (0..10).map(|n| spawn(async move { n }));
        let waited = wait_for_tasks(tasks, ALL_COMPLETED).await.unwrap();
        assert_eq!((waited.done.len(), waited.pending.len()), (10, 0));
    });
}

#[test]
fn wait_invalid_args() {
    run(async {
        // It takes tasks only: the compiler refuses the rest.
        let nothing = Vec::<Task<()>>::new();
        assert!(wait_for_tasks(nothing, FIRST_COMPLETED).await.is_err());
    });
}
