//! The same work again and again, and work that waits for its time.

mod common;

use std::rc::Rc;
use std::time::Duration;

use common::{Trace, is_cancelled, ms, run};
use wheelhouse::schedule::{Every, every, once_after, once_at};
use wheelhouse::sync::Event;
use wheelhouse::{
    JoinError, MissedTicks, call_later, catch_cancel, interval_at, sleep, spawn, time, yield_now,
};

/// Repeats work that takes so long each time, until the time is 45.
fn works(each: Every, work: &'static [u64]) -> Vec<String> {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let mut takes = work.iter();
        let beat = each.spawn(async move || {
            t.at("run");
            if let Some(work) = takes.next() {
                sleep(ms(*work)).await;
            }
        });
        sleep(ms(45)).await;
        beat.stop();
        assert!(beat.await.is_ok());
    });
    trace.take()
}

#[test]
fn the_first_run_is_at_once_and_the_others_a_period_apart() {
    assert_eq!(works(every(ms(10)), &[]), ["0 run", "10 run", "20 run", "30 run", "40 run"]);
}

#[test]
fn the_first_run_can_come_later() {
    assert_eq!(works(every(ms(20)).first_after(ms(20)), &[]), ["20 run", "40 run"]);
    assert_eq!(works(every(ms(20)).first_after(ms(3)), &[]), ["3 run", "23 run", "43 run"]);
    let slow = every(ms(20)).first_after(ms(3)).fixed_delay();
    assert_eq!(works(slow, &[10, 10]), ["3 run", "33 run"]);
}

#[test]
fn a_fixed_rate_counts_from_beginning_to_beginning_and_a_fixed_delay_from_the_end() {
    let work = &[9, 4, 0, 6, 1];
    assert_eq!(works(every(ms(10)), work), ["0 run", "10 run", "20 run", "30 run", "40 run"]);
    assert_eq!(works(every(ms(10)).fixed_delay(), work), ["0 run", "19 run", "33 run", "43 run"]);
}

#[test]
fn what_came_too_late_is_made_up_for_or_delayed_or_left_out() {
    let late = |policy| works(every(ms(10)).missed_ticks(policy), &[25]);
    assert_eq!(late(MissedTicks::Burst), ["0 run", "25 run", "25 run", "30 run", "40 run"]);
    assert_eq!(late(MissedTicks::Delay), ["0 run", "25 run", "35 run"]);
    assert_eq!(late(MissedTicks::Skip), ["0 run", "25 run", "30 run", "40 run"]);
}

#[test]
fn a_stop_lets_the_run_end_and_begins_no_other() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let beat = every(ms(10)).name("beat").spawn(async move || {
            inner.at("begins");
            sleep(ms(4)).await;
            inner.at("ends");
        });
        sleep(ms(12)).await;
        beat.stop();
        assert_eq!((beat.name().to_string(), beat.runs()), ("beat".to_owned(), 2));
        assert_eq!(beat.await.unwrap(), 2);
        t.at("over");
    });
    trace.expect(&["0 begins", "4 ends", "10 begins", "14 ends", "14 over"]);
}

#[test]
fn a_stop_between_two_runs_ends_it_at_once_and_wins_over_a_run_that_is_due() {
    run(async {
        let beat = every(ms(10)).spawn(async || {});
        sleep(ms(3)).await;
        beat.stop();
        assert_eq!((beat.await.unwrap(), time()), (1, ms(3)));

        let event = Rc::new(Event::new());
        let beat = every(ms(10)).until(Rc::clone(&event)).spawn(async || {});
        call_later(ms(10), move || event.set()); // due with the second run, and asked first
        assert_eq!((beat.await.unwrap(), time()), (1, ms(13)));
    });
}

#[test]
fn an_event_that_is_set_before_the_first_run_lets_none_begin() {
    run(async {
        let event = Rc::new(Event::new());
        event.set();
        every(ms(10)).until(event).run(async || unreachable!("stopped before it began")).await;
        assert_eq!(time(), ms(0));
    });
}

#[test]
fn a_cancel_takes_effect_in_the_middle_of_a_run() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let beat = every(ms(10)).spawn(async move || {
            let _dropped = inner.on_drop("run dropped");
            sleep(ms(4)).await;
        });
        sleep(ms(12)).await;
        beat.cancel();
        assert!(is_cancelled(beat.await));
        t.at("over");
    });
    trace.expect(&["run dropped", "run dropped", "12 over"]);
}

