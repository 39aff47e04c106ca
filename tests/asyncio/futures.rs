//! `test_futures.py`. A future that is completed by hand has two sides here: `promise()` gives both.

use std::cell::RefCell;
use std::error::Error;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use ::futures::FutureExt;
use ::futures::channel::oneshot;
use wheelhouse::{
    AlreadyDone, CallHandle, EventLoop, Promise, PromiseError, Promised, call_soon, promise, spawn,
    yield_now,
};

use crate::common::{run, virtual_loop};
use crate::reports_of;

#[test]
fn initial_state() {
    run(async {
        let (promise, promised) = promise::<u8>();
        assert!(!promise.is_cancelled() && !promise.is_done());
        assert!(!promised.is_cancelled() && !promised.is_done());
        promise.cancel();
        assert!(promise.is_cancelled() && promised.is_cancelled());
    });
}

#[test]
fn constructor_use_running_loop() {
    let mut event_loop = virtual_loop();
    let (promise, promised) = event_loop.run_until_complete(async { promise() }).unwrap();
    event_loop.call_soon(move || promise.set(7).unwrap());
    assert_eq!(event_loop.run_until_complete(promised).unwrap(), Ok(7));
}

#[test]
fn cancel() {
    run(async {
        let (promise, promised) = promise();
        assert!(promised.cancel());
        assert!(promised.is_cancelled() && promised.is_done());
        assert!(promised.outcome().unwrap().unwrap_err().is_cancelled());
        assert_eq!(promise.set(7), Err(AlreadyDone(7)));
        assert_eq!(promise.set_err("late"), Err(AlreadyDone("late")));
        assert!(!promised.cancel() && !promise.cancel());
        assert!(promised.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn result() {
    run(async {
        let (promise, promised) = promise();
        assert_eq!(promised.outcome(), None);
        promise.set(42).unwrap();
        assert!(promised.is_done() && !promised.is_cancelled());
        assert_eq!(promised.outcome(), Some(Ok(42)));
        assert_eq!(promise.set(7), Err(AlreadyDone(7)));
        assert_eq!(promise.set_err("late"), Err(AlreadyDone("late")));
        assert!(!promised.cancel());
        assert_eq!(promised.await, Ok(42));
    });
}

/// The error that was set.
fn failure<T>(outcome: Result<T, PromiseError>) -> Arc<dyn Error + Send + Sync> {
    match outcome {
        Err(PromiseError::Failed(error)) => error,
        _ => panic!("no error was set"),
    }
}

#[test]
fn exception() {
    run(async {
        let (promise, promised) = promise::<u8>();
        assert_eq!(promised.outcome(), None);
        promise.set_err("boom").unwrap();
        assert!(promised.is_done() && !promised.is_cancelled());
        let error = failure(promised.outcome().unwrap());
        assert_eq!(error.to_string(), "boom");
        assert_eq!(promise.set(7), Err(AlreadyDone(7)));
        assert_eq!(promise.set_err("late"), Err(AlreadyDone("late")));
        assert!(!promised.cancel());
        assert!(Arc::ptr_eq(&failure(promised.await), &error));
    });
}

#[test]
fn yield_from_twice() {
    run(async {
        let (promise, promised) = promise();
        let task = spawn(async move {
            let first = promised.clone().await;
            let second = promised.now_or_never().expect("it does not suspend again");
            (first, second)
        });
        yield_now().await;
        promise.set(42).unwrap();
        assert_eq!(task.await.unwrap(), (Ok(42), Ok(42)));
    });
}

/// Completes one future as another was.
fn copy_outcome(from: &Promised<u8>, to: &Promise<u8>) {
    match from.outcome().expect("it is done") {
        Ok(value) => to.set(value).unwrap(),
        Err(PromiseError::Cancelled(_)) => assert!(to.cancel()),
        Err(error) => to.set_err(failure(Err::<u8, _>(error))).unwrap(),
    }
}

#[test]
fn copy_state() {
    run(async {
        let copy_of = |complete: fn(&Promise<u8>)| {
            let ((promise, promised), (copy, copied)) = (promise(), promise());
            complete(&promise);
            copy_outcome(&promised, &copy);
            copied
        };
        assert_eq!(copy_of(|promise| promise.set(10).unwrap()).await, Ok(10));
        let failed = copy_of(|promise| promise.set_err("boom").unwrap());
        assert_eq!(failure(failed.await).to_string(), "boom");
        assert!(copy_of(|promise| assert!(promise.cancel())).is_cancelled());
    });
}

/// What is reported of a future that `complete` was done to, and then dropped.
fn reports_after(complete: fn(&Promise<u8>, &Promised<u8>)) -> Vec<String> {
    reports_of(async move {
        let (promise, promised) = promise();
        complete(&promise, &promised);
    })
}

#[test]
fn tb_logger_abandoned() {
    assert_eq!(reports_after(|_, _| {}), [""; 0]);
}

#[test]
fn tb_logger_not_called_after_cancel() {
    let reports = reports_after(|promise, promised| {
        promise.set_err("boom").unwrap();
        promised.cancel();
    });
    assert_eq!(reports, [""; 0]);
}

#[test]
fn tb_logger_result_unretrieved() {
    assert_eq!(reports_after(|promise, _| promise.set(42).unwrap()), [""; 0]);
}

#[test]
fn tb_logger_result_retrieved() {
    let reports = reports_after(|promise, promised| {
        promise.set(42).unwrap();
        assert_eq!(promised.outcome(), Some(Ok(42)));
    });
    assert_eq!(reports, [""; 0]);
}

#[test]
fn tb_logger_exception_unretrieved() {
    let reports = reports_after(|promise, _| promise.set_err("boom").unwrap());
    assert_eq!(reports.len(), 1);
}

#[test]
fn tb_logger_exception_retrieved() {
    let reports = reports_after(|promise, promised| {
        promise.set_err("boom").unwrap();
        assert!(promised.outcome().unwrap().is_err());
    });
    assert_eq!(reports, [""; 0]);
}

#[test]
fn tb_logger_exception_result_retrieved() {
    let reports = reports_of(async {
        let (promise, promised) = promise::<u8>();
        promise.set_err("boom").unwrap();
        assert!(promised.await.is_err());
    });
    assert_eq!(reports, [""; 0]);
}

#[test]
fn future_exception_never_retrieved() {
    let reports = reports_after(|promise, _| promise.set_err("boom").unwrap());
    assert_eq!(reports, ["a promise's error was never looked at: the promised value failed: boom"]);
}

#[test]
fn wrap_future() {
    let mut event_loop = EventLoop::new().unwrap();
    let (sender, receiver) = oneshot::channel();
    let thread = thread::spawn(move || sender.send(("oi", thread::current().id())).unwrap());
    let (text, id) = event_loop.run_until_complete(receiver).unwrap().unwrap();
    assert_eq!(text, "oi");
    assert_ne!(id, thread::current().id());
    thread.join().unwrap();
}

#[test]
fn set_result_unless_cancelled() {
    run(async {
        let (promise, promised) = promise();
        promise.cancel();
        assert_eq!(promise.set(2), Err(AlreadyDone(2)));
        assert!(promised.is_cancelled());
    });
}

/// A future, and what its callbacks put into a bag.
struct Bag {
    promise: Promise<&'static str>,
    promised: Promised<&'static str>,
    things: Rc<RefCell<Vec<u8>>>,
}

impl Bag {
    fn new() -> Bag {
        let (promise, promised) = promise();
        Bag { promise, promised, things: Rc::default() }
    }

    fn add(&self, thing: u8) -> CallHandle {
        let things = Rc::clone(&self.things);
        self.promised.add_done_callback(move |done| {
            assert!(done.is_done());
            things.borrow_mut().push(thing);
        })
    }

    /// Sets the value: nothing is called inside `set`, and in the next turn these are.
    async fn assert_called(self, expected: &[u8]) {
        assert_eq!(*self.things.borrow(), []);
        self.promise.set("foo").unwrap();
        assert_eq!(*self.things.borrow(), []);
        yield_now().await;
        assert_eq!(*self.things.borrow(), expected);
        assert_eq!(self.promised.await, Ok("foo"));
    }
}

/// Adds three callbacks and takes some of them back, twice.
fn assert_removed(removed: &'static [usize], expected: &'static [u8]) {
    run(async {
        let bag = Bag::new();
        let callbacks = [42, 17, 100].map(|thing| bag.add(thing));
        for first in [true, false] {
            removed.iter().for_each(|index| assert_eq!(callbacks[*index].cancel(), first));
        }
        bag.assert_called(expected).await;
    });
}

#[test]
fn callbacks_remove_first_callback() {
    assert_removed(&[0], &[17, 100]);
}

#[test]
fn callbacks_remove_first_and_second_callback() {
    assert_removed(&[0, 1], &[100]);
}

#[test]
fn callbacks_remove_third_callback() {
    assert_removed(&[2], &[42, 17]);
}

#[test]
fn callbacks_invoked_on_set_result() {
    run(async {
        let bag = Bag::new();
        let _ = (bag.add(42), bag.add(17));
        bag.assert_called(&[42, 17]).await;
    });
}

#[test]
fn callbacks_invoked_on_set_exception() {
    run(async {
        let bag = Bag::new();
        let _ = bag.add(100);
        bag.promise.set_err("boom").unwrap();
        assert_eq!(*bag.things.borrow(), []);
        yield_now().await;
        assert_eq!(*bag.things.borrow(), [100]);
        assert_eq!(failure(bag.promised.await).to_string(), "boom");
    });
}

#[test]
fn remove_done_callback() {
    run(async {
        let bag = Bag::new();
        let first = bag.add(1);
        assert!(bag.add(2).cancel());
        let other = Bag::new();
        assert!(other.add(3).cancel());
        // One of each is left, and five more of the first kind come.
        let _stays = bag.add(2);
        let more = [(); 5].map(|()| bag.add(1));
        assert_eq!(more.iter().chain([&first]).filter(|callback| callback.cancel()).count(), 6);
        bag.assert_called(&[2]).await;
        // A turn for what was taken back: it is skipped.
        call_soon(|| ());
        yield_now().await;
    });
}
