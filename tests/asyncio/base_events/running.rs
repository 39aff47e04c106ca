//! How a loop is run, stopped, and closed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use wheelhouse::{EventLoop, JoinError, LoopClosed, RunError, Task, call_soon, sleep, stop};

use crate::common::{ms, virtual_loop};
use crate::listen;

#[test]
fn close() {
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    assert!(!handle.is_closed());
    // To close a loop is to drop it, which cannot be done twice, and nothing runs in it afterwards.
    drop(event_loop);
    assert!(handle.is_closed());
    let refused: [Result<(), LoopClosed>; 3] = [
        handle.call_soon_threadsafe(|| ()),
        handle.spawn_threadsafe(|| async {}).map(drop),
        handle.stop(),
    ];
    assert!(refused.iter().all(Result::is_err));
}

#[test]
fn run_until_complete_loop() {
    let far = virtual_loop();
    let task = far.spawn(async {});
    let refused = virtual_loop().run_until_done(&task).unwrap_err();
    assert!(matches!(refused, RunError::Failed(JoinError::OtherLoop(_))), "{refused}");
}

#[test]
fn run_until_complete_loop_orphan_future_close_loop() {
    let mut event_loop = virtual_loop();
    let main = sleep(ms(100));
    // A callback's panic does not leave the loop; what ends a run before its task is `stop`.
    event_loop.set_exception_handler(|_| stop());
    event_loop.call_soon(|| panic!("show stopper"));
    assert!(matches!(event_loop.run_until_complete(main), Err(RunError::Stopped)));
    // The end of the first task, at 100 ms, is none of the second run's business.
    event_loop.run_until_complete(sleep(ms(200))).unwrap();
    assert_eq!(event_loop.time(), ms(200));
}

#[test]
fn create_task_error_closes_coro() {
    let event_loop = virtual_loop();
    let handle = event_loop.handle();
    drop(event_loop);
    let held = Arc::new(());
    let future = {
        let held = Arc::clone(&held);
        async move { drop(held) }
    };
    assert!(handle.spawn_threadsafe(move || future).is_err());
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn create_named_task_with_default_factory() {
    let mut event_loop = virtual_loop();
    let task = Task::builder().name("test_task").spawn_on(&event_loop, async {});
    assert_eq!(task.name().to_string(), "test_task");
    event_loop.run_until_done(task).unwrap();
}

fn raise_keyboard_interrupt(event_loop: &mut EventLoop) {
    let main = async { panic!("keyboard interrupt") as () };
    let raised = catch_unwind(AssertUnwindSafe(|| event_loop.run_until_complete(main)));
    assert_eq!(raised.unwrap_err().downcast_ref(), Some(&"keyboard interrupt"));
}

#[test]
fn run_forever_keyboard_interrupt() {
    let mut event_loop = virtual_loop();
    let reports = listen(&event_loop);
    raise_keyboard_interrupt(&mut event_loop);
    drop(event_loop);
    assert_eq!(*reports.borrow(), [""; 0]);
}

#[test]
fn run_until_complete_baseexception() {
    let mut event_loop = virtual_loop();
    raise_keyboard_interrupt(&mut event_loop);
    // No `stop` was left behind: the second turn comes.
    let called = Rc::new(Cell::new(false));
    let note = Rc::clone(&called);
    event_loop.call_soon(move || {
        call_soon(move || {
            stop();
            note.set(true);
        });
    });
    event_loop.run_forever().unwrap();
    assert!(called.get());
}

fn counting(event_loop: &EventLoop) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let note = Rc::clone(&count);
    event_loop.call_soon(move || note.set(note.get() + 1));
    count
}

#[test]
fn run_once() {
    let mut event_loop = virtual_loop();
    let count = counting(&event_loop);
    event_loop.call_soon(stop);
    event_loop.run_forever().unwrap();
    assert_eq!(count.get(), 1);
}

#[test]
fn run_forever_pre_stopped() {
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.call_later(ms(3_600_000), || ());
    let count = counting(&event_loop);
    event_loop.stop();
    // One turn, which does not wait for the timer.
    event_loop.run_forever().unwrap();
    assert_eq!(count.get(), 1);
    event_loop.stop();
    event_loop.run_forever().unwrap();
    assert!(event_loop.time() < ms(3_600_000));
}

#[test]
fn custom_run_forever_integration() {
    let mut event_loop = virtual_loop();
    let count = counting(&event_loop);
    let running = Rc::new(Cell::new(false));
    let note = Rc::clone(&running);
    event_loop.call_soon(move || note.set(wheelhouse::time() == ms(0)));
    for _ in 0..10 {
        let _ = event_loop.run_once(Some(ms(0))).unwrap();
    }
    assert!(running.get(), "while it turned, it was the running loop");
    assert!(catch_unwind(wheelhouse::time).is_err(), "and it is no more");
    assert_eq!(count.get(), 1);
}

#[test]
fn log_slow_callbacks() {
    let mut event_loop = EventLoop::builder().slow_callback_duration(ms(0)).build().unwrap();
    let reports = listen(&event_loop);
    event_loop.call_soon(stop);
    event_loop.run_forever().unwrap();
    let report = reports.take().remove(0);
    assert!(report.starts_with("a callback took "), "{report}");
    assert!(report.contains(" s (asked for at tests/asyncio/base_events/running.rs:"), "{report}");
    let task = Task::builder().name("stop_loop").spawn_on(&event_loop, async { stop() });
    event_loop.run_forever().unwrap();
    let report = reports.take().remove(0);
    assert!(report.starts_with("a step of task `stop_loop` took "), "{report}");
    assert!(report.contains(" s (spawned at tests/asyncio/base_events/running.rs:"), "{report}");
    drop(task);
}

#[test]
fn running_loop_within_a_loop() {
    let mut inner = virtual_loop();
    let runner = async move { inner.run_forever() };
    let refused = virtual_loop().run_until_complete(runner).unwrap().unwrap_err();
    assert!(refused.to_string().contains("inside a running loop"), "{refused}");
}
