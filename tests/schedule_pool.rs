//! Workers and their queue.

mod common;

use std::cell::Cell;
use std::rc::Rc;

use common::{Trace, is_cancelled, ms, run, turns};
use wheelhouse::schedule::{JobError, Shutdown, SubmitError, Ticket, WorkerPool};
use wheelhouse::{catch_cancel, sleep, spawn, time, timeout};

/// Work that takes so long, and notes what becomes of it.
async fn work(trace: Trace, name: &'static str, takes: u64) -> &'static str {
    trace.at(format_args!("{name} begins"));
    let _gone = trace.on_drop(name);
    sleep(ms(takes)).await;
    trace.at(format_args!("{name} ends"));
    name
}

/// A pool of one worker, which does `a` for 10 ms while `b` waits.
async fn one_under_way_one_waits(
    trace: &Trace,
) -> (WorkerPool, Ticket<&'static str>, Ticket<&'static str>) {
    let pool = WorkerPool::new(1, 1);
    let a = pool.submit(work(trace.clone(), "a", 10)).await.unwrap();
    let b = pool.submit(work(trace.clone(), "b", 10)).await.unwrap();
    turns(3).await;
    assert_eq!((a.task().is_some(), b.task().is_some(), pool.queued()), (true, false, 1));
    (pool, a, b)
}

fn never_begun<T>(ended: &Result<T, JobError>) -> bool {
    matches!(ended, Err(JobError::NeverBegun))
}

fn cancelled<T>(ended: &Result<T, JobError>) -> bool {
    matches!(ended, Err(JobError::Ended(error)) if error.is_cancelled())
}

#[test]
fn so_many_work_at_a_time_and_who_submits_waits_for_room() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let pool = WorkerPool::new(2, 1);
        let mut tickets = Vec::new();
        for (name, takes) in [("a", 10), ("b", 25), ("c", 10), ("d", 10), ("e", 10)] {
            let ticket = pool.submit(work(t.clone(), name, takes)).await.unwrap();
            t.at(format_args!("{name} submitted"));
            tickets.push(ticket);
        }
        for ticket in tickets {
            ticket.await.unwrap();
        }
        pool.shutdown(Shutdown::Drain).await;
    });
    let lines = trace.take();
    let begins: Vec<_> = lines.iter().filter(|line| line.ends_with("begins")).collect();
    assert_eq!(begins, ["0 a begins", "0 b begins", "10 c begins", "20 d begins", "25 e begins"]);
    let waited: Vec<_> = lines.iter().filter(|line| line.ends_with("submitted")).collect();
    assert_eq!(
        waited,
        ["0 a submitted", "0 b submitted", "0 c submitted", "10 d submitted", "20 e submitted"]
    );
}

#[test]
fn without_room_work_can_be_refused() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (pool, ..) = one_under_way_one_waits(&t).await;
        let refused = pool.try_submit(async {}).unwrap_err();
        assert_eq!(refused, SubmitError::Full { room: 1 });
        assert_eq!(
            refused.to_string(),
            "the queue is full, with room for 1: wait for room with `submit`"
        );
        sleep(ms(15)).await;
        assert!(pool.try_submit(async { 7 }).unwrap().await.is_ok());
    });
}

#[test]
fn a_submission_that_is_cancelled_has_not_happened() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (pool, a, b) = one_under_way_one_waits(&t).await;
        assert!(timeout(ms(5), pool.submit(work(t.clone(), "c", 1))).await.is_err());
        assert_eq!((a.await.unwrap(), b.await.unwrap()), ("a", "b"));
        pool.shutdown(Shutdown::Drain).await;
    });
    trace.expect(&["0 a begins", "10 a ends", "a", "10 b begins", "20 b ends", "b"]);
}

#[test]
fn a_drain_does_all_that_was_submitted() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (pool, a, b) = one_under_way_one_waits(&t).await;
        pool.shutdown(Shutdown::Drain).await;
        t.at("shut down");
        assert_eq!((a.await.unwrap(), b.await.unwrap()), ("a", "b"));
        let closed = pool.submit(async {}).await.unwrap_err();
        assert_eq!((closed, pool.try_submit(async {}).unwrap_err()), (closed, SubmitError::Closed));
        pool.shutdown(Shutdown::Drain).await; // a second time changes nothing
    });
    trace.expect(&[
        "0 a begins",
        "10 a ends",
        "a",
        "10 b begins",
        "20 b ends",
        "b",
        "20 shut down",
    ]);
}

