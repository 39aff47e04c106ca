//! Tasks that wake themselves without end keep nobody from the loop: whatever comes from outside, and every
//! timer, is seen to within 61 handles and the turn they fall into (rule T6).

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use wheelhouse::{LoopHandle, call_later, spawn, time, yield_now};

/// As many handles in each turn.
const TASKS: usize = 10;

/// Handles before the loop has looked, then the turn in which it does, and one for the step of who waits.
const BOUND: usize = 61 + 2 * TASKS;

/// Starts a storm; what it returns counts its steps, and ends it when it is dropped.
fn storm() -> Storm {
    let storm = Storm { steps: Rc::default(), over: Rc::default() };
    for _ in 0..TASKS {
        let (steps, over) = (Rc::clone(&storm.steps), Rc::clone(&storm.over));
        spawn(async move {
            while !over.get() {
                steps.set(steps.get() + 1);
                yield_now().await;
            }
        })
        .detach();
    }
    storm
}

struct Storm {
    steps: Rc<Cell<usize>>,
    over: Rc<Cell<bool>>,
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.over.set(true);
    }
}

#[test]
fn a_timer_is_served_within_61_handles() {
    wheelhouse::run(async {
        let storm = storm();
        for i in 0..50 {
            let rung = Rc::new(Cell::new(false));
            let bell = Rc::clone(&rung);
            // Each at another point between two looks.
            let delay = Duration::from_micros(200 + 7 * i);
            let due = call_later(delay, move || bell.set(true)).when().unwrap();
            while time() < due {
                yield_now().await;
            }
            let since = storm.steps.get();
            while !rung.get() {
                assert!(storm.steps.get() - since <= BOUND, "the timer starves");
                yield_now().await;
            }
        }
    })
    .unwrap();
}

/// It is looked for before every turn: a flag tells of it.
#[test]
fn a_call_from_another_thread_is_served_in_the_next_turn() {
    wheelhouse::run(async {
        let storm = storm();
        let remote = LoopHandle::current();
        for _ in 0..5 {
            let called = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let (remote, flag) = (remote.clone(), std::sync::Arc::clone(&called));
            let flag = move || flag.store(true, std::sync::atomic::Ordering::SeqCst);
            std::thread::spawn(move || remote.call_soon_threadsafe(flag)).join().unwrap().unwrap();
            let since = storm.steps.get();
            while !called.load(std::sync::atomic::Ordering::SeqCst) {
                assert!(storm.steps.get() - since <= 2 * TASKS, "the call starves");
                yield_now().await;
            }
        }
    })
    .unwrap();
}

#[cfg(unix)]
#[test]
fn a_socket_is_served_within_61_handles() {
    use std::io::Write;
    use std::os::unix::net::UnixStream as StdStream;

    use wheelhouse::net::UnixStream;

    wheelhouse::run(async {
        let (mut outside, inside) = StdStream::pair().unwrap();
        let stream = UnixStream::from_std(inside).unwrap();
        let heard = Rc::new(Cell::new(0));
        spawn({
            let heard = Rc::clone(&heard);
            async move {
                let mut byte = [0];
                while stream.read(&mut byte).await.unwrap() == 1 {
                    heard.set(heard.get() + 1);
                }
            }
        })
        .detach();
        yield_now().await;
        let storm = storm();
        for n in 1..=5 {
            outside.write_all(b"x").unwrap();
            let since = storm.steps.get();
            while heard.get() < n {
                assert!(storm.steps.get() - since <= BOUND, "the socket starves");
                yield_now().await;
            }
        }
    })
    .unwrap();
}
