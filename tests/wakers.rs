//! Wakers: one is lent to every task that is polled, and becomes a task's own when somebody keeps it.

mod common;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use allocation_counter::measure;
use common::{Trace, virtual_loop};
use wheelhouse::{EventLoop, call_soon};

/// A place for a task to leave its waker.
type Left = Rc<RefCell<Option<Waker>>>;

/// Notes each poll as `name`, never ends, and leaves a clone of its first waker if there is a place for it.
fn ledger(
    trace: &Trace,
    name: &'static str,
    left: Option<Left>,
) -> impl Future<Output = ()> + 'static {
    let trace = trace.clone();
    poll_fn(move |cx| {
        trace.note(name);
        if let Some(left) = &left {
            left.borrow_mut().get_or_insert_with(|| cx.waker().clone());
        }
        Poll::Pending
    })
}

fn turns(event_loop: &mut EventLoop, turns: usize) {
    for _ in 0..turns {
        let _ = event_loop.run_once(Some(std::time::Duration::ZERO)).expect("the loop turns");
    }
}

fn wake_elsewhere(waker: Waker) {
    std::thread::spawn(move || waker.wake()).join().expect("a wake does not panic");
}

#[test]
fn a_waker_that_was_kept_wakes_the_task_that_kept_it_and_no_other() {
    let (mut event_loop, trace) = (virtual_loop(), Trace::default());
    let lefts: [Left; 3] = Default::default();
    let names = ["first", "second", "third"];
    for (name, left) in names.into_iter().zip(&lefts) {
        event_loop.spawn(ledger(&trace, name, Some(Rc::clone(left)))).detach();
        event_loop.spawn(ledger(&trace, "keeps none", None)).detach();
    }
    turns(&mut event_loop, 1);
    trace.take();
    for index in [1, 2, 0, 1] {
        lefts[index].borrow().as_ref().expect("it was left").wake_by_ref();
        turns(&mut event_loop, 2);
    }
    assert_eq!(trace.take(), ["second", "third", "first", "second"]);
}

#[test]
fn a_waker_goes_to_another_thread_and_finds_its_way_back() {
    let (mut event_loop, trace) = (virtual_loop(), Trace::default());
    let left = Left::default();
    event_loop.spawn(ledger(&trace, "kept", Some(Rc::clone(&left)))).detach();
    event_loop.spawn(ledger(&trace, "keeps none", None)).detach();
    turns(&mut event_loop, 1);
    trace.take();
    let waker = left.take().expect("it was left");
    wake_elsewhere(waker);
    turns(&mut event_loop, 2);
    assert_eq!(trace.take(), ["kept"]);
}

#[test]
fn a_wake_inside_the_loop_queues_the_step_at_once_whether_it_uses_up_the_waker_or_not() {
    let wakes: [fn(Waker); 2] = [Waker::wake, |waker| waker.wake_by_ref()];
    for wake in wakes {
        let (mut event_loop, trace) = (virtual_loop(), Trace::default());
        let left = Left::default();
        event_loop.spawn(ledger(&trace, "woken", Some(Rc::clone(&left)))).detach();
        turns(&mut event_loop, 1);
        trace.take();
        let t = trace.clone();
        event_loop.call_soon(move || {
            wake(left.take().expect("it was left"));
            call_soon(move || t.note("called after that"));
        });
        turns(&mut event_loop, 2);
        assert_eq!(trace.take(), ["woken", "called after that"]);
    }
}

/// A future that keeps a waker need not clone it anew in each poll.
#[test]
fn a_task_that_kept_its_waker_is_polled_with_it_again() {
    let mut event_loop = virtual_loop();
    let mut kept: Option<Waker> = None;
    event_loop.spawn(pending::<()>()).detach();
    let again = event_loop.run_until_complete(poll_fn(move |cx| match &kept {
        Some(kept) => Poll::Ready(kept.will_wake(cx.waker())),
        None => {
            kept.insert(cx.waker().clone()).wake_by_ref();
            Poll::Pending
        }
    }));
    assert!(again.expect("it ends"), "it is the same waker");
}

