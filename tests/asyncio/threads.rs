//! `test_threads.py`. `to_thread` is `offload` here; an argument is captured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wheelhouse::{OffloadError, gather, offload, spawn};

use crate::common::run;

#[test]
fn to_thread() {
    run(async { assert_eq!(offload(|| [40, 2].iter().sum::<i32>()).await.unwrap(), 42) });
}

#[test]
fn to_thread_exception() {
    run(async {
        let ended = offload(|| -> i32 { panic!("test") }).await;
        let Err(OffloadError::Panicked(panicked)) = ended else { panic!("{ended:?}") };
        assert_eq!(panicked.message(), "test");
    });
}

/// A counter, and a job that counts.
fn counting() -> (Arc<AtomicUsize>, impl FnOnce() + Clone + Send + 'static) {
    let counter = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&counter);
    let job = move || {
        shared.fetch_add(1, Ordering::SeqCst);
    };
    (counter, job)
}

#[test]
fn to_thread_once() {
    run(async {
        let (calls, job) = counting();
        offload(job).await.unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn to_thread_concurrent() {
    run(async {
        let (calls, job) = counting();
        let jobs = (0..10).map(|_| spawn(offload(job.clone())));
        gather(jobs).await.into_iter().for_each(|ended| ended.unwrap().unwrap());
        assert_eq!(calls.load(Ordering::SeqCst), 10);
    });
}

#[test]
fn to_thread_args_kwargs() {
    run(async {
        let (text, something) = (String::from("test"), true);
        let given = offload(move || (text, something)).await.unwrap();
        assert_eq!(given, ("test".to_owned(), true));
    });
}
