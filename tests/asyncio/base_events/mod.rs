//! `test_base_events.py`: here callbacks and timers, in the folder's other files what goes to the
//! exception handler, how a loop is run, its pool of threads, and the network.

#[cfg(target_os = "linux")]
mod datagrams;
mod exceptions;
#[cfg(target_os = "linux")]
mod network;
mod pool;
mod running;

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use wheelhouse::{EventLoop, call_at, stop};

use crate::common::{Trace, ms, virtual_loop};
use crate::reports_slow;

#[test]
fn add_callback_handle() {
    let event_loop = virtual_loop();
    event_loop.call_soon(|| ());
    assert_eq!((event_loop.census().callbacks, event_loop.census().timers), (1, 0));
    assert!(!event_loop.is_idle());
}

#[test]
fn add_callback_cancelled_handle() {
    let mut event_loop = virtual_loop();
    assert!(event_loop.call_soon(|| unreachable!("it was taken back")).cancel());
    assert_eq!((event_loop.census().callbacks, event_loop.census().timers), (0, 0));
    let _ = event_loop.run_once(Some(ms(0))).unwrap();
    assert!(event_loop.is_idle());
}

#[test]
fn call_soon() {
    let mut event_loop = virtual_loop();
    let called = Rc::new(Cell::new(false));
    let note = Rc::clone(&called);
    let handle = event_loop.call_soon(move || note.set(true));
    assert_eq!((handle.when(), handle.is_done()), (None, false));
    assert!(!event_loop.is_idle());
    let _ = event_loop.run_once(None).unwrap();
    assert!(called.get() && handle.is_done());
}

#[test]
fn call_later() {
    let event_loop = virtual_loop();
    event_loop.advance(ms(5));
    let handle = event_loop.call_later(ms(10_000), || ());
    assert_eq!(handle.when(), Some(ms(10_005)));
    assert_eq!((event_loop.census().timers, event_loop.is_idle()), (1, true));
    assert_eq!(event_loop.next_deadline(), Some(ms(10_005)));
}

#[test]
fn call_later_negative_delays() {
    let trace = Trace::default();
    let (a, b) = (trace.clone(), trace.clone());
    let mut event_loop = virtual_loop();
    event_loop.advance(ms(5000));
    let main = async move {
        // A delay cannot be negative, but a time can have passed.
        call_at(ms(4000), move || a.note("a"));
        call_at(ms(3000), move || b.note("b"));
        crate::common::turns(2).await;
    };
    event_loop.run_until_complete(main).unwrap();
    trace.expect(&["b", "a"]);
}

#[test]
fn time_and_call_at() {
    let mut event_loop = EventLoop::new().unwrap();
    let delay = ms(100);
    let before = event_loop.time();
    let main = async move {
        call_at(before + delay, stop);
    };
    event_loop.run_until_complete(main).unwrap();
    event_loop.run_forever().unwrap();
    assert!(event_loop.time() - before >= delay);
}

/// Compiles only where exactly one of the two ways to say `check` fits: for a type that is not `Send`.
trait NotSend<Way> {
    fn check(_: PhantomData<Self>) {}
}

struct IfSend;

impl<T> NotSend<()> for T {}
impl<T: Send> NotSend<IfSend> for T {}

#[test]
fn check_thread() {
    // asyncio checks at run time, in debug mode; here the loop cannot be named on another thread.
    NotSend::check(PhantomData::<EventLoop>);
    NotSend::check(PhantomData::<wheelhouse::CallHandle>);
    NotSend::check(PhantomData::<wheelhouse::TaskHandle>);

    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (sender, answers) = mpsc::channel();
    let call_from_elsewhere = || {
        let calls: [fn(); 3] = [
            || drop(wheelhouse::call_soon(|| ())),
            || drop(wheelhouse::call_later(ms(60_000), || ())),
            || drop(call_at(ms(60_000), || ())),
        ];
        calls.map(|call| thread::spawn(call).join().is_err())
    };
    let other = thread::spawn(move || {
        sender.send(call_from_elsewhere()).unwrap();
        // With a loop of its own a thread reaches that one, not the other.
        let mut own = virtual_loop();
        own.run_until_complete(async { drop(wheelhouse::call_soon(|| ())) }).unwrap();
        sender.send([own.census().callbacks == 0; 3]).unwrap();
        handle.stop().unwrap();
    });
    event_loop.run_forever().unwrap();
    other.join().unwrap();
    assert_eq!(answers.iter().collect::<Vec<_>>(), [[true; 3]; 2]);
    assert_eq!((event_loop.census().callbacks, event_loop.census().timers), (0, 0));
}

#[test]
fn run_once_drops_a_cancelled_timer_first() {
    let mut event_loop = virtual_loop();
    let first = event_loop.call_later(ms(5000), || ());
    let second = event_loop.call_later(ms(10_000), || ());
    first.cancel();
    let turn = event_loop.run_once(Some(ms(0))).unwrap();
    assert_eq!(turn.next_deadline, second.when());
    assert_eq!(event_loop.census().timers, 1);
    // It waits for the second.
    let _ = event_loop.run_once(None).unwrap();
    assert_eq!(event_loop.time(), ms(10_000));
}

#[test]
fn set_debug() {
    let builder = EventLoop::builder();
    assert!(reports_slow(&mut builder.clone().slow_callback_duration(ms(0)).build().unwrap()));
    assert!(!reports_slow(&mut builder.build().unwrap()));
}

#[test]
fn run_once_schedule_handle() {
    let mut event_loop = virtual_loop();
    event_loop.advance(ms(1000));
    let processed = Rc::new(RefCell::new(None));
    let note = Rc::clone(&processed);
    let schedule = move || drop(note.replace(Some(wheelhouse::call_soon(|| ()))));
    event_loop.call_later(ms(0), schedule);
    let turn = event_loop.run_once(Some(ms(0))).unwrap();
    let handle = processed.take().expect("the callback ran");
    assert!(!turn.idle && !handle.is_done());
    let turn = event_loop.run_once(Some(ms(0))).unwrap();
    assert!(turn.idle && handle.is_done());
}

#[test]
fn run_once_cancelled_event_cleanup() {
    let event_loop = virtual_loop();
    let nothing = || ();
    event_loop.call_later(ms(3_000_000), nothing);
    let after = |seconds| event_loop.call_later(Duration::from_secs(seconds), nothing);
    // asyncio leaves these in its heap until they reach its top, or are the half of more than a hundred.
    for seconds in [3600, 3600, 100, 100] {
        after(seconds).cancel();
        assert_eq!(event_loop.census().timers, 1);
    }
    (0..50).for_each(|_| drop(after(3600)));
    (0..51).for_each(|_| assert!(after(3600).cancel()));
    assert_eq!((event_loop.census().timers, event_loop.census().callbacks), (51, 51));
}
