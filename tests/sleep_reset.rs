//! A sleep that is given another end: `Sleep::reset`.

mod common;

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use common::{Trace, ms, run, turns};
use wheelhouse::{call_later, sleep, sleep_until, spawn, time};

#[test]
fn a_sleep_that_is_moved_back_ends_at_its_new_end_only() {
    run(async {
        let mut nap = pin!(sleep(ms(10)));
        assert!(poll_fn(|cx| Poll::Ready(nap.as_mut().poll(cx))).await.is_pending());
        sleep(ms(4)).await;
        nap.reset(ms(20));
        nap.await;
        assert_eq!(time(), ms(24));
    });
}

#[test]
fn a_sleep_that_is_moved_forward_ends_early() {
    run(async {
        let mut nap = pin!(sleep(ms(100)));
        assert!(poll_fn(|cx| Poll::Ready(nap.as_mut().poll(cx))).await.is_pending());
        nap.reset_until(ms(7));
        nap.as_mut().await;
        assert_eq!(time(), ms(7));
        nap.reset_until(ms(3));
        nap.await;
        assert_eq!(time(), ms(7), "a time that has come is one bare turn");
    });
}

#[test]
fn who_waits_need_not_poll_again_to_be_woken_at_the_new_end() {
    run(async {
        let trace = Trace::default();
        let nap = Rc::new(RefCell::new(sleep(ms(10))));
        let sleeper = spawn({
            let (nap, trace) = (Rc::clone(&nap), trace.clone());
            async move {
                poll_fn(|cx| Pin::new(&mut *nap.borrow_mut()).poll(cx)).await;
                trace.at("woken");
            }
        });
        turns(2).await;
        nap.borrow_mut().reset(ms(30));
        sleep(ms(20)).await;
        trace.at("still asleep");
        nap.borrow_mut().reset(Duration::ZERO);
        sleeper.await.unwrap();
        trace.expect(&["20 still asleep", "20 woken"]);
    });
}

/// Its timer's handle is in the ready queue when it is moved, and must not end it.
#[test]
fn a_sleep_that_is_moved_in_the_turn_of_its_end_goes_on() {
    run(async {
        let nap = Rc::new(RefCell::new(sleep(ms(10))));
        call_later(ms(10), {
            let nap = Rc::clone(&nap);
            move || nap.borrow_mut().reset(ms(5))
        });
        poll_fn(|cx| Pin::new(&mut *nap.borrow_mut()).poll(cx)).await;
        assert_eq!(time(), ms(15));
    });
}

/// It was set, and its task's step is in the ready queue; the task finds it pending again.
#[test]
fn a_sleep_that_is_moved_before_its_end_was_seen_goes_on() {
    run(async {
        let nap = Rc::new(RefCell::new(sleep(ms(10))));
        let mover = spawn({
            let nap = Rc::clone(&nap);
            async move {
                sleep(ms(10)).await;
                nap.borrow_mut().reset(ms(5));
            }
        });
        turns(1).await;
        poll_fn(|cx| Pin::new(&mut *nap.borrow_mut()).poll(cx)).await;
        assert_eq!(time(), ms(15));
        mover.await.unwrap();
    });
}

#[test]
fn a_sleep_that_has_not_begun_or_is_over_takes_the_new_delay() {
    run(async {
        let mut nap = pin!(sleep_until(ms(3)));
        nap.reset(ms(10));
        sleep(ms(1)).await;
        nap.as_mut().await;
        assert_eq!(time(), ms(11), "the delay counts from the first poll");
        nap.reset(ms(10));
        nap.as_mut().await;
        nap.reset(Duration::ZERO);
        nap.await;
        assert_eq!(time(), ms(21));
    });
}
