//! Futures and handles are dropped where no loop runs: outside, with the loop, on other threads, in destructors.
#![allow(clippy::async_yields_async, reason = "tasks are taken out of the loop to be looked at")]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};
use std::thread;

use common::{Trace, forever, ms, turns, virtual_loop};
use wheelhouse::{
    CancelScope, Census, EventLoop, JoinError, Task, TaskHandle, all_tasks, as_completed,
    call_later, call_soon, catch_cancel, gather, interval, promise, shield, sleep, spawn,
    task_group, timeout, try_gather, try_spawn, wait, wait_for_task, yield_now,
};

type Things = Vec<Box<dyn std::any::Any>>;

/// Polls a future once, so that it is suspended and holds whatever it holds then.
fn polled<F: Future + 'static>(future: F) -> Box<dyn std::any::Any> {
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    Box::new(future)
}

/// One of everything, suspended where it can be.
async fn one_of_everything() -> Things {
    let pending = || spawn(forever());
    let failed = try_spawn(async { Err::<(), _>("broken") });
    let (promise_a, promised_a) = promise::<u8>();
    let (promise_b, promised_b) = promise::<u8>();
    let scope = CancelScope::with_timeout(ms(500));
    let scope_handle = scope.handle();
    let handle = pending().handle().clone();
    turns(2).await;
    let mut series = as_completed([pending()]).timeout(ms(500));
    let mut beat = interval(ms(500));
    beat.tick().await;
    assert!(futures::poll!(Box::pin(beat.tick())).is_pending());
    vec![
        polled(sleep(ms(500))),
        polled(yield_now()),
        polled(pending()),
        polled(pending().handle().join()),
        polled(shield(pending())),
        polled(gather([pending(), pending()])),
        polled(try_gather([pending(), pending()])),
        polled(wait([pending()], wheelhouse::ALL_COMPLETED).timeout(ms(500))),
        polled(async move {
            let _ = series.next().await;
        }),
        polled(catch_cancel(timeout(ms(500), catch_cancel(forever())))),
        polled(scope.run(sleep(ms(500)))),
        polled(task_group(async |group| {
            group.spawn(forever()).unwrap().detach();
            forever().await;
        })),
        polled(wait_for_task(pending(), ms(500))),
        polled(promised_a),
        Box::new((promise_a, promise_b, promised_b, scope_handle)),
        Box::new((failed, pending(), handle, beat)),
        Box::new(call_later(ms(500), || ())),
        Box::new(call_soon(|| ())),
        Box::new(all_tasks()),
    ]
}

/// A loop that has made one of everything and does not run, with no report expected.
fn loop_and_things() -> (EventLoop, Things) {
    let mut event_loop = virtual_loop();
    event_loop.set_exception_handler(|_| ());
    let things = event_loop.run_until_complete(one_of_everything()).unwrap();
    (event_loop, things)
}

#[test]
fn everything_can_be_dropped_outside_a_loop() {
    let (mut event_loop, things) = loop_and_things();
    // C16.
    drop(things);
    for task in event_loop.all_tasks() {
        task.abort();
    }
    event_loop.run_until_complete(sleep(ms(600))).unwrap();
    assert_eq!(event_loop.census(), Census::default());
}

#[test]
fn everything_can_be_dropped_after_its_loop() {
    let (event_loop, things) = loop_and_things();
    drop(event_loop);
    // C16.
    drop(things);
}

#[test]
fn everything_can_be_dropped_while_its_loop_is() {
    let (mut event_loop, things) = loop_and_things();
    event_loop
        .run_until_complete(async move {
            spawn(async move {
                let _things = things;
                forever().await;
            })
            .detach();
            yield_now().await;
        })
        .unwrap();
    // C16.
    drop(event_loop);
}

#[test]
fn everything_can_be_dropped_inside_another_loop() {
    let (event_loop, things) = loop_and_things();
    let mut other = virtual_loop();
    other
        .run_until_complete(async move {
            let (second, more) = loop_and_things_inside().await;
            drop(more);
            drop(second);
            drop(things);
            drop(event_loop);
        })
        .unwrap();
    assert_eq!(other.census(), Census::default());
}

