//! Who may go on, and when: no more than the rate, whoever is cancelled.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::{Trace, is_cancelled, ms, run};
use proptest::prelude::*;
use wheelhouse::schedule::RateLimiter;
use wheelhouse::{call_later, gather, sleep, spawn, time, timeout};

/// The times at which so many go that come one after another.
fn times(limiter: RateLimiter, count: usize) -> Vec<u128> {
    run(async move {
        let mut times = Vec::new();
        for _ in 0..count {
            limiter.acquire().await;
            times.push(time().as_millis());
        }
        times
    })
}

#[test]
fn a_full_bucket_lets_a_burst_through_and_then_a_steady_flow() {
    assert_eq!(times(RateLimiter::token_bucket(3, ms(30)), 7), [0, 0, 0, 10, 20, 30, 40]);
    let even = RateLimiter::token_bucket(3, ms(30)).burst(1);
    assert_eq!(times(even, 4), [0, 10, 20, 30]);
    let bursts = RateLimiter::token_bucket(3, ms(30)).burst(5);
    assert_eq!(times(bursts, 7), [0, 0, 0, 0, 0, 10, 20]);
}

#[test]
fn a_window_lets_as_many_through_as_fit_and_then_none_until_they_are_past() {
    assert_eq!(times(RateLimiter::sliding_window(3, ms(30)), 8), [0, 0, 0, 30, 30, 30, 60, 60]);
    let unchanged = RateLimiter::sliding_window(2, ms(30)).burst(9);
    assert_eq!(times(unchanged, 3), [0, 0, 30]);
}

#[test]
fn a_rest_fills_the_bucket_and_no_more() {
    run(async {
        let limiter = RateLimiter::token_bucket(2, ms(20));
        limiter.acquire_many(2).await;
        sleep(ms(1000)).await;
        limiter.acquire_many(2).await;
        assert_eq!(time(), ms(1000));
        limiter.acquire().await;
        assert_eq!(time(), ms(1010));
    });
}

#[test]
fn several_wait_until_all_of_them_may_go_and_nobody_overtakes_them() {
    for (limiter, expected) in [
        (RateLimiter::token_bucket(4, ms(40)), [("many", 20), ("one", 30)]),
        (RateLimiter::sliding_window(4, ms(40)), [("many", 40), ("one", 40)]),
    ] {
        run(async move {
            let limiter = Rc::new(limiter);
            limiter.acquire_many(3).await;
            let went = Rc::new(RefCell::new(Vec::new()));
            let tasks = [("many", 3), ("one", 1)].map(|(name, count)| {
                let (limiter, went) = (Rc::clone(&limiter), Rc::clone(&went));
                spawn(async move {
                    limiter.acquire_many(count).await;
                    went.borrow_mut().push((name, time().as_millis()));
                })
            });
            gather(tasks).await;
            assert_eq!(*went.borrow(), expected);
        });
    }
}

#[test]
fn a_cancelled_waiter_has_used_nothing_up_and_gives_its_place_to_the_next() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let limiter = Rc::new(RateLimiter::token_bucket(1, ms(10)));
        limiter.acquire().await;
        let tasks = ["a", "b", "c", "d"].map(|name| {
            let (limiter, t) = (Rc::clone(&limiter), t.clone());
            spawn(async move {
                limiter.acquire().await;
                t.at(name);
            })
        });
        let [a, b, c, d] = tasks;
        sleep(ms(4)).await;
        a.cancel(); // the first in line, which waits for the time
        b.cancel(); // and the second, which waits for the first
        assert!(is_cancelled(a.await) && is_cancelled(b.await));
        c.await.unwrap();
        d.await.unwrap();
    });
    trace.expect(&["10 c", "20 d"]);
}

#[test]
fn a_waiter_that_is_cancelled_just_as_it_may_go_has_used_nothing_up() {
    run(async {
        let limiter = Rc::new(RateLimiter::token_bucket(1, ms(10)));
        limiter.acquire().await;
        let waiter = spawn({
            let limiter = Rc::clone(&limiter);
            async move { limiter.acquire().await }
        });
        sleep(ms(1)).await;
        let handle = waiter.handle().clone();
        // Armed after the waiter's own sleep: this runs between its expiry and its step.
        call_later(ms(9), move || assert!(handle.cancel()));
        assert!(is_cancelled(waiter.await));
        assert_eq!(time(), ms(10));
        assert!(limiter.try_acquire());
    });
}

#[test]
fn what_may_not_go_at_once_is_told_so_and_has_used_nothing_up() {
    run(async {
        for limiter in
            [RateLimiter::token_bucket(1, ms(10)), RateLimiter::sliding_window(1, ms(10))]
        {
            let start = time();
            assert!(limiter.try_acquire());
            assert!(!limiter.try_acquire() && !limiter.try_acquire());
            assert!(timeout(ms(5), limiter.acquire()).await.is_err());
            limiter.acquire().await;
            assert_eq!(time() - start, ms(10));
            sleep(ms(10)).await;
        }
    });
}

