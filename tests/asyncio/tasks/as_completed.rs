//! `as_completed`.

use std::rc::Rc;

use wheelhouse::sync::Lock;
use wheelhouse::{
    AsCompleted, Elapsed, JoinError, Task, as_completed as in_order, spawn, time, yield_now,
};

use super::nap;
use crate::common::{ms, run};

/// The value of the next task that ends.
async fn next<T: 'static>(naps: &mut AsCompleted<Task<T>>) -> Option<Result<T, Elapsed>> {
    match naps.next().await? {
        Ok(task) => Some(Ok(task.await.expect("no task fails"))),
        Err(elapsed) => Some(Err(elapsed)),
    }
}

/// The values of all that are left.
async fn rest<T: 'static>(mut naps: AsCompleted<Task<T>>) -> Vec<T> {
    let mut values = Vec::new();
    while let Some(value) = next(&mut naps).await {
        values.push(value.expect("in time"));
    }
    values
}

#[test]
fn as_completed() {
    run(async {
        let (a, b, c) = (nap(10, 'a'), nap(10, 'b'), nap(150, 'c'));
        assert_eq!(rest(in_order([b, c, a])).await, ['a', 'b', 'c']);
        assert_eq!(time(), ms(150));
    });
}

#[test]
fn as_completed_same_tasks_in_as_out() {
    run(async {
        let (b, d) = (spawn(async { 'b' }), spawn(async { 'd' }));
        let mut series = in_order([b.handle().clone(), d.handle().clone()]);
        let mut out = Vec::new();
        while let Some(task) = series.next().await {
            out.push(task.unwrap());
        }
        assert_eq!(out, [b.handle().clone(), d.handle().clone()]);
    });
}

#[test]
fn as_completed_with_timeout() {
    run(async {
        let (a, b) = (nap(100, 'a'), nap(150, 'b'));
        let mut naps = in_order([a, b]).timeout(ms(120));
        assert_eq!(next(&mut naps).await.unwrap(), Ok('a'));
        let elapsed = next(&mut naps).await.unwrap().unwrap_err();
        assert_eq!((elapsed.deadline(), time()), (Some(ms(120)), ms(120)));
        assert!(naps.next().await.is_none());
        wheelhouse::sleep(ms(50)).await;
    });
}

#[test]
fn as_completed_with_unused_timeout() {
    run(async {
        let mut naps = in_order([nap(10, 'a')]).timeout(ms(1000));
        assert_eq!(next(&mut naps).await.unwrap(), Ok('a'));
        assert!(next(&mut naps).await.is_none());
        assert_eq!(time(), ms(10));
        // `run` sees that the timer is gone.
    });
}

#[test]
fn as_completed_resume_iterator() {
    run(async {
        let mut tasks = in_order((0..4).map(|n| spawn(async move { n })));
        let mut collected = Vec::new();
        for _ in 0..2 {
            collected.push(next(&mut tasks).await.unwrap().unwrap());
        }
        assert_eq!(collected, [0, 1]);
        collected.extend(rest(tasks).await);
        assert_eq!(collected, [0, 1, 2, 3]);
    });
}

#[test]
fn as_completed_concurrent() {
    run(async {
        // `next` borrows the series: two tasks take turns at it.
        let naps = Rc::new(Lock::new(in_order([nap(50, 'a'), nap(50, 'b')])));
        let takers = [(); 2].map(|()| {
            let naps = Rc::clone(&naps);
            spawn(async move { next(&mut *naps.lock().await).await.unwrap().unwrap() })
        });
        let [first, second] = takers;
        assert_eq!([first.await.unwrap(), second.await.unwrap()], ['a', 'b']);
        assert_eq!(time(), ms(50));
    });
}

#[test]
fn as_completed_duplicate_coroutines() {
    run(async {
        let (ham, spam) = (spawn(async { "ham" }), spawn(async { "spam" }));
        let mut series = in_order([&ham, &ham, &spam]);
        let mut values = Vec::new();
        while let Some(task) = series.next().await {
            let value: Result<&str, JoinError> = task.unwrap().outcome().unwrap();
            values.push(value.unwrap());
        }
        assert_eq!(values, ["ham", "ham", "spam"]);
    });
}

#[test]
fn as_completed_coroutine_use_running_loop() {
    run(async {
        assert_eq!(rest(in_order([spawn(async { 42 })])).await, [42]);
        yield_now().await;
    });
}
