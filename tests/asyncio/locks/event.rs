//! `EventTests`.

use wheelhouse::sync::Event;
use wheelhouse::{spawn, yield_now};

use crate::common::{Trace, fixed, run};
use crate::{cancel_soon, is_cancelled, says};

#[test]
fn wait() {
    run(async {
        let (event, trace) = (fixed(Event::new()), fixed(Trace::default()));
        let wait = |name: &'static str| {
            spawn(async move {
                event.wait().await;
                trace.note(name);
            })
        };
        let (t1, t2) = (wait("1"), wait("2"));
        yield_now().await;
        trace.expect(&[]);
        let t3 = wait("3");
        event.set();
        yield_now().await;
        trace.expect(&["3", "1", "2"]);
        assert!(t1.is_done() && t2.is_done() && t3.is_done());
    });
}

#[test]
fn wait_on_set() {
    let event = Event::new();
    event.set();
    run(async move { event.wait().await });
}

#[test]
fn wait_cancel() {
    run(async {
        let event = fixed(Event::new());
        let wait = spawn(event.wait());
        cancel_soon(&wait);
        assert!(is_cancelled(wait).await);
        assert!(says(event, "waiters: 0"));
    });
}

#[test]
fn clear() {
    let event = Event::new();
    assert!(!event.is_set());
    event.set();
    assert!(event.is_set());
    event.clear();
    assert!(!event.is_set());
}

#[test]
fn clear_with_waiters() {
    run(async {
        let event = fixed(Event::new());
        let task = spawn(event.wait());
        yield_now().await;
        event.set();
        event.clear();
        assert!(!event.is_set());
        event.set();
        event.set();
        assert!(!task.is_done());
        yield_now().await;
        assert!(task.is_done());
        assert!(says(event, "waiters: 0"));
    });
}
