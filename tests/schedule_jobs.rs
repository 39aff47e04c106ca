//! Jobs that run by the clock on the wall.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use common::{Trace, ms, run};
use proptest::prelude::*;
use wheelhouse::schedule::{
    DateTrigger, IntervalTrigger, Job, JobEvent, Random, RunOutcome, ScheduleError, Scheduler,
    Trigger,
};
use wheelhouse::{catch_cancel, run as run_for_real, sleep, time, timeout};

/// The time on the wall when the loop's time is so many milliseconds.
fn wall(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000) + ms(millis)
}

fn since_origin(when: SystemTime) -> u128 {
    when.duration_since(wall(0)).unwrap().as_millis()
}

fn each(millis: u64) -> IntervalTrigger {
    IntervalTrigger::new(ms(millis))
}

fn scheduler() -> Scheduler {
    Scheduler::with_origin(wall(0))
}

/// A started scheduler that tells the trace what becomes of each run.
fn told(trace: &Trace) -> Scheduler {
    let scheduler = scheduler();
    let trace = trace.clone();
    scheduler.add_listener(move |event: &JobEvent| {
        let scheduled = since_origin(event.scheduled);
        let outcome = match &event.outcome {
            RunOutcome::Ran => "ran".to_owned(),
            RunOutcome::Failed(error) => format!("failed: {error}"),
            RunOutcome::Missed { late } => format!("missed by {}", late.as_millis()),
            other => format!("{other:?}").to_lowercase(),
        };
        trace.at(format_args!("{} of {scheduled} {outcome}", event.job));
    });
    scheduler.start().unwrap();
    scheduler
}

/// A job that takes so long each time.
fn takes(trigger: impl Trigger + 'static, takes: u64) -> Job {
    Job::new(trigger, move || sleep(ms(takes)))
}

#[test]
fn a_job_runs_at_its_interval_until_the_scheduler_is_shut_down() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        scheduler.add(takes(each(10), 0).id("a")).unwrap();
        sleep(ms(35)).await;
        scheduler.shutdown(true).await;
        sleep(ms(35)).await;
    });
    trace.expect(&["10 a of 10 ran", "20 a of 20 ran", "30 a of 30 ran"]);
}

#[test]
fn an_interval_can_have_a_start_and_an_end() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        scheduler.add(takes(each(10).starting(wall(5)).ending(wall(25)), 0).id("a")).unwrap();
        // A start that is past only sets the beat.
        let past = wall(0) - ms(17);
        scheduler.add(takes(each(20).starting(past), 0).id("b")).unwrap();
        sleep(ms(40)).await;
        assert_eq!(scheduler.jobs().len(), 1, "the other one has run for the last time");
        scheduler.shutdown(true).await;
    });
    trace.expect(&[
        "3 b of 3 ran",
        "5 a of 5 ran",
        "15 a of 15 ran",
        "23 b of 23 ran",
        "25 a of 25 ran",
    ]);
}

#[test]
fn a_date_comes_once_and_then_the_job_is_gone() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        sleep(ms(2)).await;
        scheduler.add(takes(DateTrigger::new(wall(7)), 0).id("later")).unwrap();
        scheduler.add(takes(DateTrigger::new(wall(2)), 0).id("now")).unwrap();
        assert_eq!(scheduler.now(), wall(2));
        sleep(ms(10)).await;
        assert_eq!(scheduler.remove("later"), Err(ScheduleError::NoSuchJob("later".into())));
        scheduler.shutdown(true).await;
    });
    trace.expect(&["2 now of 2 ran", "7 later of 7 ran"]);
}

#[test]
fn a_job_that_would_never_run_is_refused_at_once() {
    run(async {
        sleep(ms(5)).await;
        let scheduler = scheduler();
        let id = scheduler.add(takes(DateTrigger::new(wall(4)), 0).id("past")).unwrap_err();
        assert_eq!(id, ScheduleError::NeverFires("past".into()));
        assert_eq!(id.to_string(), "job `past` would never run: its trigger has no time to come");
        let over = each(10).ending(wall(14));
        assert!(scheduler.add(takes(over, 0)).is_err());
        assert_eq!(scheduler.jobs(), []);
    });
}

