//! Timers: in what order they fire, when they are armed, and that none is ever early.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use common::{Trace, ms, run, virtual_loop};
use wheelhouse::{
    EventLoop, call_at, call_later, gather, sleep, sleep_until, spawn, time, yield_now,
};

#[test]
fn timers_fire_by_deadline_and_equal_ones_in_the_order_they_were_armed() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        // T4: armed in a jumble, at times that fall into different levels of the wheel.
        let deadlines = [900, 1, 70, 70, 4_200, 1, 70, 900, 300_000, 0, 4_200, 2];
        for (n, when) in deadlines.into_iter().enumerate() {
            let t = t.clone();
            call_at(ms(when), move || t.at(format_args!("#{n}")));
        }
        sleep(ms(400_000)).await;
    });
    trace.expect(&[
        "0 #9",
        "1 #1",
        "1 #5",
        "2 #11",
        "70 #2",
        "70 #3",
        "70 #6",
        "900 #0",
        "900 #7",
        "4200 #4",
        "4200 #10",
        "300000 #8",
    ]);
}

#[test]
fn equal_deadlines_reached_by_different_ways_keep_the_order_of_arming() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let note = |what: &'static str| {
            let t = t.clone();
            move || t.note(what)
        };
        call_at(ms(100), note("first"));
        sleep(ms(60)).await;
        call_later(ms(40), note("second"));
        sleep(ms(39)).await;
        call_later(ms(1), note("third"));
        sleep(ms(2)).await;
    });
    // T4.
    trace.expect(&["first", "second", "third"]);
}

#[test]
fn a_nanosecond_is_a_difference() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        for n in [3_u64, 1, 2] {
            let t = t.clone();
            spawn(async move {
                sleep(ms(1) + Duration::from_nanos(n)).await;
                t.note(format_args!("{n} at {}", time().as_nanos()));
            })
            .detach();
        }
        sleep(ms(2)).await;
    });
    trace.expect(&["1 at 1000001", "2 at 1000002", "3 at 1000003"]);
}

#[test]
fn a_sleep_counts_from_its_first_poll() {
    run(async {
        let nap = sleep(ms(5));
        sleep(ms(10)).await;
        nap.await;
        assert_eq!(time(), ms(15));
        sleep_until(ms(20)).await;
        assert_eq!(time(), ms(20));
        sleep_until(ms(3)).await;
        assert_eq!(time(), ms(20));
    });
}

#[test]
fn a_sleep_that_is_polled_again_after_its_end_is_ready() {
    run(async {
        let mut nap = sleep(ms(5));
        (&mut nap).await;
        nap.await;
        assert_eq!(time(), ms(5));
    });
}

#[test]
fn a_sleep_that_is_dropped_takes_its_timer_with_it() {
    let mut event_loop = virtual_loop();
    event_loop
        .run_until_complete(async {
            let mut nap = Box::pin(sleep(ms(500)));
            assert!(futures::poll!(nap.as_mut()).is_pending());
        })
        .unwrap();
    assert_eq!((event_loop.next_deadline(), event_loop.census().timers), (None, 0));
}

#[test]
fn a_hundred_thousand_sleeps_wake_in_order() {
    run(async {
        let naps = (0..100_000_u64).map(|n| {
            // A jumble without repetition.
            let when = n * 7_919 % 100_003;
            spawn(async move {
                sleep(Duration::from_micros(when)).await;
                (time() >= Duration::from_micros(when)).then_some(time())
            })
        });
        let mut ended: Vec<_> = gather(naps.collect::<Vec<_>>()).await;
        let times: Option<Vec<Duration>> = ended.drain(..).map(Result::unwrap).collect();
        let mut sorted = times.unwrap();
        sorted.sort_unstable();
        assert_eq!(sorted.last(), Some(&Duration::from_micros(100_002)));
    });
}

