//! A value that is promised: set once, by hand, for one waiter or several.

mod common;

use common::{Trace, ms, run, turns, virtual_loop};
use std::rc::Rc;
use wheelhouse::{Promise, PromiseError, Promised, call_soon, promise, sleep, spawn, yield_now};

#[test]
fn a_value_that_is_set_before_anybody_waits_is_there() {
    run(async {
        let (promise, promised) = promise();
        assert!(!promise.is_done() && !promised.is_done());
        promise.set(7).unwrap();
        assert!(promise.is_done() && promised.is_done());
        assert_eq!(promised.await, Ok(7));
    });
}

#[test]
fn waiters_step_in_the_order_in_which_they_came() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (promise, promised) = promise();
        let waiters: Vec<_> = (0..4)
            .map(|n| {
                let (t, promised) = (t.clone(), promised.clone());
                spawn(async move {
                    let value: u8 = promised.await.unwrap();
                    t.note(format_args!("{n} got {value}"));
                })
            })
            .collect();
        yield_now().await;
        promise.set(7).unwrap();
        t.note("set");
        for waiter in waiters {
            waiter.await.unwrap();
        }
    });
    trace.expect(&["set", "0 got 7", "1 got 7", "2 got 7", "3 got 7"]);
}

#[test]
fn a_promise_is_kept_once_and_gives_a_second_value_back() {
    run(async {
        let (promise, promised) = promise();
        promise.set("first").unwrap();
        let refused = promise.set("second").unwrap_err();
        assert_eq!(refused.0, "second");
        assert_eq!(refused.to_string(), "the promise was already set, failed or cancelled");
        assert_eq!(promise.set_err("third").unwrap_err().0, "third");
        assert!(!promise.cancel() && !promised.cancel());
        assert_eq!(promised.await, Ok("first"));
    });
}

#[test]
fn a_value_without_clone_goes_to_its_one_waiter_once() {
    struct Unique;
    run(async {
        let (promise, mut promised) = promise();
        promise.set(Unique).unwrap();
        assert!((&mut promised).await.is_ok());
        assert_eq!(promised.await.err(), Some(PromiseError::Taken));
    });
}

#[test]
fn an_error_goes_to_every_waiter() {
    run(async {
        let (promise, promised) = promise::<u8>();
        let (second, third) = (promised.clone(), promised.clone());
        promise.set_err("no tea").unwrap();
        let first = promised.await.unwrap_err();
        assert_eq!(first.to_string(), "the promised value failed: no tea");
        assert_eq!(second.await.unwrap_err(), first);
        assert_eq!(third.await.unwrap_err(), first);
    });
}

#[test]
fn a_promise_that_is_dropped_unset_is_an_error() {
    run(async {
        let (promise, promised) = promise::<u8>();
        let second = promise.clone();
        drop(promise);
        assert!(!promised.is_done());
        call_soon(move || drop(second));
        let error = promised.await.unwrap_err();
        assert_eq!(error, PromiseError::Dropped);
        assert_eq!(error.to_string(), "every promise of the value was dropped unset");
    });
}

#[test]
fn either_side_can_cancel_it_for_every_waiter() {
    run(async {
        for from_the_promise in [true, false] {
            let (promise, promised) = promise::<u8>();
            let waiters = [spawn(promised.clone()), spawn(promised.clone())];
            turns(2).await;
            assert!(if from_the_promise { promise.cancel() } else { promised.cancel() });
            for waiter in waiters {
                // Nobody cancelled these waiters: it comes as a value.
                assert!(waiter.await.unwrap().unwrap_err().is_cancelled());
            }
            assert!(promise.set(7).is_err());
            assert!(promise.promised().await.unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn each_clone_gets_a_copy_and_leaves_the_value_for_others() {
    run(async {
        let (promise, promised) = promise();
        promise.set(String::from("tea")).unwrap();
        assert_eq!(promised.clone().await.unwrap(), "tea");
        assert_eq!(promised.clone().await.unwrap(), "tea");
        assert_eq!(promise.promised().await.unwrap(), "tea");
        assert_eq!(promised.await.unwrap(), "tea");
    });
}

#[test]
fn a_promise_may_be_kept_long_after_its_waiter_is_gone() {
    run(async {
        let (promise, promised) = promise();
        let mut promised = Box::pin(promised);
        assert!(futures::poll!(promised.as_mut()).is_pending());
        drop(promised);
        sleep(ms(1)).await;
        promise.set(7).unwrap();
        assert_eq!(promise.promised().await, Ok(7));
    });
}

#[test]
fn the_value_goes_with_the_last_of_both_sides() {
    run(async {
        let value = Rc::new(());
        let (promise, promised): (Promise<Rc<()>>, Promised<Rc<()>>) = promise();
        promise.set(Rc::clone(&value)).unwrap();
        drop(promise);
        assert_eq!(Rc::strong_count(&value), 2);
        drop(promised);
        assert_eq!(Rc::strong_count(&value), 1);
    });
}

#[test]
fn done_callbacks_stand_among_the_waiters() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let (promise, promised) = promise();
        let note = |what: &'static str| {
            let t = t.clone();
            move |done: &Promised<u8>| t.note(format_args!("{what}: {:?}", done.outcome()))
        };
        promised.add_done_callback(note("first"));
        let (task, inner) = (promised.clone(), t.clone());
        let task = spawn(async move { inner.note(format_args!("task: {:?}", task.await)) });
        yield_now().await;
        promised.add_done_callback(note("last"));
        promise.set(7).unwrap();
        promised.add_done_callback(note("late"));
        t.note("set");
        task.await.unwrap();
        yield_now().await;
    });
    trace.expect(&[
        "set",
        "first: Some(Ok(7))",
        "task: Ok(7)",
        "last: Some(Ok(7))",
        "late: Some(Ok(7))",
    ]);
}

#[test]
fn done_callbacks_are_called_for_a_cancel_and_for_a_promise_that_is_dropped() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let ways: [fn(Promise<u8>); 2] = [|promise| assert!(promise.cancel()), drop];
        for end in ways {
            let ((promise, promised), t) = (promise(), t.clone());
            promised.add_done_callback(move |done| t.note(done.outcome().unwrap().unwrap_err()));
            end(promise);
            yield_now().await;
        }
    });
    trace
        .expect(&["the promised value: cancelled", "every promise of the value was dropped unset"]);
}

#[test]
fn a_done_callback_goes_with_its_loop_and_is_not_taken_by_one_that_is_gone() {
    let trace = Trace::default();
    let mut event_loop = virtual_loop();
    let (promise, promised) = event_loop.run_until_complete(async { promise::<u8>() }).unwrap();
    let guard = trace.on_drop("went with the loop");
    promised.add_done_callback(move |_| drop(guard));
    drop(event_loop);
    trace.expect(&["went with the loop"]);
    let guard = trace.on_drop("went at once");
    assert!(promised.add_done_callback(move |_| drop(guard)).is_done());
    trace.expect(&["went at once"]);
    promise.set(7).unwrap();
    assert_eq!(promised.outcome(), Some(Ok(7)));
}