#[test]
fn ids_are_given_or_made_and_are_not_used_twice() {
    run(async {
        let scheduler = scheduler();
        scheduler.add(takes(each(30), 0).id("job-2")).unwrap();
        let made = scheduler.add(takes(each(10), 0)).unwrap();
        let other = scheduler.add(takes(each(20), 0)).unwrap();
        assert!(!made.is_empty() && made != other);
        let taken = scheduler.add(takes(each(10), 0).id("job-2")).unwrap_err();
        assert_eq!(
            taken.to_string(),
            "there is a job `job-2` already: remove it, or choose another id"
        );
        let listed: Vec<_> = scheduler.jobs().into_iter().map(|job| job.id).collect();
        assert_eq!(listed, [made, other, "job-2".into()], "in the order of their next runs");
    });
}

#[test]
fn jobs_are_paused_resumed_rescheduled_and_removed_while_the_scheduler_runs() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        let id = scheduler.add(takes(each(10), 0).id("a")).unwrap();
        sleep(ms(15)).await;
        scheduler.pause(&id).unwrap();
        assert_eq!(scheduler.jobs()[0].next_run, None);
        sleep(ms(20)).await;
        scheduler.resume(&id).unwrap();
        assert_eq!(scheduler.jobs()[0].next_run, Some(wall(40)), "the beat is kept");
        sleep(ms(10)).await;
        scheduler.reschedule(&id, each(3)).unwrap();
        sleep(ms(7)).await;
        assert_eq!(
            scheduler.reschedule(&id, DateTrigger::new(wall(0))),
            Err(ScheduleError::NeverFires("a".into()))
        );
        scheduler.remove(&id).unwrap();
        for error in
            [scheduler.pause(&id), scheduler.resume(&id), scheduler.reschedule(&id, each(1))]
        {
            assert_eq!(
                error.unwrap_err().to_string(),
                "there is no job `a`: it was removed, or has run for the last time"
            );
        }
        sleep(ms(10)).await;
        scheduler.shutdown(true).await;
    });
    trace.expect(&["10 a of 10 ran", "40 a of 40 ran", "48 a of 48 ran", "51 a of 51 ran"]);
}

#[test]
fn a_reschedule_resumes_and_a_resume_of_what_runs_changes_nothing() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        let id = scheduler.add(takes(each(10), 0).id("a")).unwrap();
        scheduler.pause(&id).unwrap();
        scheduler.reschedule(&id, DateTrigger::new(wall(4))).unwrap();
        scheduler.set_origin(wall(10));
        scheduler.resume(&id).unwrap(); // late, and not forgotten
        sleep(ms(20)).await;
        scheduler.shutdown(true).await;
    });
    trace.expect(&["0 a of 4 ran"]);
}

#[test]
fn a_trigger_that_is_refused_leaves_the_old_one() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        scheduler.add(takes(each(10), 0).id("a")).unwrap();
        assert!(scheduler.reschedule("a", each(10).ending(wall(5))).is_err());
        sleep(ms(25)).await;
        scheduler.shutdown(true).await;
    });
    trace.expect(&["10 a of 10 ran", "20 a of 20 ran"]);
}

#[test]
fn of_late_jobs_the_one_that_was_due_first_runs_first() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        scheduler.add(takes(DateTrigger::new(wall(20)), 0).id("second")).unwrap();
        scheduler.add(takes(DateTrigger::new(wall(10)), 0).id("first")).unwrap();
        scheduler.set_origin(wall(30));
        sleep(ms(5)).await;
        scheduler.shutdown(true).await;
    });
    trace.expect(&["0 first of 10 ran", "0 second of 20 ran"]);
}

#[test]
fn a_job_that_is_resumed_too_late_stays_paused() {
    run(async {
        let scheduler = scheduler();
        scheduler.add(takes(DateTrigger::new(wall(10)), 0).id("a")).unwrap();
        scheduler.pause("a").unwrap();
        sleep(ms(20)).await;
        assert_eq!(scheduler.resume("a"), Err(ScheduleError::NeverFires("a".into())));
        assert_eq!(scheduler.jobs()[0].next_run, None);
    });
}

