//! A host that has a loop of its own drives ours: turn by turn, told when there is work and when to come back.

mod common;

use std::cell::{Cell, RefCell};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use common::{Trace, forever, ms, turns, virtual_loop};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wheelhouse::{
    EventLoop, RunError, call_later, call_soon, promise, sleep, spawn, stop, time, yield_now,
};

/// One turn that must not wait.
fn turn(event_loop: &mut EventLoop) -> wheelhouse::Turn {
    event_loop.run_once(Some(Duration::ZERO)).unwrap()
}

#[test]
fn a_turn_reports_what_it_did() {
    let mut event_loop = virtual_loop();
    let quick = event_loop.spawn(async {});
    let slow = event_loop.spawn(sleep(ms(5)));
    event_loop.call_soon(|| ());
    let first = turn(&mut event_loop);
    assert_eq!((first.handles, first.steps, first.finished, first.expired), (3, 2, 1, 0));
    assert_eq!((first.next_deadline, first.idle, first.stopped), (Some(ms(5)), true, false));
    assert!(quick.is_done());

    event_loop.advance(ms(5));
    let second = turn(&mut event_loop);
    // The timer's own handle ran; its sleeper is ready for the next turn.
    assert_eq!((second.handles, second.steps, second.expired), (1, 0, 1));
    assert_eq!((second.next_deadline, second.idle), (None, false));
    let third = turn(&mut event_loop);
    assert_eq!((third.handles, third.steps, third.finished, third.idle), (1, 1, 1, true));
    assert!(slow.is_done());
    let fourth = turn(&mut event_loop);
    assert_eq!((fourth.handles, fourth.steps, fourth.finished), (0, 0, 0));
}

#[test]
fn a_turn_says_when_the_loop_was_stopped() {
    let mut event_loop = virtual_loop();
    event_loop.call_soon(stop);
    assert!(turn(&mut event_loop).stopped);
}

#[test]
fn a_host_that_advances_the_clock_by_hand_sees_timers_fire_in_order() {
    let trace = Trace::default();
    let mut event_loop = virtual_loop();
    for n in [30, 10, 20] {
        let t = trace.clone();
        event_loop.call_later(ms(n), move || t.at(n));
    }
    assert_eq!(event_loop.next_deadline(), Some(ms(10)));
    assert!(event_loop.advance(ms(9)));
    let _ = turn(&mut event_loop);
    trace.expect(&[]);
    event_loop.advance(ms(1));
    let _ = turn(&mut event_loop);
    trace.expect(&["10 10"]);
    // A frame that took too long: both are late, and in order.
    event_loop.advance(ms(100));
    let _ = turn(&mut event_loop);
    trace.expect(&["110 20", "110 30"]);
    assert_eq!((event_loop.next_deadline(), event_loop.is_idle()), (None, true));
}

#[test]
fn a_timer_that_a_host_made_due_fires_in_the_very_next_turn_whatever_else_is_ready() {
    let trace = Trace::default();
    let note = |what: &'static str| {
        let t = trace.clone();
        move || t.note(what)
    };
    let mut event_loop = virtual_loop();
    event_loop.call_later(ms(5), note("timer"));
    event_loop.call_soon(note("ready"));
    event_loop.advance(ms(5));
    // T1: timers that are due come behind what is ready, in the same turn.
    let _ = turn(&mut event_loop);
    trace.expect(&["ready", "timer"]);
}

#[test]
fn a_real_clock_cannot_be_advanced() {
    let event_loop = EventLoop::new().unwrap();
    assert!(!event_loop.advance(ms(5_000_000)));
    assert!(event_loop.time() < ms(5_000_000));
}

#[test]
fn a_turn_that_may_wait_jumps_to_the_next_timer_and_no_further_than_it_may() {
    let mut event_loop = virtual_loop();
    let task = event_loop.spawn(sleep(ms(50)));
    let _ = turn(&mut event_loop);
    let _ = event_loop.run_once(Some(ms(20))).unwrap();
    assert_eq!((event_loop.time(), task.is_done()), (ms(20), false));
    let _ = event_loop.run_once(Some(ms(500))).unwrap();
    assert_eq!(event_loop.time(), ms(50));
    let _ = event_loop.run_once(None).unwrap();
    assert!(task.is_done());
    assert!(matches!(event_loop.run_once(None), Err(RunError::Deadlock(_))));
}

#[test]
fn is_idle_tells_whether_a_turn_would_do_anything_now() {
    let mut event_loop = virtual_loop();
    assert!(event_loop.is_idle());
    let handle = event_loop.handle();
    handle.call_soon_threadsafe(|| ()).unwrap();
    assert!(!event_loop.is_idle());
    let _ = turn(&mut event_loop);
    assert!(event_loop.is_idle());
    let task = event_loop.spawn(sleep(ms(5)));
    assert!(!event_loop.is_idle());
    let _ = turn(&mut event_loop);
    // A timer is armed; nothing is ready.
    assert!(event_loop.is_idle() && !task.is_done());
}

