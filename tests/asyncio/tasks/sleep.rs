//! Sleeping.

use std::cell::Cell;
use std::rc::Rc;

use wheelhouse::{call_soon, sleep as sleep_for, time, yield_now};

use super::{LONG, run_briefly};
use crate::common::{ms, run, virtual_loop};

#[test]
fn sleep() {
    run(async {
        let sleeper = async |length: u64, value| {
            sleep_for(ms(length / 2)).await;
            sleep_for(ms(length / 2)).await;
            value
        };
        assert_eq!(sleeper(100, "yeah").await, "yeah");
        assert_eq!(time(), ms(100));
    });
}

#[test]
fn sleep_cancel() {
    let mut event_loop = virtual_loop();
    let task = event_loop.spawn(sleep_for(LONG));
    run_briefly(&mut event_loop);
    assert_eq!(event_loop.next_deadline(), Some(LONG));
    task.cancel();
    run_briefly(&mut event_loop);
    assert!(task.is_cancelled());
    assert_eq!((event_loop.next_deadline(), event_loop.census().timers), (None, 0));
}

#[test]
fn sleep_zero() {
    run(async {
        let result = Rc::new(Cell::new(0));
        let counter = Rc::clone(&result);
        call_soon(move || counter.set(counter.get() + 1));
        assert_eq!(result.get(), 0);
        yield_now().await;
        assert_eq!(result.get(), 1);
        sleep_for(std::time::Duration::ZERO).await;
        result.set(result.get() + 10);
        assert_eq!(result.get(), 11);
    });
}