#[test]
fn a_new_job_that_is_due_sooner_is_not_waited_out() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        scheduler.add(takes(each(100), 0).id("slow")).unwrap();
        sleep(ms(5)).await;
        scheduler.add(takes(DateTrigger::new(wall(8)), 0).id("soon")).unwrap();
        sleep(ms(100)).await;
        scheduler.shutdown(true).await;
    });
    trace.expect(&["8 soon of 8 ran", "100 slow of 100 ran"]);
}

#[test]
fn not_more_instances_run_than_may_and_the_others_are_skipped() {
    for (most, expected) in [
        (1, ["20 a of 20 skipped", "25 a of 10 ran", "40 a of 40 skipped", "45 a of 30 ran"]),
        (2, ["25 a of 10 ran", "35 a of 20 ran", "45 a of 30 ran", "55 a of 40 ran"]),
    ] {
        let trace = Trace::default();
        let t = trace.clone();
        run(async move {
            let scheduler = told(&t);
            let job = takes(each(10).ending(wall(40)), 15).id("a").max_instances(most);
            scheduler.add(job).unwrap();
            sleep(ms(60)).await;
            scheduler.shutdown(true).await;
        });
        trace.expect(&expected);
    }
}

/// A job every 10 ms, whose scheduler is kept from running from 15 to 45.
fn held_up(job: impl FnOnce(Job) -> Job + 'static) -> Vec<String> {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        scheduler.add(job(takes(each(10), 1).id("a"))).unwrap();
        sleep(ms(15)).await;
        scheduler.set_origin(wall(30)); // what comes is late at once
        sleep(ms(10)).await;
        scheduler.shutdown(true).await;
    });
    trace.take()
}

#[test]
fn late_runs_are_made_up_for_one_after_another() {
    assert_eq!(
        held_up(|job| job),
        ["11 a of 10 ran", "16 a of 20 ran", "17 a of 30 ran", "18 a of 40 ran", "21 a of 50 ran"]
    );
}

#[test]
fn late_runs_can_be_coalesced_into_the_last() {
    assert_eq!(
        held_up(|job| job.coalesce(true)),
        ["11 a of 10 ran", "16 a of 40 ran", "21 a of 50 ran"]
    );
}

#[test]
fn runs_that_are_too_late_are_missed() {
    assert_eq!(
        held_up(|job| job.misfire_grace(ms(15))),
        [
            "11 a of 10 ran",
            "15 a of 20 missed by 25",
            "16 a of 30 ran",
            "17 a of 40 ran",
            "21 a of 50 ran"
        ]
    );
    // Each is judged when its turn comes.
    assert_eq!(
        held_up(|job| job.misfire_grace(ms(5)))[..3],
        ["11 a of 10 ran", "15 a of 20 missed by 25", "15 a of 30 missed by 15"]
    );
}

#[test]
fn the_grace_is_a_second_unless_there_is_none() {
    let late = |grace: fn(Job) -> Job| {
        let trace = Trace::default();
        let t = trace.clone();
        run(async move {
            let scheduler = told(&t);
            scheduler.add(grace(takes(DateTrigger::new(wall(10)), 0).id("a"))).unwrap();
            sleep(ms(5)).await;
            scheduler.set_origin(wall(1_006));
            sleep(ms(5)).await;
            scheduler.shutdown(true).await;
        });
        trace.take()
    };
    assert_eq!(late(|job| job), ["5 a of 10 missed by 1001"]);
    assert_eq!(late(|job| job.misfire_grace(None)), ["5 a of 10 ran"]);
}

#[test]
fn failures_panics_and_cancels_are_told_and_the_job_goes_on() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        let mut answers = [Err("no luck"), Ok(1)].into_iter().cycle();
        scheduler
            .add(
                Job::try_new(each(10), move || std::future::ready(answers.next().unwrap())).id("a"),
            )
            .unwrap();
        let panics = Job::new(DateTrigger::new(wall(5)), || async { panic!("lost") }).id("p");
        scheduler.add(panics).unwrap();
        let mut first = true;
        let panics_in_the_call = Job::new(each(15), move || {
            assert!(!std::mem::take(&mut first), "at first");
            async {}
        });
        scheduler.add(panics_in_the_call.id("q")).unwrap();
        sleep(ms(31)).await;
        scheduler.shutdown(true).await;
    });
    let lines = trace.take();
    assert_eq!(
        lines,
        [
            "5 p of 5 failed: task `p` panicked: lost",
            "10 a of 10 failed: task `a` failed: no luck",
            "15 q of 15 failed: task `q` panicked: at first",
            "20 a of 20 ran",
            "30 a of 30 failed: task `a` failed: no luck",
            "30 q of 30 ran",
        ]
    );
}

