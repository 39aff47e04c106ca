//! Callbacks: `call_soon`, `call_later`, `call_at`, done callbacks, and taking them back.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use common::{Trace, forever, ms, run, turns, virtual_loop};
use wheelhouse::{
    EventLoop, Task, TaskHandle, call_at, call_later, call_soon, current_task, gather, sleep,
    spawn, time, yield_now,
};

#[test]
fn callbacks_run_in_the_order_they_were_asked_for() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        for n in 0..5 {
            let t = t.clone();
            call_soon(move || t.note(n));
        }
        yield_now().await;
    });
    trace.expect(&["0", "1", "2", "3", "4"]);
}

#[test]
fn a_callback_runs_outside_any_task() {
    run(async {
        call_soon(|| assert!(current_task().is_none()));
        call_later(ms(1), || assert!(current_task().is_none()));
        assert!(current_task().is_some());
        sleep(ms(2)).await;
    });
}

#[test]
fn call_later_and_call_at_run_at_their_time() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        sleep(ms(2)).await;
        let (a, b, c) = (t.clone(), t.clone(), t.clone());
        let later = call_later(ms(5), move || a.at("later"));
        let at = call_at(ms(5), move || b.at("at"));
        let past = call_at(ms(1), move || c.at("past"));
        assert_eq!((later.when(), at.when(), past.when()), (Some(ms(7)), Some(ms(5)), Some(ms(1))));
        assert_eq!(call_soon(|| ()).when(), None);
        sleep(ms(9)).await;
        assert!(later.is_done() && at.is_done() && past.is_done());
    });
    trace.expect(&["2 past", "5 at", "7 later"]);
}

#[test]
fn a_time_that_has_passed_is_the_next_turn_however_busy_the_loop_is() {
    let mut event_loop = EventLoop::new().unwrap();
    let called = event_loop.run_until_complete(async {
        let busy = spawn(turns(50));
        let called = Rc::new(Cell::new(false));
        let note = Rc::clone(&called);
        call_at(time(), move || note.set(true));
        turns(2).await;
        assert!(!busy.is_done());
        called.get()
    });
    assert!(called.unwrap());
}

#[test]
fn a_callback_that_is_taken_back_is_dropped_at_once_and_does_not_run() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        for zero in [true, false] {
            let guard = t.on_drop("dropped");
            let callback = move || drop(guard);
            let handle = if zero { call_soon(callback) } else { call_later(ms(1), callback) };
            let again = handle.clone();
            assert!(!handle.is_done());
            assert!(handle.cancel());
            t.note("taken back");
            assert!(again.is_done() && !again.cancel());
        }
        sleep(ms(2)).await;
    });
    trace.expect(&["dropped", "taken back", "dropped", "taken back"]);
}

#[test]
fn a_callback_that_has_run_cannot_be_taken_back() {
    run(async {
        let handle = call_soon(|| ());
        yield_now().await;
        assert!(handle.is_done() && !handle.cancel());
    });
}

#[test]
fn a_timer_can_be_taken_back_between_its_expiry_and_its_run() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let never = Rc::new(Cell::new(None::<wheelhouse::CallHandle>));
        let (taken, note, never_runs) = (Rc::clone(&never), t.clone(), t.clone());
        call_at(ms(1), move || note.note(taken.take().unwrap().cancel()));
        never.set(Some(call_at(ms(1), move || never_runs.note("never"))));
        sleep(ms(2)).await;
    });
    trace.expect(&["true"]);
}

#[test]
fn a_dropped_handle_changes_nothing_and_an_old_one_hits_no_later_callback() {
    run(async {
        let ran = Rc::new(Cell::new(0));
        let count = |n| {
            let ran = Rc::clone(&ran);
            move || ran.set(ran.get() + n)
        };
        drop(call_soon(count(1)));
        let old = call_soon(count(10));
        yield_now().await;
        let new = call_soon(count(100));
        assert!(!old.cancel() && !new.is_done());
        yield_now().await;
        assert_eq!(ran.get(), 111);
    });
}

