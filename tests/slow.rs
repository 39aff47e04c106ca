//! Steps and callbacks that take long, in a loop that was told to report them.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use common::{ms, virtual_loop};
use wheelhouse::{EventLoop, Task, call_later, call_soon, sleep, time};

/// A loop that reports what takes so long to a list; its own time is virtual.
fn timed_loop(limit: Duration) -> (EventLoop, Rc<RefCell<Vec<String>>>) {
    let builder = EventLoop::builder().virtual_clock();
    let event_loop = builder.slow_callback_duration(limit).build().unwrap();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    event_loop.set_exception_handler(move |context| list.borrow_mut().push(context.to_string()));
    (event_loop, reports)
}

/// Takes longer than any limit here but an hour.
fn be_slow() {
    thread::sleep(ms(3));
}

#[test]
fn each_says_what_it_was_and_where_it_came_from() {
    let (mut event_loop, reports) = timed_loop(ms(3));
    let line = line!() + 3;
    event_loop
        .run_until_complete(async {
            let slow = Task::builder().name("slow").spawn(async { be_slow() });
            slow.add_done_callback(|_| be_slow());
            slow.await.unwrap();
            call_soon(be_slow);
            call_later(ms(1), be_slow);
            sleep(ms(2)).await;
        })
        .unwrap();
    let expected = [
        ("a step of task `slow` took ", "spawned", 0),
        ("a done callback of task `slow` took ", "", 0),
        ("a callback took ", "asked for", 3),
        ("a callback took ", "asked for", 4),
    ];
    // A machine that is busy may report more.
    let mut reports = reports.take().into_iter();
    for (what, origin, below) in expected {
        let place = format!("({origin} at tests/slow.rs:{}:", line + below);
        let fits = |report: &String| {
            report.starts_with(what) && (origin.is_empty() || report.contains(&place))
        };
        assert!(reports.any(|report| fits(&report)), "{what} {place}");
    }
}

#[test]
fn what_is_quick_is_not_reported_and_neither_is_time_that_jumps() {
    let (mut event_loop, reports) = timed_loop(Duration::from_secs(3600));
    event_loop
        .run_until_complete(async {
            call_soon(be_slow).cancel();
            call_soon(|| ());
            sleep(Duration::from_secs(7200)).await;
            assert_eq!(time(), Duration::from_secs(7200));
        })
        .unwrap();
    assert_eq!(*reports.borrow(), [""; 0]);
}

#[test]
fn a_loop_that_was_not_told_reports_nothing() {
    let mut event_loop = virtual_loop();
    event_loop.set_exception_handler(|context| panic!("{context}"));
    event_loop.run_until_complete(async { be_slow() }).unwrap();
}

#[test]
fn a_step_that_panics_is_timed_as_well() {
    let (mut event_loop, reports) = timed_loop(Duration::ZERO);
    let task = event_loop.spawn(async { panic!("boom") as () });
    assert!(event_loop.run_until_complete(task).unwrap().is_err());
    assert!(reports.borrow()[0].starts_with("a step of task `Task-1` took "), "{reports:?}");
}
