//! Attempts, and the pauses between them.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use common::{Trace, is_cancelled, ms, run};
use proptest::prelude::*;
use wheelhouse::schedule::{Backoff, Random, Retry, RetryError, retry};
use wheelhouse::{Cancelled, JoinError, catch_cancel, sleep, spawn, time};

/// Makes attempts that take so long each and all fail; says when they began, and how it ended, and when.
fn fails(retry: Retry, takes: u64) -> (Vec<u128>, RetryError<u32>, Duration) {
    run(async move {
        let begun = RefCell::new(Vec::new());
        let attempt = async || {
            begun.borrow_mut().push(time().as_millis());
            sleep(ms(takes)).await;
            Err::<(), _>(u32::try_from(begun.borrow().len()).unwrap())
        };
        let error = retry.run(attempt).await.unwrap_err();
        (begun.into_inner(), error, time())
    })
}

#[test]
fn the_first_success_ends_it() {
    run(async {
        let mut answers = [Err("busy"), Err("busy"), Ok(7), Ok(8)].into_iter();
        let value = retry(Backoff::constant(ms(10))).run(async || answers.next().unwrap()).await;
        assert_eq!((value, time()), (Ok(7), ms(20)));
        assert_eq!(answers.next(), Some(Ok(8)), "no attempt too many");
    });
}

#[test]
fn attempts_are_counted_with_the_first() {
    let (begun, error, now) = fails(retry(Backoff::constant(ms(10))).attempts(3), 0);
    assert_eq!(begun, [0, 10, 20]);
    assert_eq!((error, now), (RetryError::OutOfAttempts { attempts: 3, error: 3 }, ms(20)));
    assert_eq!((error.attempts(), error.into_last()), (3, Some(3)));
    assert_eq!(error.to_string(), "gave up after 3 attempts; the last one: 3");

    let (begun, error, _) = fails(retry(Backoff::constant(ms(10))).attempts(0), 0);
    assert_eq!((begun, error.attempts()), (vec![0], 1), "the first attempt is always made");
}

#[test]
fn pauses_grow_up_to_their_cap() {
    let (begun, ..) = fails(retry(Backoff::exponential(ms(10)).cap(ms(50))).attempts(6), 1);
    assert_eq!(begun, [0, 11, 32, 73, 124, 175]);
    let tripled: Vec<_> = Backoff::exponential(ms(2)).factor(3).take(4).collect();
    assert_eq!(tripled, [2, 6, 18, 54].map(ms));
    let huge: Vec<_> = Backoff::exponential(Duration::MAX / 2).take(4).collect();
    assert_eq!(huge[3], Duration::MAX);
}

#[test]
fn a_pause_that_would_end_after_the_deadline_is_not_waited_for() {
    let (begun, error, now) = fails(retry(Backoff::constant(ms(10))).within(ms(25)), 0);
    assert_eq!((begun, now), (vec![0, 10, 20], ms(20)));
    assert_eq!(error, RetryError::OutOfTime { attempts: 3, last: Some(3) });
    // One that would end with it neither: the attempt after it would have no time.
    let (begun, ..) = fails(retry(Backoff::constant(ms(10))).within(ms(20)), 0);
    assert_eq!(begun, [0, 10]);
}

#[test]
fn an_attempt_that_runs_at_the_deadline_is_cancelled() {
    let (begun, error, now) = fails(retry(Backoff::constant(ms(10))).within(ms(40)), 25);
    assert_eq!((begun, now), (vec![0, 35], ms(40)));
    assert_eq!(error, RetryError::OutOfTime { attempts: 2, last: Some(1) });
    assert_eq!(
        error.to_string(),
        "out of time in attempt 2, or before the next; the last error: 1"
    );

    let (_, error, now) = fails(retry(Backoff::constant(ms(10))).within(ms(3)), 25);
    assert_eq!((error, now), (RetryError::OutOfTime { attempts: 1, last: None }, ms(3)));
    assert_eq!((error.to_string(), error.into_last()), ("out of time in attempt 1".into(), None));
}