#[test]
fn callbacks_of_a_loop_that_does_not_run_wait_for_it() {
    let trace = Trace::default();
    let (a, b) = (trace.clone(), trace.clone());
    let mut event_loop = virtual_loop();
    event_loop.call_later(ms(5), move || a.at("later"));
    let soon = event_loop.call_soon(move || b.at("soon"));
    assert!(!soon.is_done());
    event_loop.run_until_complete(sleep(ms(6))).unwrap();
    drop(event_loop);
    assert!(soon.is_done() && !soon.cancel());
    trace.expect(&["0 soon", "5 later"]);
}

#[test]
fn a_done_callback_gets_the_task_it_was_added_to() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let task = Task::builder().name("watched").spawn(async { 7 });
        let own = task.handle().clone();
        task.add_done_callback(move |task| {
            assert!(*task == own && task.is_done() && current_task().is_none());
            t.note(task.name());
        });
        yield_now().await;
        assert_eq!(task.await.unwrap(), 7);
        yield_now().await;
    });
    trace.expect(&["watched"]);
}

#[test]
fn a_done_callback_can_be_taken_back_until_its_task_has_ended() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let task = spawn(turns(1));
        let (a, b) = (t.on_drop("dropped"), t.clone());
        let first = task.add_done_callback(move |_| drop(a));
        let second = task.add_done_callback(move |_| b.note("ran"));
        assert!(task.remove_done_callback(first));
        t.note("taken back");
        assert!(!task.remove_done_callback(first));
        turns(2).await;
        // Queued: too late, as in asyncio.
        assert!(task.is_done() && !task.remove_done_callback(second));
        yield_now().await;
    });
    trace.expect(&["dropped", "taken back", "ran"]);
}

#[test]
fn a_task_takes_back_only_callbacks_of_its_own() {
    let ran = Rc::new(Cell::new(0));
    let note = Rc::clone(&ran);
    run(async move {
        let (first, second) = (spawn(turns(1)), spawn(turns(1)));
        let callback = first.add_done_callback(move |_| note.set(note.get() + 1));
        assert!(!second.remove_done_callback(callback));
        turns(4).await;
    });
    assert_eq!(ran.get(), 1);
}

#[test]
fn a_done_callback_may_start_tasks_and_callbacks() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        spawn(async {}).add_done_callback(move |_| {
            let (a, b) = (inner.clone(), inner.clone());
            spawn(async move { a.note("task") }).detach();
            call_soon(move || b.note("callback"));
        });
        turns(4).await;
    });
    trace.expect(&["task", "callback"]);
}

#[test]
fn a_gather_calls_back_without_a_task() {
    let mut event_loop = virtual_loop();
    let tasks = [event_loop.spawn(sleep(ms(1))), event_loop.spawn(sleep(ms(2)))];
    let handles: Vec<TaskHandle> = tasks.iter().map(|task| task.handle().clone()).collect();
    let all = gather(handles);
    all.add_done_callback(wheelhouse::stop);
    event_loop.run_forever().unwrap();
    assert!(all.is_done() && tasks.iter().all(|task| task.is_done()));
}

#[test]
fn what_a_callback_captured_goes_with_it() {
    let held = Rc::new(());
    let event_loop = virtual_loop();
    let (a, b, c) = (Rc::clone(&held), Rc::clone(&held), Rc::clone(&held));
    event_loop.call_soon(move || drop(a));
    event_loop.call_later(ms(1), move || drop(b));
    let task = event_loop.spawn(forever());
    task.add_done_callback(move |_| drop(c));
    assert_eq!(Rc::strong_count(&held), 4);
    drop(event_loop);
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn a_callback_on_the_real_clock_never_runs_early() {
    let mut event_loop = EventLoop::new().unwrap();
    event_loop
        .run_until_complete(async {
            let asked = time();
            let (promise, promised) = wheelhouse::promise();
            call_later(ms(1), move || promise.set(time()).unwrap());
            let ran = promised.await.unwrap();
            assert!(ran - asked >= ms(1));
            assert!(call_later(Duration::from_secs(60), || ()).cancel());
        })
        .unwrap();
}