#[test]
fn the_id_of_a_listener_that_was_removed_is_not_given_again() {
    run(async {
        let scheduler = Scheduler::new();
        let first = scheduler.add_listener(|_| ());
        assert!(scheduler.remove_listener(first));
        let second = scheduler.add_listener(|_| ());
        assert!(!scheduler.remove_listener(first) && scheduler.remove_listener(second));
    });
}

#[test]
fn a_listener_can_be_removed_and_may_use_the_scheduler() {
    run(async {
        let scheduler = scheduler();
        let heard = Rc::new(Cell::new(0));
        let count = Rc::clone(&heard);
        let counting = scheduler.add_listener(move |_| count.set(count.get() + 1));
        let inner = scheduler.clone();
        scheduler.add_listener(move |event| inner.remove(&event.job).unwrap_or_default());
        scheduler.add(takes(each(10), 0)).unwrap();
        scheduler.start().unwrap();
        sleep(ms(35)).await;
        assert_eq!((heard.get(), scheduler.jobs().len()), (1, 0));
        assert!(scheduler.remove_listener(counting) && !scheduler.remove_listener(counting));
        scheduler.shutdown(true).await;
    });
}

#[test]
fn a_job_may_remove_itself_and_add_others() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        let inner = scheduler.clone();
        let job = Job::new(each(10), move || {
            inner.remove("parent").unwrap();
            inner.add(takes(DateTrigger::new(wall(13)), 0).id("child")).unwrap();
            async {}
        });
        scheduler.add(job.id("parent")).unwrap();
        sleep(ms(50)).await;
        scheduler.shutdown(true).await;
    });
    trace.expect(&["10 parent of 10 ran", "13 child of 13 ran"]);
}

#[test]
fn a_shutdown_waits_for_runs_or_cancels_them() {
    for (waits, expected) in [
        (true, ["21 cleaned up: false", "21 a of 10 ran", "21 over"]),
        (false, ["16 cleaned up: true", "16 a of 10 failed: task `a` was cancelled", "16 over"]),
    ] {
        let trace = Trace::default();
        let t = trace.clone();
        run(async move {
            let scheduler = told(&t);
            let inner = t.clone();
            let job = Job::new(each(10), move || {
                let t = inner.clone();
                async move {
                    let cancelled = catch_cancel(sleep(ms(10))).await.err();
                    sleep(ms(1)).await;
                    t.at(format_args!("cleaned up: {}", cancelled.is_some()));
                    if let Some(cancelled) = cancelled {
                        cancelled.resume().await;
                    }
                }
            });
            scheduler.add(job.id("a")).unwrap();
            sleep(ms(15)).await;
            assert_eq!(scheduler.jobs()[0].going_on, 1);
            scheduler.shutdown(waits).await;
            assert_eq!(scheduler.jobs()[0].going_on, 0);
            t.at("over");
        });
        trace.expect(&expected);
    }
}

#[test]
fn a_shutdown_makes_no_late_runs_and_can_be_waited_for_again() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        scheduler.add(takes(each(10), 20).id("a")).unwrap();
        sleep(ms(5)).await;
        scheduler.set_origin(wall(30)); // 10, 20 and 30 are due
        sleep(ms(5)).await;
        assert!(timeout(ms(5), scheduler.shutdown(true)).await.is_err());
        scheduler.shutdown(true).await;
        assert_eq!(time(), ms(25));
    });
    trace.expect(&["15 a of 40 skipped", "25 a of 10 ran"][1..]);
}

#[test]
fn a_scheduler_can_be_started_once_and_again_after_a_shutdown() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = told(&t);
        assert_eq!(scheduler.start(), Err(ScheduleError::Started));
        scheduler.add(takes(each(10), 0).id("a")).unwrap();
        sleep(ms(15)).await;
        scheduler.shutdown(true).await;
        sleep(ms(20)).await;
        scheduler.start().unwrap(); // what would have run meanwhile is forgotten
        sleep(ms(10)).await;
        scheduler.shutdown(true).await;
    });
    trace.expect(&["10 a of 10 ran", "40 a of 40 ran"]);
}

