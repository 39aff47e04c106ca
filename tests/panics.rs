//! Something panics: in a task, in clean-up, in a destructor, in a callback or in a waker.

mod common;

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use common::{Trace, forever, ms, run, turns, virtual_loop};
use wheelhouse::{
    Census, EventLoop, JoinError, call_later, call_soon, catch_cancel, promise, sleep, spawn,
    timeout, yield_now,
};

/// A loop whose reports go to a list.
fn reporting_loop() -> (EventLoop, Rc<RefCell<Vec<String>>>) {
    let event_loop = virtual_loop();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reports);
    event_loop.set_exception_handler(move |context| list.borrow_mut().push(context.to_string()));
    (event_loop, reports)
}

/// Runs `main`, expects it to leave nothing behind, and gives the reports.
fn reports_of<F: Future + 'static>(main: F) -> (F::Output, Vec<String>) {
    let (mut event_loop, reports) = reporting_loop();
    let output = event_loop.run_until_complete(main).unwrap();
    assert_eq!(event_loop.census(), Census::default());
    let reports = reports.take();
    (output, reports)
}

struct PanicsOnDrop(&'static str);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

fn message<T>(ended: Result<T, JoinError>) -> String {
    match ended {
        Err(JoinError::Panicked(panicked)) => panicked.message().to_owned(),
        Err(other) => panic!("expected a panic, got {other}"),
        Ok(_) => panic!("expected a panic"),
    }
}

#[test]
fn a_panic_ends_its_task_alone_and_the_joiner_is_told() {
    run(async {
        let other = spawn(async {
            sleep(ms(2)).await;
            "other"
        });
        let task = spawn(async {
            yield_now().await;
            panic!("number {}", 7);
        });
        // C15.
        assert_eq!(message::<()>(task.await), "number 7");
        assert_eq!(other.await.unwrap(), "other");
    });
}

#[test]
fn a_panic_drops_the_task_at_once_and_wakes_every_joiner() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let inner = t.clone();
        let task = spawn(async move {
            let _guard = inner.on_drop("unwound");
            yield_now().await;
            panic!("boom");
        });
        let joiners: Vec<_> = (0..3).map(|_| spawn(task.handle().join())).collect();
        for joiner in joiners {
            assert_eq!(message(joiner.await.unwrap()), "boom");
        }
        t.note("joined");
        assert_eq!(message::<()>(task.await), "boom");
    });
    trace.expect(&["unwound", "joined"]);
}

#[test]
fn the_first_to_resume_a_panic_gets_its_payload() {
    run(async {
        let task = spawn(async { std::panic::panic_any(7_u8) });
        let Err(JoinError::Panicked(panicked)) = task.await else { panic!("it panicked") };
        assert_eq!(panicked.message(), "a panic without a text");
        let again = panicked.clone();
        let payload = std::panic::catch_unwind(|| panicked.resume_panic()).unwrap_err();
        assert_eq!(payload.downcast_ref::<u8>(), Some(&7));
        assert!(std::panic::catch_unwind(|| again.resume_panic()).unwrap_err().is::<String>());
    });
}

#[test]
fn a_panic_in_clean_up_is_the_tasks_end() {
    run(async {
        let task = spawn(async {
            let _ = catch_cancel(forever()).await;
            yield_now().await;
            panic!("in clean-up");
        });
        yield_now().await;
        task.cancel();
        // C15.
        assert_eq!(message::<()>(task.await), "in clean-up");
    });
}

#[test]
fn a_panic_in_a_drop_on_cancel_is_the_tasks_failure() {
    let ((), reports) = reports_of(async {
        let in_the_task = spawn(async {
            let _guard = PanicsOnDrop("dropped by the task's cancel");
            forever().await;
        });
        let in_a_scope = spawn(async {
            let _ = catch_cancel(async {
                let _guard = PanicsOnDrop("dropped by a scope");
                forever().await;
            })
            .await;
        });
        let other = spawn(sleep(ms(1)));
        yield_now().await;
        in_the_task.cancel();
        in_a_scope.cancel();
        // C15: neither aborts the process.
        assert_eq!(message(in_the_task.await), "dropped by the task's cancel");
        assert_eq!(message(in_a_scope.await), "dropped by a scope");
        other.await.unwrap();
    });
    assert!(reports.is_empty(), "{reports:?}");
}

#[test]
fn a_panic_in_a_drop_on_abort_is_the_tasks_failure() {
    run(async {
        let task = spawn(async {
            let _guard = PanicsOnDrop("dropped by the abort");
            forever().await;
        });
        yield_now().await;
        task.abort();
        assert_eq!(message(task.await), "dropped by the abort");
    });
}

#[test]
fn the_value_of_a_late_cancel_may_panic_in_its_drop() {
    run(async {
        let task = spawn(async {
            common::me().cancel();
            PanicsOnDrop("the unwanted value")
        });
        let Err(JoinError::Panicked(panicked)) = task.await else { panic!("its drop panicked") };
        assert_eq!(panicked.message(), "the unwanted value");
    });
}

#[test]
fn a_value_nobody_takes_may_panic_in_its_drop() {
    let ((), reports) = reports_of(async {
        drop(spawn(async { PanicsOnDrop("nobody's value") }));
        let kept = spawn(async { PanicsOnDrop("a detached value") });
        turns(2).await;
        drop(kept);
        yield_now().await;
    });
    assert_eq!(
        reports,
        [
            "a task's output panicked when it was dropped: nobody's value",
            "a task's output panicked when it was dropped: a detached value",
        ]
    );
}