#[test]
fn an_error_that_is_not_worth_it_comes_back_at_once() {
    run(async {
        let mut errors = ["busy", "busy", "forbidden", "busy"].into_iter();
        let worth_it = |error: &&str| *error == "busy";
        let attempt = async || Err::<(), _>(errors.next().unwrap());
        let error = retry(Backoff::constant(ms(10))).run_if(worth_it, attempt).await.unwrap_err();
        assert_eq!(error, RetryError::NotWorthIt { attempts: 3, error: "forbidden" });
        assert_eq!(time(), ms(20));
    });
}

#[test]
fn a_cancel_is_not_answered_with_another_attempt() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        for when in [3, 15] {
            // In the middle of an attempt, and in the pause after it.
            let inner = t.clone();
            let task = spawn(async move {
                let attempt = async || {
                    inner.note("attempt");
                    sleep(ms(10)).await;
                    Err::<(), _>("failed")
                };
                retry(Backoff::constant(ms(10))).run(attempt).await
            });
            sleep(ms(when)).await;
            task.cancel();
            assert!(is_cancelled(task.await));
        }
    });
    trace.expect(&["attempt", "attempt"]);
}

#[test]
fn an_error_that_is_a_cancel_is_not_worth_it_whatever_the_judge_says() {
    run(async {
        let attempt = async || {
            let task = spawn(sleep(ms(10)));
            task.cancel();
            task.await
        };
        let error = retry(Backoff::constant(ms(10))).run_if(|_| true, attempt).await.unwrap_err();
        let RetryError::NotWorthIt { attempts: 1, error } = error else { panic!("{error}") };
        assert!(error.is_cancelled());

        let cut_short: Rc<Cell<Option<Cancelled>>> = Rc::default();
        let keep = Rc::clone(&cut_short);
        let task = spawn(async move { keep.set(catch_cancel(sleep(ms(10))).await.err()) });
        sleep(ms(1)).await;
        task.cancel();
        task.await.unwrap();
        let attempt = async || Err::<(), _>(cut_short.take().unwrap());
        let error = retry(Backoff::constant(ms(10))).run(attempt).await.unwrap_err();
        assert_eq!(error.attempts(), 1);
    });
}

#[test]
fn other_failures_of_a_task_are_worth_it() {
    run(async {
        let attempt = async || spawn(async { panic!("no luck") }).await;
        let retried = retry(Backoff::constant(ms(10))).attempts(3).run(attempt).await;
        let error: RetryError<JoinError> = retried.unwrap_err();
        assert!(matches!(error, RetryError::OutOfAttempts { attempts: 3, .. }));
        assert!(std::error::Error::source(&error).is_some());
    });
}

#[test]
fn a_retry_can_be_used_again_and_its_jitter_then_begins_anew() {
    let jittery = retry(Backoff::constant(ms(100)).jitter(0.5, Random::seeded(1))).attempts(4);
    let (once, ..) = fails(jittery.clone(), 0);
    let (again, ..) = fails(jittery, 0);
    assert_eq!(once, again);
    assert_ne!(once, [0, 100, 200, 300]);
}

#[test]
#[should_panic(expected = "the fraction 1.5: it must lie between 0 and 1")]
fn a_jitter_beyond_the_pause_is_refused() {
    let _ = Backoff::constant(ms(1)).jitter(1.5, Random::seeded(0));
}

#[test]
fn numbers_without_a_seed_differ() {
    assert_ne!(Random::unpredictable().next_u64(), Random::unpredictable().next_u64());
}

proptest! {
    #[test]
    fn jitter_only_shortens_and_not_by_more_than_its_part(
        seed: u64, nanos in 0..u64::MAX / 4, fraction in 0.0..=1.0
    ) {
        let pause = Duration::from_nanos(nanos);
        for jittered in Backoff::constant(pause).jitter(fraction, Random::seeded(seed)).take(20) {
            prop_assert!(jittered <= pause);
            let least = pause.mul_f64((1.0 - fraction) * 0.999_999);
            prop_assert!(jittered + Duration::from_nanos(1) >= least, "{jittered:?} < {least:?}");
        }
    }

    #[test]
    fn jitter_reaches_all_of_its_range(seed: u64) {
        let pauses: Vec<_> =
            Backoff::constant(ms(1000)).jitter(1.0, Random::seeded(seed)).take(200).collect();
        for tenth in 0..10 {
            let range = ms(tenth * 100)..=ms(tenth * 100 + 100);
            prop_assert!(pauses.iter().any(|pause| range.contains(pause)));
        }
    }
}
