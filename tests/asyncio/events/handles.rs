//! Handles of callbacks and of timers.

use wheelhouse::stop;

use crate::common::{Trace, ms, virtual_loop};
use crate::listen;

#[test]
fn handle() {
    let trace = Trace::default();
    let held = trace.on_drop("dropped");
    let event_loop = virtual_loop();
    let handle = event_loop.call_soon(move || drop(held));
    assert!(!handle.is_done());
    assert!(handle.cancel());
    assert!(handle.is_done());
    trace.expect(&["dropped"]);
    assert!(!handle.cancel(), "only once");
}

#[test]
fn callback_with_exception() {
    let mut event_loop = virtual_loop();
    let reports = listen(&event_loop);
    let line = line!() + 1;
    event_loop.call_soon(|| panic!("value error"));
    event_loop.call_soon(stop);
    event_loop.run_forever().unwrap();
    let place = format!("tests/asyncio/events/handles.rs:{line}:16");
    let report = format!("a callback panicked: value error (asked for at {place})");
    assert_eq!(*reports.borrow(), [report]);
}

#[test]
fn when() {
    let event_loop = virtual_loop();
    event_loop.advance(ms(3));
    assert_eq!(event_loop.call_later(ms(7), || ()).when(), Some(ms(10)));
}

#[test]
fn timer() {
    let trace = Trace::default();
    let held = trace.on_drop("dropped");
    let event_loop = virtual_loop();
    let handle = event_loop.call_later(ms(7), move || drop(held));
    assert!(!handle.is_done());
    assert!(handle.cancel());
    assert!(handle.is_done());
    trace.expect(&["dropped"]);
    assert_eq!((handle.when(), event_loop.next_deadline()), (Some(ms(7)), None));
}

#[test]
fn timer_comparison() {
    let event_loop = virtual_loop();
    let [first, same, later] = [10, 10, 20].map(|n| event_loop.call_later(ms(n), || ()));
    // What asyncio compares of two timers is when they are due.
    assert_eq!(first.when(), same.when());
    assert!(first.when() < later.when() && later.when() > same.when());
    // They are two nevertheless, and taking one back leaves the other.
    assert!(same.cancel());
    assert!(same.is_done() && !first.is_done());
    assert_eq!(event_loop.next_deadline(), first.when());
}