/// A loop made, but not run, inside another.
async fn loop_and_things_inside() -> (EventLoop, Things) {
    let event_loop = virtual_loop();
    let task = event_loop.spawn(forever());
    (event_loop, vec![Box::new(task)])
}

#[test]
fn everything_can_be_dropped_in_a_thread_local_destructor() {
    thread_local! {
        static KEPT: RefCell<Option<(Things, Option<EventLoop>, Things)>> =
            const { RefCell::new(None) };
    }
    thread::spawn(|| {
        // Used before the loop's own thread-local, so destroyed after it.
        KEPT.with(|kept| assert!(kept.borrow().is_none()));
        let (first, of_first) = loop_and_things();
        let (second, of_second) = loop_and_things();
        drop(second);
        // C16.
        KEPT.with(|kept| kept.replace(Some((of_first, Some(first), of_second))));
    })
    .join()
    .unwrap();
}

#[test]
fn a_sleep_can_be_dropped_on_another_thread() {
    let mut event_loop = virtual_loop();
    event_loop
        .run_until_complete(async {
            let mut nap = Box::pin(sleep(ms(50)));
            assert!(futures::poll!(nap.as_mut()).is_pending());
            // C16: it is Send, and its timer comes back through the inbox.
            thread::spawn(move || drop(nap)).join().unwrap();
            turns(2).await;
        })
        .unwrap();
    assert_eq!(event_loop.census(), Census::default());

    let nap = event_loop
        .run_until_complete(async {
            let mut nap = Box::pin(sleep(ms(50)));
            assert!(futures::poll!(nap.as_mut()).is_pending());
            nap
        })
        .unwrap();
    drop(event_loop);
    thread::spawn(move || drop(nap)).join().unwrap();
}

#[test]
fn dropping_a_loop_drops_every_future_at_once_whatever_holds_handles() {
    let trace = Trace::default();
    let t = trace.clone();
    let mut event_loop = virtual_loop();
    let outside = Rc::new(RefCell::new(Vec::<Task<()>>::new()));
    let kept = Rc::clone(&outside);
    let handles: Vec<TaskHandle> = event_loop
        .run_until_complete(async move {
            for name in ["first", "second", "third"] {
                let (t, own) = (t.clone(), Rc::clone(&kept));
                let task = spawn(async move {
                    // A task that holds handles of its siblings, and of itself.
                    let _own = own;
                    let _guard = t.on_drop(name);
                    forever().await;
                });
                kept.borrow_mut().push(task);
            }
            yield_now().await;
            kept.borrow().iter().map(|task| task.handle().clone()).collect()
        })
        .unwrap();
    drop(event_loop);
    // House rule and C16: in order of creation.
    trace.expect(&["first", "second", "third"]);
    assert!(handles.iter().all(TaskHandle::is_done));
    assert!(handles.iter().all(|task| !task.cancel() && !task.abort()));
    // Only the list itself is left; the futures gave their shares back.
    assert_eq!(Rc::strong_count(&outside), 1);
}

#[test]
fn a_task_that_ended_with_its_loop_says_so() {
    let event_loop = virtual_loop();
    let mut task = Task::builder().name("orphan").spawn_on(&event_loop, forever());
    drop(event_loop);
    let ended = task.try_result().unwrap().unwrap_err();
    assert!(matches!(ended, JoinError::LoopClosed(_)), "{ended}");
    assert_eq!(ended.to_string(), "task `orphan` ended with its loop: the loop was dropped");
}

#[test]
fn a_value_that_was_still_inside_goes_with_the_loop() {
    let trace = Trace::default();
    let value = trace.on_drop("value dropped");
    let mut event_loop = virtual_loop();
    let mut task = event_loop.spawn(async move { value });
    event_loop.run_until_complete(yield_now()).unwrap();
    drop(event_loop);
    trace.expect(&["value dropped"]);
    assert!(matches!(task.try_result(), Some(Err(JoinError::LoopClosed(_)))));
}

#[test]
fn how_a_task_ended_before_its_loop_is_still_known() {
    let mut event_loop = virtual_loop();
    let cancelled = event_loop.spawn(forever());
    cancelled.cancel();
    event_loop.run_until_complete(turns(2)).unwrap();
    drop(event_loop);
    assert!(matches!(cancelled.ending(), Some(Err(JoinError::Cancelled(_)))));
}