#[test]
fn a_finish_does_what_is_under_way_and_drops_the_rest() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (pool, a, b) = one_under_way_one_waits(&t).await;
        pool.shutdown(Shutdown::Finish).await;
        t.at("shut down");
        assert_eq!(a.await.unwrap(), "a");
        assert!(never_begun(&b.await));
    });
    trace.expect(&["0 a begins", "10 a ends", "a", "10 shut down"]);
}

#[test]
fn a_cancel_cancels_what_is_under_way_and_waits_for_its_clean_up() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let pool = WorkerPool::new(2, 0);
        let inner = t.clone();
        let careful = pool.try_submit(async move {
            if let Err(cancelled) = catch_cancel(sleep(ms(50))).await {
                sleep(ms(3)).await;
                inner.at("cleaned up");
                cancelled.resume().await;
            }
        });
        let stubborn = pool.try_submit(async { catch_cancel(sleep(ms(50))).await.is_err() });
        let waiting = pool.try_submit(async {});
        sleep(ms(5)).await;
        pool.shutdown(Shutdown::Cancel).await;
        t.at("shut down");
        assert!(cancelled(&careful.unwrap().await));
        assert!(stubborn.unwrap().await.unwrap(), "it suppressed the cancel");
        assert!(never_begun(&waiting.unwrap().await));
    });
    trace.expect(&["8 cleaned up", "8 shut down"]);
}

#[test]
fn a_shutdown_whose_waiter_is_cancelled_goes_on_and_can_be_waited_for_again() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (pool, _a, _b) = one_under_way_one_waits(&t).await;
        assert!(timeout(ms(3), pool.shutdown(Shutdown::Drain)).await.is_err());
        assert_eq!(pool.try_submit(async {}).unwrap_err(), SubmitError::Closed);
        pool.shutdown(Shutdown::Drain).await;
        assert_eq!(time(), ms(20));
    });
}

#[test]
fn work_that_panics_or_is_cancelled_does_not_take_its_worker_with_it() {
    run(async {
        let pool = WorkerPool::new(1, 0);
        let panics = pool.try_submit(async { panic!("no luck") }).unwrap();
        let sleeps = pool.try_submit(sleep(ms(50))).unwrap();
        let works = pool.try_submit(async { time() }).unwrap();
        let Err(JobError::Ended(error)) = panics.await else { panic!("it must panic") };
        assert!(error.is_failure() && error.to_string().ends_with("panicked: no luck"));
        sleep(ms(5)).await;
        assert!(sleeps.cancel());
        assert!(cancelled(&sleeps.await));
        assert_eq!(works.await.unwrap(), ms(5));
        pool.shutdown(Shutdown::Drain).await;
    });
}

#[test]
fn work_that_is_cancelled_in_the_queue_is_never_begun() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (pool, a, b) = one_under_way_one_waits(&t).await;
        assert!(b.cancel());
        assert!(never_begun(&b.await));
        a.await.unwrap();
        pool.shutdown(Shutdown::Drain).await;
    });
    trace.expect(&["0 a begins", "10 a ends", "a"]);
}

#[test]
fn who_awaits_a_ticket_and_is_cancelled_cancels_the_work() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (pool, a, b) = one_under_way_one_waits(&t).await;
        for ticket in [b, a] {
            let waiter = spawn(async move { ticket.await.is_ok() });
            sleep(ms(1)).await;
            waiter.cancel();
            assert!(is_cancelled(waiter.await));
        }
        pool.shutdown(Shutdown::Drain).await;
        assert_eq!(time(), ms(2));
    });
    trace.expect(&["0 a begins", "a"]);
}

#[test]
fn work_whose_ticket_is_dropped_is_done_all_the_same_and_so_is_that_of_a_dropped_pool() {
    let done = Rc::new(Cell::new(0));
    let count = Rc::clone(&done);
    run(async move {
        let pool = WorkerPool::new(1, 0);
        for _ in 0..3 {
            let count = Rc::clone(&count);
            let work = async move {
                sleep(ms(10)).await;
                count.set(count.get() + 1);
            };
            pool.try_submit(work).unwrap().detach();
        }
        drop(pool);
        sleep(ms(31)).await;
    });
    assert_eq!(done.get(), 3);
}

#[test]
#[should_panic(expected = "no work would ever be done by 0 workers")]
fn a_pool_without_workers_is_refused() {
    run(async { drop(WorkerPool::new(0, 1)) });
}
