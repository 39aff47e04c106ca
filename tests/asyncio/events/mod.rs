//! `test_events.py`: here the loop itself, in the folder's other files its handles, and what comes from
//! the operating system.

#[cfg(unix)]
mod addresses;
#[cfg(unix)]
pub(crate) mod alone;
#[cfg(unix)]
mod descriptors;
mod handles;
#[cfg(unix)]
mod network;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod subprocess;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use wheelhouse::{EventLoop, RunError, current_task, sleep, stop, yield_now};

use crate::common::{Trace, ms, virtual_loop};

#[test]
fn run_until_complete_nesting() {
    let mut event_loop = EventLoop::new().unwrap();
    let outer = async {
        assert!(current_task().is_some(), "a loop runs");
        EventLoop::new().unwrap().run_until_complete(yield_now())
    };
    let refused = event_loop.run_until_complete(outer).unwrap().unwrap_err();
    assert!(matches!(refused, RunError::AlreadyRunning { .. }), "{refused}");
}

#[test]
fn run_until_complete() {
    let mut event_loop = EventLoop::new().unwrap();
    let before = event_loop.time();
    event_loop.run_until_complete(sleep(ms(100))).unwrap();
    assert!(event_loop.time() - before >= ms(100));
}

#[test]
fn run_until_complete_stopped() {
    let main = async {
        stop();
        sleep(ms(100)).await;
    };
    let ended = EventLoop::new().unwrap().run_until_complete(main);
    assert!(matches!(ended, Err(RunError::Stopped)), "{ended:?}");
}

#[test]
fn call_later() {
    let trace = Trace::default();
    let t = trace.clone();
    let mut event_loop = virtual_loop();
    event_loop.call_later(ms(100), move || {
        t.at("hello world");
        stop();
    });
    event_loop.run_forever().unwrap();
    trace.expect(&["100 hello world"]);
}

#[test]
fn call_soon() {
    let trace = Trace::default();
    let (t, arguments) = (trace.clone(), ("hello", "world"));
    let mut event_loop = virtual_loop();
    event_loop.call_soon(move || {
        t.note(format_args!("{arguments:?}"));
        stop();
    });
    event_loop.run_forever().unwrap();
    trace.expect(&["(\"hello\", \"world\")"]);
}

/// Sends a word, and stops the loop that is at its second.
fn say(word: &'static str, results: &mpsc::Sender<&'static str>) -> impl FnOnce() + Send + 'static {
    let results = results.clone();
    move || {
        results.send(word).unwrap();
        if word == "world" {
            stop();
        }
    }
}

#[test]
fn call_soon_threadsafe() {
    let mut event_loop = EventLoop::new().unwrap();
    let (sender, results) = mpsc::channel();
    let (handle, hello) = (event_loop.handle(), say("hello", &sender));
    let thread = thread::spawn(move || handle.call_soon_threadsafe(hello).unwrap());
    thread.join().unwrap();
    // It came first, but a loop reads its mail only when it turns.
    let first = event_loop.run_once(None).unwrap();
    assert_eq!(first.handles, 1);
    event_loop.call_soon(say("world", &sender));
    event_loop.run_forever().unwrap();
    assert_eq!(results.try_iter().collect::<Vec<_>>(), ["hello", "world"]);
}

#[test]
fn call_soon_threadsafe_same_thread() {
    let mut event_loop = EventLoop::new().unwrap();
    let (sender, results) = mpsc::channel();
    let handle = event_loop.handle();
    handle.call_soon_threadsafe(say("hello", &sender)).unwrap();
    handle.call_soon_threadsafe(say("world", &sender)).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(results.try_iter().collect::<Vec<_>>(), ["hello", "world"]);
}

#[test]
fn timeout_rounding() {
    let mut event_loop = EventLoop::new().unwrap();
    let wait = async {
        // A nanosecond is the shortest time there is: 1e-10 s is none at all.
        for nanos in [10_000_000, 100_000, 1000, 10, 0] {
            sleep(Duration::from_nanos(nanos)).await;
        }
    };
    let task = event_loop.spawn(wait);
    let mut turns = 0;
    while !task.is_done() {
        let _ = event_loop.run_once(None).unwrap();
        turns += 1;
    }
    assert!(turns <= 20, "{turns}");
}

#[test]
fn close() {
    let trace = Trace::default();
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let task = event_loop.spawn(async {});
    let callbacks = ["soon", "later"].map(|what| trace.on_drop(what));
    let [soon, later] = callbacks;
    let soon = event_loop.call_soon(move || drop(soon));
    let later = event_loop.call_later(ms(1000), move || drop(later));
    drop(event_loop);
    // Nothing of it is left, and nothing new is accepted.
    trace.expect(&["soon", "later"]);
    assert!(soon.is_done() && later.is_done() && task.is_done());
    assert!(handle.call_soon_threadsafe(|| ()).is_err());
    assert!(handle.spawn_threadsafe(|| async {}).is_err());
    assert!(!soon.cancel() && !task.cancel());
    assert!(task.outcome().unwrap().is_err());
}