#[test]
fn trying_does_not_overtake_who_waits() {
    run(async {
        let limiter = Rc::new(RateLimiter::token_bucket(2, ms(20)));
        assert!(limiter.try_acquire());
        let waiter = spawn({
            let limiter = Rc::clone(&limiter);
            async move { limiter.acquire_many(2).await }
        });
        sleep(ms(1)).await;
        assert!(!limiter.try_acquire(), "there is a token, and one who waits for two");
        waiter.await.unwrap();
    });
}

#[test]
#[should_panic(expected = "`RateLimiter::acquire_many(3)` would never end: it lets 2 go at once")]
fn more_than_may_ever_go_at_once_is_refused() {
    run(async {
        RateLimiter::sliding_window(2, ms(10)).acquire_many(3).await;
    });
}

#[test]
#[should_panic(expected = "a `RateLimiter` of 0 in 1s makes no sense")]
fn a_rate_of_none_is_refused() {
    let _ = RateLimiter::token_bucket(0, Duration::from_secs(1));
}

/// Someone who comes at some time, wants so many, and perhaps does not wait for long.
#[derive(Clone, Debug)]
struct Comer {
    at: u64,
    wants: u32,
    patience: Option<u64>,
}

fn comers() -> impl Strategy<Value = Vec<Comer>> {
    let comer = (0..60u64, 1..=3u32, proptest::option::of(0..40u64));
    proptest::collection::vec(
        comer.prop_map(|(at, wants, patience)| Comer { at, wants, patience }),
        1..25,
    )
}

/// Lets them all come, and notes who goes when, with the count.
fn went(limiter: RateLimiter, comers: Vec<Comer>) -> Vec<(usize, u32, u64)> {
    run(async move {
        let limiter = Rc::new(limiter);
        let went = Rc::new(RefCell::new(Vec::new()));
        let tasks: Vec<_> = comers
            .into_iter()
            .enumerate()
            .map(|(n, comer)| {
                let (limiter, went) = (Rc::clone(&limiter), Rc::clone(&went));
                spawn(async move {
                    sleep(ms(comer.at)).await;
                    let acquire = limiter.acquire_many(comer.wants);
                    let patience = comer.patience.map_or(Duration::MAX, ms);
                    if timeout(patience, acquire).await.is_ok() {
                        went.borrow_mut().push((n, comer.wants, time().as_millis() as u64));
                    }
                })
            })
            .collect();
        gather(tasks).await;
        went.take()
    })
}

proptest! {
    #[test]
    fn a_bucket_never_lets_more_through_than_it_held_and_got(
        comers in comers(), count in 1..6u32, burst in 3..6u32
    ) {
        let per = 60; // in whole milliseconds for each of these counts
        let limiter = RateLimiter::token_bucket(count, ms(per)).burst(burst);
        let went = went(limiter, comers);
        for (from, &(.., begin)) in went.iter().enumerate() {
            let mut sum = 0;
            for &(_, wants, end) in &went[from..] {
                sum += wants;
                let back = (end - begin) * u64::from(count) / per;
                prop_assert!(u64::from(sum) <= u64::from(burst) + back, "{went:?}");
            }
        }
    }

    #[test]
    fn a_window_never_holds_more_than_its_count(comers in comers(), count in 3..6u32, per in 1..40u64) {
        let went = went(RateLimiter::sliding_window(count, ms(per)), comers);
        for &(.., begin) in &went {
            let inside = went.iter().filter(|(.., when)| (begin..begin + per).contains(when));
            let sum: u32 = inside.map(|(_, wants, _)| wants).sum();
            prop_assert!(sum <= count, "{went:?}");
        }
    }

    /// Without those that gave up, the others go not later.
    #[test]
    fn who_gives_up_has_used_nothing_up(comers in comers(), window: bool) {
        let limiter = || match window {
            true => RateLimiter::sliding_window(4, ms(20)),
            false => RateLimiter::token_bucket(4, ms(20)),
        };
        let with = went(limiter(), comers.clone());
        let patient = with.iter().map(|(n, ..)| comers[*n].clone()).collect();
        let without = went(limiter(), patient);
        prop_assert_eq!(with.len(), without.len());
        for ((.., with), (.., without)) in with.iter().zip(&without) {
            prop_assert!(without <= with);
        }
    }

    #[test]
    fn who_comes_first_goes_first(comers in comers()) {
        let went = went(RateLimiter::token_bucket(3, ms(15)), comers.clone());
        let order: Vec<_> = went.iter().map(|(n, ..)| (comers[*n].at, *n)).collect();
        prop_assert!(order.is_sorted(), "{order:?}");
    }
}
