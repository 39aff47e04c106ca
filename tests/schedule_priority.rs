//! High before low, so many at a time.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::{Trace, ms, run};
use proptest::prelude::*;
use wheelhouse::schedule::Priority::{self, High, Low, Normal};
use wheelhouse::schedule::{JobError, PriorityScheduler, Shutdown, SubmitError};
use wheelhouse::{sleep, time};

#[test]
fn high_is_done_before_normal_before_low_and_equals_in_order() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = PriorityScheduler::new(1);
        for (priority, name) in
            [(Low, "l1"), (Normal, "n1"), (High, "h1"), (Low, "l2"), (High, "h2"), (Normal, "n2")]
        {
            let t = t.clone();
            scheduler.spawn(priority, async move { t.note(name) }).unwrap().detach();
        }
        assert_eq!(scheduler.queued(), 6);
        scheduler.shutdown(Shutdown::Drain).await;
    });
    trace.expect(&["h1", "h2", "n1", "n2", "l1", "l2"]);
    assert_eq!(Priority::default(), Normal);
}

#[test]
fn work_may_be_added_while_it_runs_and_nothing_that_has_begun_is_interrupted() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = Rc::new(PriorityScheduler::new(1));
        let add = {
            let (scheduler, t) = (Rc::clone(&scheduler), t.clone());
            move |priority, name: &'static str| {
                let t = t.clone();
                let work = async move {
                    sleep(ms(10)).await;
                    t.at(name);
                };
                scheduler.spawn(priority, work).unwrap().detach();
            }
        };
        add(Low, "l1");
        add(Low, "l2");
        sleep(ms(5)).await;
        add(High, "h1"); // l1 is under way
        sleep(ms(10)).await;
        add(Normal, "n1"); // h1 is under way
        scheduler.shutdown(Shutdown::Drain).await;
    });
    trace.expect(&["10 l1", "20 h1", "30 n1", "40 l2"]);
}

#[test]
fn a_stop_finishes_what_is_under_way_and_drops_the_rest() {
    run(async {
        let scheduler = PriorityScheduler::new(2);
        let tickets = [Low, Low, High].map(|priority| {
            let work = async {
                sleep(ms(10)).await;
                time()
            };
            scheduler.spawn(priority, work).unwrap()
        });
        sleep(ms(5)).await;
        scheduler.shutdown(Shutdown::Finish).await;
        let [done, dropped, urgent] = tickets;
        assert_eq!((done.await.unwrap(), urgent.await.unwrap()), (ms(10), ms(10)));
        assert!(matches!(dropped.await, Err(JobError::NeverBegun)));
        assert_eq!(scheduler.spawn(High, async {}).unwrap_err(), SubmitError::Closed);
    });
}

/// One low piece of work, then a high one every 10 ms, each of which takes that long. When is the low one done?
fn low_under_a_stream_of_high(scheduler: impl FnOnce() -> PriorityScheduler + 'static) -> u128 {
    run(async move {
        let scheduler = scheduler();
        scheduler.spawn(High, sleep(ms(10))).unwrap().detach();
        let low = scheduler.spawn(Low, async { time() }).unwrap();
        for _ in 0..20 {
            scheduler.spawn(High, sleep(ms(10))).unwrap().detach();
            sleep(ms(10)).await;
        }
        scheduler.shutdown(Shutdown::Drain).await;
        low.await.unwrap().as_millis()
    })
}

#[test]
fn without_ageing_low_waits_for_as_long_as_there_is_high() {
    assert_eq!(low_under_a_stream_of_high(|| PriorityScheduler::new(1)), 210);
}

#[test]
fn with_ageing_low_gets_its_turn() {
    // It counts as high once it has waited for two steps; those that are older still go first.
    assert_eq!(low_under_a_stream_of_high(|| PriorityScheduler::new(1).ageing(ms(30))), 70);
}

proptest! {
    /// With everything there from the beginning, the order is that of a stable sort; never do more run than may.
    #[test]
    fn the_order_is_that_of_a_stable_sort(
        classes in proptest::collection::vec(0..3usize, 1..30), limit in 1..4usize
    ) {
        let priorities: Vec<_> = classes.iter().map(|class| [High, Normal, Low][*class]).collect();
        let mut expected: Vec<_> = (0..priorities.len()).collect();
        expected.sort_by_key(|n| priorities[*n]);
        let (begun, most) = run(async move {
            let begun = Rc::new(RefCell::new(Vec::new()));
            let (running, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let scheduler = PriorityScheduler::new(limit);
            for (n, priority) in priorities.into_iter().enumerate() {
                let (begun, running, most) = (Rc::clone(&begun), Rc::clone(&running), Rc::clone(&most));
                let work = async move {
                    begun.borrow_mut().push(n);
                    running.set(running.get() + 1);
                    most.set(most.get().max(running.get()));
                    sleep(ms(1)).await;
                    running.set(running.get() - 1);
                };
                scheduler.spawn(priority, work).unwrap().detach();
            }
            scheduler.shutdown(Shutdown::Drain).await;
            (begun.take(), most.get())
        });
        prop_assert_eq!(most, limit.min(expected.len()));
        prop_assert_eq!(begun, expected);
    }

    /// With ageing, who is begun before whom follows from when they came, and the head start of their class.
    #[test]
    fn ageing_orders_by_arrival_and_head_start(
        comers in proptest::collection::vec((0..40u64, 0..3u64), 1..20), step in 0..30u64
    ) {
        let begun = run(async move {
            let begun = Rc::new(RefCell::new(Vec::new()));
            let scheduler = PriorityScheduler::new(1).ageing(ms(step));
            // Nothing is begun before all have come.
            scheduler.spawn(High, sleep(ms(100))).unwrap().detach();
            let mut sorted: Vec<_> = comers.into_iter().enumerate().collect();
            sorted.sort_by_key(|(n, (at, _))| (*at, *n));
            sleep(ms(1)).await;
            for (order, (_, (at, class))) in sorted.into_iter().enumerate() {
                sleep(ms(at + 1).saturating_sub(time())).await;
                let note = Rc::clone(&begun);
                let priority = [High, Normal, Low][class as usize];
                let work = async move { note.borrow_mut().push((at + class * step, order)) };
                scheduler.spawn(priority, work).unwrap().detach();
            }
            scheduler.shutdown(Shutdown::Drain).await;
            begun.take()
        });
        prop_assert!(begun.is_sorted(), "{begun:?}");
    }
}