#[test]
fn a_run_may_clean_up_when_it_is_cancelled() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let beat = every(ms(10)).spawn(async move || {
            if let Err(cancelled) = catch_cancel(sleep(ms(8))).await {
                sleep(ms(3)).await;
                inner.at("cleaned up");
                cancelled.resume().await;
            }
        });
        sleep(ms(15)).await;
        beat.cancel();
        assert!(is_cancelled(beat.await));
    });
    trace.expect(&["18 cleaned up"]);
}

#[test]
fn a_panic_in_a_run_ends_it_and_comes_back() {
    run(async {
        let mut left = 2;
        let beat = every(ms(10)).spawn(async move || {
            left -= 1;
            assert!(left > 0, "no run is left");
        });
        let Err(JoinError::Panicked(panicked)) = beat.await else { panic!("it must panic") };
        assert_eq!((panicked.message(), time()), ("no run is left", ms(10)));
    });
}

#[test]
fn work_in_the_own_task_may_borrow() {
    run(async {
        let event = Rc::new(Event::new());
        let mut runs = 0;
        every(ms(10))
            .until(Rc::clone(&event))
            .run(async || {
                runs += 1;
                yield_now().await;
                if runs == 3 {
                    event.set();
                }
            })
            .await;
        assert_eq!((runs, time()), (3, ms(20)));
    });
}

#[test]
#[should_panic(expected = "`every` was given a period of zero")]
fn a_period_of_zero_is_refused() {
    let _ = every(Duration::ZERO);
}

#[test]
fn an_interval_can_begin_at_any_time() {
    run(async {
        let mut beat = interval_at(ms(7), ms(10));
        assert_eq!((beat.tick().await, time()), (ms(7), ms(7)));
        assert_eq!((beat.tick().await, time()), (ms(17), ms(17)));
        let mut late = interval_at(ms(1), ms(10));
        assert_eq!((late.tick().await, late.tick().await, time()), (ms(1), ms(11), ms(17)));
    });
}

#[test]
fn work_is_done_once_when_its_time_has_come() {
    run(async {
        let later = once_after(ms(30), async { time() });
        let soon = once_at(ms(10), async { time() });
        assert_eq!((later.when(), soon.when()), (ms(30), ms(10)));
        assert_eq!(soon.await.unwrap(), ms(10));
        assert!(!later.is_done() && !later.has_begun());
        assert_eq!(later.await.unwrap(), ms(30));
        // A time that has come is at once.
        assert_eq!(once_at(ms(1), async { time() }).await.unwrap(), ms(30));
    });
}

#[test]
fn work_can_be_taken_back_until_it_begins() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let taken_back = once_after(ms(10), async move { inner.at("never") });
        let inner = t.clone();
        let begun = once_after(ms(10), async move {
            sleep(ms(5)).await;
            inner.at("done");
        });
        sleep(ms(9)).await;
        assert!(taken_back.cancel());
        assert!(is_cancelled(taken_back.await));
        sleep(ms(3)).await;
        assert!(begun.has_begun() && !begun.cancel(), "too late");
        begun.await.unwrap();
    });
    trace.expect(&["15 done"]);
}

#[test]
fn work_that_is_due_and_has_not_begun_can_still_be_taken_back() {
    run(async {
        let work = Rc::new(once_after(ms(10), async { unreachable!("taken back") }));
        let canceller = Rc::clone(&work);
        let task = spawn(async move {
            // Armed after the work's own sleep, so that this runs between its expiry and its step.
            call_later(ms(10), move || assert!(canceller.cancel()));
        });
        task.await.unwrap();
        sleep(ms(11)).await;
        assert!(work.is_done() && !work.cancel());
    });
}

#[test]
fn work_that_has_begun_can_be_cancelled_by_its_task() {
    run(async {
        let work = once_after(ms(10), sleep(ms(10)));
        sleep(ms(15)).await;
        assert!(work.task().cancel());
        assert!(is_cancelled(work.await));
        assert_eq!(time(), ms(15));
    });
}

#[test]
fn work_that_nobody_holds_is_done_all_the_same() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        once_after(ms(10), async move { t.at("done") }).detach();
        sleep(ms(11)).await;
    });
    trace.expect(&["10 done"]);
}
