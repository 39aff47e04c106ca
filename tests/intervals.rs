//! A beat: ticks that come on time, late, or not at all.

mod common;

use common::{Trace, ms, run};
use wheelhouse::{Interval, MissedTicks, call_later, interval, sleep, spawn, time};

#[test]
fn the_first_tick_is_now_and_the_others_a_period_apart() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        sleep(ms(3)).await;
        let mut beat = interval(ms(10));
        for _ in 0..4 {
            let due = beat.tick().await;
            t.at(due.as_millis());
        }
    });
    trace.expect(&["3 3", "13 13", "23 23", "33 33"]);
}

#[test]
fn work_between_ticks_does_not_shift_the_beat() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut beat = interval(ms(10));
        for work in [4, 9, 0, 5] {
            beat.tick().await;
            t.at("tick");
            sleep(ms(work)).await;
        }
    });
    trace.expect(&["0 tick", "10 tick", "20 tick", "30 tick"]);
}

/// Ticks at 0, then works until 35, then ticks four times more.
fn after_a_long_stretch(policy: MissedTicks) -> Vec<String> {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut beat: Interval = interval(ms(10)).missed_ticks(policy);
        beat.tick().await;
        sleep(ms(35)).await;
        for _ in 0..5 {
            let due = beat.tick().await;
            t.at(due.as_millis());
        }
    });
    trace.take()
}

#[test]
fn missed_ticks_come_in_a_burst_and_the_beat_is_kept() {
    assert_eq!(MissedTicks::default(), MissedTicks::Burst);
    assert_eq!(
        after_a_long_stretch(MissedTicks::Burst),
        ["35 10", "35 20", "35 30", "40 40", "50 50"]
    );
}

#[test]
fn missed_ticks_can_delay_the_beat() {
    assert_eq!(
        after_a_long_stretch(MissedTicks::Delay),
        ["35 10", "45 45", "55 55", "65 65", "75 75"]
    );
}

#[test]
fn missed_ticks_can_be_skipped_and_the_beat_kept() {
    assert_eq!(
        after_a_long_stretch(MissedTicks::Skip),
        ["35 10", "40 40", "50 50", "60 60", "70 70"]
    );
}

#[test]
fn a_tick_that_is_exactly_a_period_late_skips_to_the_next_beat() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut beat = interval(ms(10)).missed_ticks(MissedTicks::Skip);
        beat.tick().await;
        sleep(ms(30)).await;
        for _ in 0..3 {
            let due = beat.tick().await;
            t.at(due.as_millis());
        }
    });
    trace.expect(&["30 10", "40 40", "50 50"]);
}

#[test]
fn a_beat_can_move_to_another_task() {
    run(async {
        let mut beat = interval(ms(10));
        beat.tick().await;
        {
            let mut tick = Box::pin(beat.tick());
            assert!(futures::poll!(tick.as_mut()).is_pending());
        }
        let moved = spawn(async move { beat.tick().await });
        assert_eq!(moved.await.unwrap(), ms(10));
        assert_eq!(time(), ms(10));
    });
}

#[test]
fn a_beat_that_is_dropped_leaves_no_timer() {
    run(async {
        let mut beat = interval(ms(10));
        beat.tick().await;
        let mut tick = Box::pin(beat.tick());
        assert!(futures::poll!(tick.as_mut()).is_pending());
        drop(tick);
        drop(beat);
        assert!(call_later(ms(1), || ()).cancel());
    });
}