#[test]
fn a_callback_that_panics_is_reported_and_the_next_one_runs() {
    let trace = Trace::default();
    let (t, line) = (trace.clone(), line!() + 2);
    let ((), reports) = reports_of(async move {
        call_soon(|| panic!("soon"));
        let next = t.clone();
        call_soon(move || next.note("next callback"));
        call_later(ms(1), || panic!("later"));
        sleep(ms(2)).await;
    });
    // C15.
    let [soon, later] = [("soon", line), ("later", line + 3)].map(|(what, line)| {
        format!("a callback panicked: {what} (asked for at tests/panics.rs:{line}:9)")
    });
    assert_eq!(reports, [soon, later]);
    trace.expect(&["next callback"]);
}

#[test]
fn a_done_callback_that_panics_keeps_none_from_the_others() {
    let trace = Trace::default();
    let t = trace.clone();
    let ((), reports) = reports_of(async move {
        let task = spawn(async {});
        let first = t.clone();
        task.add_done_callback(move |_| first.note("first"));
        task.add_done_callback(|_| panic!("second"));
        let third = t.clone();
        task.add_done_callback(move |_| third.note("third"));
        task.await.unwrap();
        yield_now().await;
    });
    // C15.
    assert_eq!(reports, ["a done callback panicked: second"]);
    trace.expect(&["first", "third"]);
}

struct PanickingWaker;

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic!("a foreign waker");
    }
}

#[test]
fn a_foreign_waker_that_panics_loses_nobody_elses_wake_up() {
    let trace = Trace::default();
    let t = trace.clone();
    let ((), reports) = reports_of(async move {
        let (promise, first) = promise::<u8>();
        let second = promise.promised();
        let third = promise.promised();
        let foreign = Waker::from(Arc::new(PanickingWaker));
        // The first waiter is polled with a waker of somebody else's making.
        {
            let mut polled = pin!(first);
            assert!(polled.as_mut().poll(&mut Context::from_waker(&foreign)).is_pending());
            let waiting = spawn(second);
            yield_now().await;
            promise.set(7).unwrap();
            t.note("set");
            // C15: the panic is not that of the one who completed it.
            assert_eq!(waiting.await.unwrap(), Ok(7));
            assert_eq!(polled.await, Ok(7));
        }
        assert_eq!(third.await, Ok(7));
    });
    assert_eq!(reports, ["a waker panicked: a foreign waker"]);
    trace.expect(&["set"]);
}

#[test]
fn a_foreign_waker_of_a_joiner_that_panics_is_reported() {
    let ((), reports) = reports_of(async {
        let mut task = spawn(sleep(ms(1)));
        let foreign = Waker::from(Arc::new(PanickingWaker));
        let other = spawn(task.handle().join());
        assert!(pin!(&mut task).poll(&mut Context::from_waker(&foreign)).is_pending());
        other.await.unwrap().unwrap();
        task.await.unwrap();
    });
    assert_eq!(reports, ["a waker panicked: a foreign waker"]);
}

#[test]
fn a_panic_inside_nested_scopes_leaves_the_loop_in_order() {
    run(async {
        let task = spawn(async {
            timeout(
                ms(50),
                catch_cancel(async {
                    yield_now().await;
                    panic!("deep");
                }),
            )
            .await
        });
        assert_eq!(message(task.await), "deep");
        let next = spawn(async { catch_cancel(sleep(ms(1))).await.is_ok() });
        assert!(next.await.unwrap());
    });
}

#[test]
fn a_future_that_panics_again_in_its_drop_is_reported() {
    struct Twice;
    impl Future for Twice {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            panic!("in poll");
        }
    }
    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let ((), reports) = reports_of(async {
        assert_eq!(message(spawn(Twice).await), "in poll");
    });
    // C15.
    assert_eq!(reports, ["a future panicked again when it was dropped: in drop"]);
}

#[test]
fn an_exception_handler_that_panics_does_not_stop_the_loop() {
    let mut event_loop = virtual_loop();
    event_loop.set_exception_handler(|_| panic!("the handler"));
    event_loop
        .run_until_complete(async {
            call_soon(|| panic!("a callback"));
            sleep(ms(1)).await;
        })
        .unwrap();
}

#[test]
fn a_clone_that_panics_leaves_the_value_in_its_task() {
    #[derive(Debug)]
    struct Picky(Rc<std::cell::Cell<bool>>);
    impl Clone for Picky {
        fn clone(&self) -> Self {
            assert!(!self.0.get(), "not now");
            Picky(Rc::clone(&self.0))
        }
    }
    run(async {
        let refuses = Rc::new(std::cell::Cell::new(true));
        let value = Picky(Rc::clone(&refuses));
        let task = spawn(async move { value });
        yield_now().await;
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.outcome()));
        assert!(looked.is_err());
        refuses.set(false);
        assert!(task.outcome().unwrap().is_ok());
    });
}

#[test]
fn a_waker_may_call_back_into_the_loop() {
    struct Spawns;
    impl Wake for Spawns {
        fn wake(self: Arc<Self>) {
            drop(spawn(async {}));
        }
    }
    run(async {
        let foreign = Waker::from(Arc::new(Spawns));
        let (promise, promised) = promise::<()>();
        let mut promised = pin!(promised);
        assert!(promised.as_mut().poll(&mut Context::from_waker(&foreign)).is_pending());
        promise.set(()).unwrap();
        poll_fn(|cx| promised.as_mut().poll(cx)).await.unwrap();
        turns(2).await;
    });
}