/// The clone is gone when the poll is over, so the waker is lent on; what it woke stays woken.
#[test]
fn a_waker_that_is_cloned_and_used_up_within_the_poll_is_nobodys() {
    let (mut event_loop, trace) = (virtual_loop(), Trace::default());
    let noted = trace.clone();
    let wakes = Cell::new(0);
    event_loop
        .spawn(poll_fn(move |cx| {
            noted.note("woken");
            wakes.set(wakes.get() + 1);
            match wakes.get() {
                1 => {
                    let clone = cx.waker().clone();
                    clone.wake_by_ref();
                }
                2 => wake_elsewhere(cx.waker().clone()),
                _ => {}
            }
            Poll::<()>::Pending
        }))
        .detach();
    event_loop.spawn(ledger(&trace, "other", None)).detach();
    turns(&mut event_loop, 6);
    assert_eq!(trace.take(), ["woken", "other", "woken", "woken"]);
}

/// Its slot goes to another task, and with it the waker: that task bears one poll too many.
#[test]
fn a_waker_that_outlives_its_task_causes_a_poll_too_many_at_most() {
    let (mut event_loop, trace) = (virtual_loop(), Trace::default());
    let left = Left::default();
    let leaves = Rc::clone(&left);
    event_loop
        .spawn(poll_fn(move |cx| {
            *leaves.borrow_mut() = Some(cx.waker().clone());
            Poll::Ready(())
        }))
        .detach();
    turns(&mut event_loop, 1);
    event_loop.spawn(ledger(&trace, "next in the slot", None)).detach();
    event_loop.spawn(ledger(&trace, "another", None)).detach();
    turns(&mut event_loop, 1);
    left.take().expect("it was left").wake();
    turns(&mut event_loop, 2);
    assert_eq!(trace.take(), ["next in the slot", "another", "next in the slot"]);
}

#[test]
fn a_waker_that_outlives_its_loop_wakes_nobody() {
    let (mut event_loop, trace) = (virtual_loop(), Trace::default());
    let left = Left::default();
    event_loop.spawn(ledger(&trace, "task", Some(Rc::clone(&left)))).detach();
    turns(&mut event_loop, 1);
    drop(event_loop);
    left.take().expect("it was left").wake();
    assert_eq!(trace.take(), ["task"]);
}

/// A task is one allocation, its cell, unless it keeps its waker: that is the second.
#[test]
fn only_a_task_that_keeps_its_waker_has_one_of_its_own() {
    const TASKS: usize = 100;
    let allocations = |keep: bool| {
        let mut event_loop = virtual_loop();
        // So many tasks were there before, and none kept its waker.
        let before = (0..TASKS).map(|_| event_loop.spawn(pending::<()>())).collect::<Vec<_>>();
        turns(&mut event_loop, 1);
        before.iter().for_each(|task| assert!(task.abort(), "it lives"));
        turns(&mut event_loop, 1);
        drop(before);
        let kept = Rc::new(RefCell::new(Vec::with_capacity(TASKS)));
        let spawn_all = || {
            for _ in 0..TASKS {
                let kept = Rc::clone(&kept);
                let park = poll_fn(move |cx| {
                    kept.borrow_mut().extend(keep.then(|| cx.waker().clone()));
                    Poll::<()>::Pending
                });
                event_loop.spawn(park).detach();
            }
            turns(&mut event_loop, 1);
        };
        usize::try_from(measure(spawn_all).count_total).expect("it fits")
    };
    assert_eq!(allocations(false), TASKS);
    let with_wakers = allocations(true);
    // The table of those that were kept grows a few times, too.
    assert!((2 * TASKS..2 * TASKS + 10).contains(&with_wakers), "{with_wakers} allocations");
}
