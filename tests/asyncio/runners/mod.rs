//! `test_runners.py`: `run` and `Runner`; Ctrl-C is in a file of its own.

#[cfg(target_os = "linux")]
mod interrupt;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use wheelhouse::{
    EventLoop, RunError, Runner, catch_cancel, sleep, spawn, time, try_spawn, yield_now,
};

use crate::common::{Trace, ms, virtual_loop};
use crate::reports_slow;

#[test]
fn asyncio_run_return() {
    let main = async {
        yield_now().await;
        42
    };
    assert_eq!(wheelhouse::run(main).unwrap(), 42);
}

#[test]
fn asyncio_run_raises() {
    let main = async {
        yield_now().await;
        Err::<(), _>("spam")
    };
    assert_eq!(wheelhouse::run(main).unwrap(), Err("spam"));
    let main = async {
        yield_now().await;
        panic!("spam");
    };
    let raised = catch_unwind(AssertUnwindSafe(|| wheelhouse::run(main))).unwrap_err();
    assert_eq!(raised.downcast_ref(), Some(&"spam"));
}

#[test]
fn asyncio_run_debug() {
    for expected in [false, true] {
        let mut runner = Runner::with_loop(debugged(expected));
        assert_eq!(reports_slow(runner.event_loop()), expected);
    }
}

/// A loop that reports whatever takes any time, or one that does not: asyncio's `debug`.
fn debugged(debug: bool) -> EventLoop {
    let builder = EventLoop::builder();
    let builder = if debug { builder.slow_callback_duration(ms(0)) } else { builder };
    builder.build().unwrap()
}

#[test]
fn asyncio_run_from_running_loop() {
    let main = async { wheelhouse::run(async {}) };
    let refused = wheelhouse::run(main).unwrap().unwrap_err();
    assert!(matches!(refused, RunError::AlreadyRunning { .. }), "{refused}");
    assert!(refused.to_string().contains("was called inside a running loop"), "{refused}");
}

#[test]
fn asyncio_run_cancels_hanging_tasks() {
    let main = async {
        let leftover = spawn(sleep(ms(100)));
        (123, leftover.handle().clone())
    };
    let (value, leftover) = wheelhouse::run(main).unwrap();
    assert_eq!(value, 123);
    assert!(leftover.is_done());
}

#[test]
fn asyncio_run_reports_hanging_tasks_errors() {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    let mut runner = Runner::new().unwrap();
    runner.event_loop().set_exception_handler(move |context| {
        let error = context.error.expect("a task's error").to_string();
        list.borrow_mut().push((context.message.to_owned(), error));
    });
    let leftover = async {
        match catch_cancel(sleep(ms(100))).await {
            Ok(()) => Ok(()),
            Err(_) => Err("division by zero"),
        }
    };
    let main = async {
        let leftover = try_spawn(leftover);
        yield_now().await;
        (123, leftover.handle().clone())
    };
    let (value, leftover) = runner.run(main).unwrap();
    assert_eq!(value, 123);
    runner.close().unwrap();
    assert!(leftover.is_done());
    let message = "a task failed while the loop was being shut down".to_owned();
    let error = "task `Task-2` failed: division by zero".to_owned();
    assert_eq!(*reports.borrow(), [(message, error)]);
}

#[test]
fn asyncio_run_loop_factory() {
    let mut runner = Runner::with_loop(virtual_loop());
    let main = async {
        sleep(ms(3_600_000)).await;
        time()
    };
    // An hour has passed for this loop only.
    assert_eq!(runner.run(main).unwrap(), ms(3_600_000));
}

#[test]
fn non_debug() {
    assert!(!reports_slow(Runner::with_loop(debugged(false)).event_loop()));
}

#[test]
fn debug() {
    assert!(reports_slow(Runner::with_loop(debugged(true)).event_loop()));
}

#[test]
fn custom_factory() {
    let event_loop = virtual_loop();
    assert!(event_loop.advance(ms(7)));
    assert_eq!(Runner::with_loop(event_loop).event_loop().time(), ms(7));
}

#[test]
fn run() {
    let mut runner = Runner::new().unwrap();
    let event_loop = runner.event_loop().handle();
    let main = async {
        yield_now().await;
        "done"
    };
    assert_eq!(runner.run(main).unwrap(), "done");
    assert!(!event_loop.is_closed());
    drop(runner);
    assert!(event_loop.is_closed());
}

#[test]
fn explicit_close() {
    let mut runner = Runner::new().unwrap();
    let event_loop = runner.event_loop().handle();
    runner.close().unwrap();
    assert!(event_loop.is_closed());
    let refused = event_loop.call_soon_threadsafe(|| ()).unwrap_err();
    assert_eq!(refused.to_string(), "`call_soon_threadsafe`: the loop has been dropped");
}

#[test]
fn double_close() {
    let trace = Trace::default();
    let t = trace.clone();
    let mut runner = Runner::with_loop(virtual_loop());
    let main = async {
        let stubborn = async move {
            for _ in 0..2 {
                if catch_cancel(sleep(ms(5))).await.is_err() {
                    t.note("asked");
                }
            }
        };
        spawn(stubborn).detach();
        yield_now().await;
    };
    runner.run(main).unwrap();
    // The runner closes once more when it is dropped at the end of this call: no task is asked twice.
    runner.close().unwrap();
    trace.expect(&["asked"]);
}

#[test]
fn recursive_run() {
    let mut runner = Runner::with_loop(virtual_loop());
    let main = async { Runner::with_loop(virtual_loop()).run(async {}) };
    let refused = runner.run(main).unwrap().unwrap_err();
    assert!(matches!(refused, RunError::AlreadyRunning { .. }), "{refused}");
}