#[test]
fn a_scheduler_without_an_origin_goes_by_the_clock_of_the_system() {
    run_for_real(async {
        let before = SystemTime::now();
        let scheduler = Scheduler::new();
        let tolerance = Duration::from_secs(60);
        let now = scheduler.now();
        assert!(now >= before - tolerance && now <= before + tolerance);
        scheduler.set_origin(SystemTime::UNIX_EPOCH);
        assert!(scheduler.now() < before - tolerance);
        scheduler.resync();
        assert!(scheduler.now() >= before - tolerance);
    })
    .unwrap();
}

#[test]
fn jitter_delays_each_run_and_the_beat_does_not_drift() {
    let runs = |seed| {
        run(async move {
            let scheduler = scheduler();
            let times = Rc::new(Cell::new(Vec::new()));
            let note = Rc::clone(&times);
            let job = Job::new(each(100), move || {
                let mut times = note.take();
                times.push(time());
                note.set(times);
                async {}
            });
            scheduler.add(job.jitter(ms(50), Random::seeded(seed))).unwrap();
            scheduler.start().unwrap();
            sleep(ms(5_060)).await;
            scheduler.shutdown(true).await;
            times.take()
        })
    };
    let times = runs(1);
    assert_eq!((times.len(), &times), (50, &runs(1)));
    assert_ne!(times, runs(2));
    let delays: Vec<_> = (1..).zip(&times).map(|(n, at)| *at - n * ms(100)).collect();
    assert!(delays.iter().all(|delay| *delay <= ms(50)), "{delays:?}");
    assert!(
        delays.iter().any(|delay| *delay < ms(10)) && delays.iter().any(|delay| *delay > ms(40))
    );
}

#[test]
fn jitter_beyond_the_period_leaves_no_run_out() {
    run(async {
        let scheduler = scheduler();
        let runs = Rc::new(Cell::new(0));
        let count = Rc::clone(&runs);
        scheduler.add_listener(move |_| count.set(count.get() + 1));
        let job = takes(each(10).ending(wall(500)), 0);
        scheduler.add(job.jitter(ms(45), Random::seeded(1))).unwrap();
        scheduler.start().unwrap();
        sleep(ms(600)).await;
        scheduler.shutdown(true).await;
        assert_eq!(runs.get(), 50);
    });
}

proptest! {
    /// Whatever is added, the runs begin in order of their times, and of addition where these are equal.
    #[test]
    fn runs_begin_in_order_of_time_and_addition(
        jobs in proptest::collection::vec((1..20u64, 0..20u64), 1..8)
    ) {
        let count = jobs.len();
        let mut expected = Vec::new();
        for (n, (period, start)) in jobs.iter().enumerate() {
            let times = (0..).map(|k| start + k * period).take_while(|at| *at <= 50);
            expected.extend(times.map(|at| (at, n)));
        }
        expected.sort_unstable();
        let begun = run(async move {
            let scheduler = scheduler();
            let begun = Rc::new(Cell::new(Vec::new()));
            for (n, (period, start)) in jobs.into_iter().enumerate() {
                let note = Rc::clone(&begun);
                let job = Job::new(each(period).starting(wall(start)), move || {
                    let mut begun = note.take();
                    begun.push((time().as_millis() as u64, n));
                    note.set(begun);
                    async {}
                });
                scheduler.add(job).unwrap();
            }
            assert_eq!(scheduler.jobs().len(), count);
            scheduler.start().unwrap();
            sleep(ms(50) + Duration::from_nanos(1)).await;
            scheduler.shutdown(true).await;
            begun.take()
        });
        prop_assert_eq!(begun, expected);
    }

    /// An interval's next time is on its beat, after the time asked for, and the first such.
    #[test]
    fn an_interval_keeps_its_beat(period in 1..1_000u64, start in 0..10_000u64, after in 0..20_000u64) {
        let next = since_origin(each(period).starting(wall(start)).next_after(wall(after)).unwrap());
        let (period, start, after) = (u128::from(period), u128::from(start), u128::from(after));
        prop_assert!(next > after && (next - start) % period == 0);
        prop_assert!(next == start || next - period <= after);
    }
}