#[test]
fn no_sleep_is_early_on_the_real_clock() {
    for micros in [1, 50, 300, 1_000, 1_300] {
        let slept = wheelhouse::run(async move {
            let (began, clock) = (Instant::now(), time());
            sleep(Duration::from_micros(micros)).await;
            (began.elapsed(), time() - clock)
        });
        let (outside, inside) = slept.unwrap();
        let asked = Duration::from_micros(micros);
        assert!(outside >= asked && inside >= asked, "{asked:?}: {outside:?}, {inside:?}");
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// A loop in which a sleep of a minute was armed, after `before` in the same step; and how long it lasts.
fn a_minute_after(before: impl FnOnce() + 'static) -> (EventLoop, Duration) {
    let mut event_loop = EventLoop::new().unwrap();
    let began = Rc::new(Cell::new(Duration::ZERO));
    let note = Rc::clone(&began);
    let sleeper = event_loop.spawn(async move {
        before();
        note.set(time());
        sleep(MINUTE).await;
    });
    sleeper.detach();
    let turn = event_loop.run_once(Some(Duration::ZERO)).unwrap();
    (event_loop, turn.next_deadline.unwrap() - began.get())
}

#[test]
fn a_long_sleep_is_not_early_however_long_its_step_took() {
    let (_, lasts) = a_minute_after(|| thread::sleep(ms(2)));
    assert!(lasts >= MINUTE, "{lasts:?}");
}

#[test]
fn a_long_sleep_is_late_by_no_more_than_its_turn_and_a_leeway() {
    let begun = Instant::now();
    let (_, lasts) = a_minute_after(|| ());
    let limit = MINUTE + begun.elapsed() + Duration::from_micros(100);
    assert!(lasts <= limit, "{lasts:?}");
}

#[test]
fn a_long_sleep_is_not_put_off_while_nobody_runs_the_loop() {
    let (mut event_loop, _) = a_minute_after(|| ());
    let deadline = event_loop.next_deadline();
    thread::sleep(ms(2));
    let turn = event_loop.run_once(Some(Duration::ZERO)).unwrap();
    assert_eq!(turn.next_deadline, deadline);
}

#[test]
fn a_long_sleep_is_not_put_off_by_a_wait_for_something_else() {
    let mut event_loop = EventLoop::new().unwrap();
    let short = event_loop.spawn(sleep(ms(50)));
    let long = event_loop.spawn(sleep(MINUTE));
    event_loop.run_until_done(&short).unwrap();
    let lasts = event_loop.next_deadline().unwrap();
    assert!(lasts < MINUTE + ms(25), "{lasts:?}");
    drop(long);
}

#[test]
fn slack_may_make_a_timer_late_but_never_early() {
    let mut event_loop =
        EventLoop::builder().timer_slack(Duration::from_micros(100)).build().unwrap();
    let slept = event_loop.run_until_complete(async {
        let began = time();
        sleep(Duration::from_micros(500)).await;
        time() - began
    });
    assert!(slept.unwrap() >= Duration::from_micros(500));
}

#[test]
fn slack_delays_no_timer_that_is_alone() {
    let mut event_loop =
        EventLoop::builder().timer_slack(Duration::from_secs(3600)).build().unwrap();
    event_loop.run_until_complete(async { sleep(ms(1)).await }).unwrap();
}

#[test]
fn slack_lets_one_wait_serve_timers_that_follow_each_other_closely() {
    let mut event_loop = EventLoop::builder().timer_slack(ms(1)).build().unwrap();
    let shared = event_loop.run_until_complete(async {
        // Where a slot of the wheel ends between the two they do not share, which is half of the time.
        let mut shared = 0;
        for _ in 0..100 {
            let began = time();
            let [first, second] = [100, 600].map(|n| began + Duration::from_micros(n));
            let woken = async {
                sleep_until(first).await;
                time()
            };
            let (woken, ()) = futures::join!(woken, sleep_until(second));
            shared += u32::from(woken >= second);
        }
        shared
    });
    assert!(shared.unwrap() >= 20);
}

#[test]
fn timers_at_each_others_heels_share_waits_by_the_millisecond() {
    let mut event_loop = EventLoop::new().unwrap();
    let expired = Rc::new(Cell::new(0));
    for n in 0..2000 {
        let expired = Rc::clone(&expired);
        event_loop.call_later(ms(2) + Duration::from_micros(10) * n, move || {
            expired.set(expired.get() + 1);
        });
    }
    let mut waits = 0;
    while expired.get() < 2000 {
        waits += u32::from(event_loop.run_once(None).unwrap().expired > 0);
    }
    // Within a tenth of a millisecond each it would be 200, or, on a slow machine, less than that.
    assert!(waits < 70, "{waits} waits");
}

#[test]
fn the_virtual_clock_stands_still_while_anything_is_ready() {
    run(async {
        let nap = spawn(sleep(ms(5)));
        for _ in 0..1_000 {
            yield_now().await;
            assert_eq!(time(), ms(0));
        }
        nap.await.unwrap();
        assert_eq!(time(), ms(5));
    });
}

#[test]
fn a_year_passes_in_no_time() {
    run(async {
        sleep(Duration::from_secs(365 * 86_400)).await;
        assert_eq!(time().as_secs(), 365 * 86_400);
    });
}
