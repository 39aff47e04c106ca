//! Callbacks for signals. Each test has a signal of its own: those of a process reach every loop in it.

use std::cell::Cell;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use signal_hook::low_level;
use wheelhouse::signal::{self, Signal, SignalError, remove_signal_handler};
use wheelhouse::{EventLoop, call_later, stop, yield_now};

use super::alone::alone;

/// On this thread, so that it has come when this returns.
fn raise(signal: Signal) {
    low_level::raise(signal.as_raw()).unwrap();
}

#[test]
fn add_signal_handler() {
    let ended = alone("events::signals::add_signal_handler", || {
        let mut event_loop = EventLoop::new().unwrap();
        event_loop.run_until_complete(add_and_remove()).unwrap();
        // With the handler gone, the signal does what it does by default.
        raise(Signal::INT);
    });
    let (out, err) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert_eq!(ended.status.signal(), Some(Signal::INT.as_raw()), "{out}{err}");
}

async fn add_and_remove() {
    for number in [66, 0, -1] {
        let unknown = signal::add_signal_handler(Signal::from_raw(number), || ()).unwrap_err();
        assert!(matches!(unknown, SignalError::Unknown(_)), "{unknown}");
        assert!(!remove_signal_handler(Signal::from_raw(number)));
    }
    let forbidden = signal::add_signal_handler(Signal::KILL, || ()).unwrap_err();
    assert!(matches!(forbidden, SignalError::Forbidden(Signal::KILL)), "{forbidden}");
    assert!(!remove_signal_handler(Signal::KILL));
    let caught = Rc::new(Cell::new(0));
    let count = Rc::clone(&caught);
    signal::add_signal_handler(Signal::INT, move || count.set(count.get() + 1)).unwrap();
    raise(Signal::INT);
    while caught.get() == 0 {
        yield_now().await;
    }
    assert!(remove_signal_handler(Signal::INT));
    assert!(!remove_signal_handler(Signal::INT));
    assert_eq!(caught.get(), 1);
}

/// Sends the signal as soon as this thread sleeps, waiting on the operating system; at once, where that does
/// not tell who sleeps.
fn raise_while_waiting(signal: Signal) {
    let me = fs::read_link("/proc/thread-self").unwrap_or_default();
    let stat = Path::new("/proc").join(me).join("stat");
    thread::spawn(move || {
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") S ")) {
            thread::yield_now();
        }
        raise(signal);
    });
}

/// What a handler of the signal, which stops the loop, has counted when the loop has stopped.
fn count_until_stopped(signal: Signal, handler: impl Fn() + 'static) -> u32 {
    let mut event_loop = EventLoop::new().unwrap();
    let caught = Rc::new(Cell::new(0));
    let count = Rc::clone(&caught);
    event_loop.call_soon(move || {
        let handler = move || {
            count.set(count.get() + 1);
            handler();
            stop();
        };
        signal::add_signal_handler(signal, handler).unwrap();
        call_later(Duration::from_secs(60), stop);
        raise_while_waiting(signal);
    });
    event_loop.run_forever().unwrap();
    caught.get()
}

#[test]
fn signal_handling_while_selecting() {
    assert_eq!(count_until_stopped(Signal::ALRM, || ()), 1);
}

#[test]
fn signal_handling_args() {
    let (some_args, given) = ((42,), Rc::new(Cell::new(None)));
    let arrived = Rc::clone(&given);
    let handler = move || arrived.set(Some(some_args));
    assert_eq!(count_until_stopped(Signal::USR2, handler), 1);
    assert_eq!(given.get(), Some((42,)));
}