#[test]
fn a_task_of_a_loop_that_is_gone_can_be_awaited_in_another() {
    let event_loop = virtual_loop();
    let task = event_loop.spawn(forever());
    drop(event_loop);
    let ended = virtual_loop().run_until_complete(task).unwrap();
    assert!(matches!(ended, Err(JoinError::LoopClosed(_))));
}

#[test]
fn values_and_callbacks_that_hold_handles_make_no_cycle() {
    struct Counted(Rc<Cell<i32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
    let alive = Rc::new(Cell::new(3));
    let guard = || Counted(Rc::clone(&alive));
    let mut event_loop = virtual_loop();
    let (a, b, c) = (guard(), guard(), guard());
    event_loop
        .run_until_complete(async move {
            // A task whose value holds the task itself.
            let own: Rc<RefCell<Things>> = Rc::default();
            let value = Rc::clone(&own);
            own.borrow_mut().push(Box::new(spawn(async move { (a, value) })));
            let task = spawn(forever());
            let handle = task.handle().clone();
            task.add_done_callback(move |_| drop((handle, b)));
            let own = task.handle().clone();
            call_later(ms(50), move || drop((task, own, c)));
            turns(3).await;
        })
        .unwrap();
    drop(event_loop);
    assert_eq!(alive.get(), 0);
}

#[test]
fn a_future_that_uses_the_loop_in_its_drop_finds_a_loop_that_accepts_nothing() {
    struct Busy(Task<()>, Rc<Cell<bool>>);
    impl Drop for Busy {
        fn drop(&mut self) {
            self.0.cancel();
            self.0.abort();
            drop(self.0.handle().join());
            self.0.add_done_callback(|_| ());
            self.1.set(true);
        }
    }
    let ran = Rc::new(Cell::new(false));
    let event_loop = virtual_loop();
    let other = event_loop.spawn(forever());
    let busy = Busy(other, Rc::clone(&ran));
    let task = event_loop.spawn(async move {
        let _busy = busy;
        forever().await;
    });
    drop(event_loop);
    assert!(ran.get() && task.is_done());
}

#[test]
fn a_panic_in_a_drop_while_the_loop_is_dropped_ends_nothing_else() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }
    let trace = Trace::default();
    let event_loop = virtual_loop();
    event_loop.set_exception_handler(|_| ());
    let other = trace.on_drop("the other task was dropped");
    let last = trace.on_drop("the callback was dropped");
    let task = event_loop.spawn(async {
        let _panics = Panics;
        forever().await;
    });
    let panics = Panics;
    event_loop.spawn(async move { drop(panics) }).detach();
    event_loop
        .spawn(async move {
            let _other = other;
            forever().await;
        })
        .detach();
    event_loop.call_soon(move || drop(last));
    let mut event_loop = event_loop;
    let _ = event_loop.run_once(None);
    // C15, C16.
    drop(event_loop);
    trace.expect(&["the callback was dropped", "the other task was dropped"]);
    assert!(task.is_done());
}

#[test]
fn nothing_that_was_dropped_unpolled_leaves_a_trace() {
    common::run(async {
        drop(sleep(ms(5)));
        drop(timeout(ms(5), forever()));
        drop(catch_cancel(forever()));
        drop(CancelScope::with_timeout(ms(5)).run(forever()));
        drop(task_group(async |_| forever().await));
        drop(promise::<u8>());
        let task = spawn(async {});
        drop(task.join());
        drop(shield(&task));
        drop(wait([&task], wheelhouse::FIRST_COMPLETED).timeout(ms(5)));
        drop(as_completed([&task]).timeout(ms(5)));
        task.await.unwrap();
        turns(2).await;
    });
}

/// It would wait for ever, and here for itself: it holds a handle to the task that holds it.
#[test]
fn a_done_callback_that_comes_after_the_loop_is_dropped_at_once() {
    let trace = Trace::default();
    let event_loop = virtual_loop();
    let task = event_loop.spawn(async {}).handle().clone();
    drop(event_loop);
    let held = (trace.on_drop("dropped"), task.clone());
    let callback = task.add_done_callback(move |_| drop(held));
    trace.expect(&["dropped"]);
    assert!(!task.remove_done_callback(callback));
}