#[test]
fn a_host_without_descriptors_is_called_when_there_is_work() {
    let mut event_loop = virtual_loop();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    event_loop.on_wake(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let handle = event_loop.handle();
    let (promise, promised) = promise_in(&mut event_loop);
    let task = event_loop.spawn(async move { promised.await.unwrap() });
    while !turn(&mut event_loop).idle {}
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            handle.call_soon_threadsafe(|| ()).unwrap();
            handle.call_soon_threadsafe(|| ()).unwrap();
        });
    });
    // Once for any number of messages, until the loop has run.
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(turn(&mut event_loop).handles, 2);
    handle.call_soon_threadsafe(|| ()).unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    promise.set(7).unwrap();
    while !turn(&mut event_loop).idle {}
    assert!(task.is_done());
}

/// A promise made inside a loop that is not running.
fn promise_in(event_loop: &mut EventLoop) -> (wheelhouse::Promise<u8>, wheelhouse::Promised<u8>) {
    event_loop.run_until_complete(async { promise() }).unwrap()
}

#[test]
fn a_wake_that_comes_while_the_loop_turns_is_told_when_the_host_has_it_back() {
    let mut event_loop = virtual_loop();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    event_loop.on_wake(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let handle = event_loop.handle();
    event_loop.call_soon(move || {
        thread::spawn(move || handle.call_soon_threadsafe(|| ()).unwrap()).join().unwrap();
    });
    let _ = turn(&mut event_loop);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(!event_loop.is_idle());
    assert_eq!(turn(&mut event_loop).handles, 1);
}

fn is_readable(event_loop: &EventLoop, wait: Option<Timespec>) -> bool {
    let mut fds = [PollFd::new(event_loop, PollFlags::IN)];
    poll(&mut fds, wait.as_ref()).unwrap() == 1
}

const NOW: Option<Timespec> = Some(Timespec { tv_sec: 0, tv_nsec: 0 });

#[test]
fn the_loops_descriptor_is_readable_when_something_outside_has_given_it_work() {
    let mut event_loop = EventLoop::new().unwrap();
    assert!(!is_readable(&event_loop, NOW));
    let handle = event_loop.handle();
    let thread = thread::spawn(move || handle.call_soon_threadsafe(|| ()).unwrap());
    // The host waits for as long as it takes.
    assert!(is_readable(&event_loop, None));
    thread.join().unwrap();
    assert_eq!(turn(&mut event_loop).handles, 1);
    let _ = turn(&mut event_loop);
    assert!(!is_readable(&event_loop, NOW));
    let _ = event_loop.as_fd();
}

#[test]
fn a_host_loop_drives_ours_by_descriptor_and_deadline() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (sender, receiver) = mpsc::channel();
    let main = event_loop.spawn(async move {
        sleep(ms(1)).await;
        let (promise, promised) = promise::<u8>();
        let promise = Rc::new(promise);
        spawn(async move {
            yield_now().await;
            promise.set(7).unwrap();
        })
        .detach();
        let seven = promised.await.unwrap();
        let (from, to) = mpsc::channel();
        sender.send(from).unwrap();
        while to.try_recv().is_err() {
            // Another thread's callback will end this.
            sleep(ms(1)).await;
        }
        seven
    });
    let helper = thread::spawn(move || {
        let from = receiver.recv().unwrap();
        handle.call_soon_threadsafe(move || from.send(()).unwrap()).unwrap();
    });
    while !main.is_done() {
        let turn = turn(&mut event_loop);
        if event_loop.is_idle() && !main.is_done() {
            let until = turn.next_deadline.map(|when| when.saturating_sub(event_loop.time()));
            let wait = until.map(|wait| Timespec {
                tv_sec: 0,
                tv_nsec: i64::from(wait.min(ms(500)).subsec_nanos()),
            });
            is_readable(&event_loop, wait);
        }
    }
    helper.join().unwrap();
    assert_eq!(event_loop.run_until_done(main).unwrap(), 7);
}

#[test]
fn a_game_runs_our_loop_once_a_frame() {
    let frames = Rc::new(Cell::new(0));
    let seen = Rc::new(RefCell::new(Vec::new()));
    let mut event_loop = virtual_loop();
    let (now, list) = (Rc::clone(&frames), Rc::clone(&seen));
    let script = event_loop.spawn(async move {
        for _ in 0..3 {
            sleep(ms(33)).await;
            list.borrow_mut().push(now.get());
        }
    });
    while !script.is_done() {
        frames.set(frames.get() + 1);
        event_loop.advance(ms(16));
        while !turn(&mut event_loop).idle {}
    }
    // The first turn of the first frame began the script, at 16 ms.
    assert_eq!(*seen.borrow(), [4, 7, 10]);
}

#[test]
fn a_loop_is_reentered_by_its_host_only() {
    let mut event_loop = virtual_loop();
    event_loop.call_soon(|| {
        let refused = virtual_loop().run_once(None).unwrap_err();
        assert!(matches!(refused, RunError::AlreadyRunning { call: "run_once", task: None }));
    });
    let _ = turn(&mut event_loop);
    event_loop.run_until_complete(turns(2)).unwrap();
    let task = event_loop.spawn(forever());
    let _ = turn(&mut event_loop);
    assert_eq!(event_loop.census().tasks, 1);
    drop(task);
    event_loop.call_soon(|| {
        call_later(ms(1), || drop(call_soon(stop)));
        assert_eq!(time(), ms(0));
    });
    event_loop.run_forever().unwrap();
    assert_eq!(event_loop.time(), ms(1));
}
