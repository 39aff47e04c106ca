//! What the documentation promises, one test for each promise.

use std::cell::RefCell;
use std::rc::Rc;

use timer_wheel::{Expired, TimerKey, TimerWheel};

#[test]
fn expired_timers_come_with_their_key_and_their_deadline() {
    let mut wheel = TimerWheel::with_start(100);
    let key = wheel.insert(150, "value");
    wheel.advance(200);
    assert_eq!(wheel.pop_expired(), Some(Expired { key, deadline: 150, value: "value" }));
    assert_eq!(wheel.pop_expired(), None);
}

#[test]
fn time_starts_where_it_is_told_to_and_never_goes_back() {
    let mut wheel = TimerWheel::with_start(1000);
    assert_eq!(wheel.now(), 1000);
    wheel.insert(900, ());
    wheel.advance(500);
    assert_eq!(wheel.now(), 1000);
    assert_eq!(wheel.pop_expired().map(|timer| timer.deadline), Some(900));
    assert_eq!(TimerWheel::<()>::default().now(), 0);
}

#[test]
fn a_reset_timer_keeps_its_key_and_goes_behind_its_equals() {
    let mut wheel = TimerWheel::new();
    let first = wheel.insert(50, "first");
    wheel.insert(50, "second");
    assert!(wheel.reset(first, 50));
    assert_eq!(wheel.get(first), Some(&"first"));
    wheel.advance(50);
    assert_eq!(wheel.pop_expired().map(|timer| timer.value), Some("second"));
    assert_eq!(wheel.pop_expired().map(|timer| timer.key), Some(first));
}

#[test]
fn a_timer_can_be_reset_to_earlier_and_to_later() {
    let mut wheel = TimerWheel::new();
    let key = wheel.insert(1 << 40, ());
    for deadline in [1 << 20, 1 << 50, 3, 1 << 30] {
        assert!(wheel.reset(key, deadline));
        wheel.assert_valid();
        assert_eq!(wheel.next_deadline(), Some(deadline));
    }
    wheel.advance(1 << 30);
    assert!(wheel.pop_expired().is_some());
    assert!(!wheel.reset(key, 1), "it is gone");
}

#[test]
fn a_payload_can_be_looked_at_and_changed() {
    let mut wheel = TimerWheel::new();
    let key = wheel.insert(10, String::from("a"));
    wheel.get_mut(key).expect("a pending timer").push('b');
    assert_eq!(wheel.get(key).map(String::as_str), Some("ab"));
}

#[test]
fn draining_empties_the_wheel_at_once_and_keeps_the_order() {
    let mut wheel = TimerWheel::new();
    let key = wheel.insert(1 << 40, 3);
    wheel.insert(5, 1);
    wheel.insert(1 << 30, 2);
    wheel.insert(1 << 40, 4);
    wheel.advance(7);
    wheel.insert(0, 0);
    let drained = wheel.drain();
    assert!(wheel.is_empty() && wheel.next_wakeup().is_none() && !wheel.contains(key));
    wheel.assert_valid();
    assert_eq!(drained.collect::<Vec<_>>(), [0, 1, 2, 3, 4]);

    let key = wheel.insert(8, 5);
    wheel.assert_valid();
    wheel.clear();
    assert!(wheel.is_empty() && !wheel.contains(key));
    assert_eq!(wheel.now(), 7, "time stays what it was");
}

#[test]
fn keys_stay_stale_though_the_memory_behind_them_was_given_back() {
    let mut wheel = TimerWheel::new();
    let mut keys: Vec<TimerKey> = Vec::new();
    for _ in 0..3 {
        let new: Vec<TimerKey> = (0..100).map(|n| wheel.insert(n, n)).collect();
        assert!(keys.iter().all(|&key| !wheel.contains(key)));
        keys.extend(new);
        wheel.advance(1000);
        while wheel.pop_expired().is_some() {}
        wheel.shrink_to_fit();
        wheel.assert_valid();
    }
    assert!(keys.iter().all(|&key| wheel.remove(key).is_none()));
}

#[test]
fn shrinking_keeps_what_is_pending() {
    let mut wheel = TimerWheel::new();
    let keys: Vec<TimerKey> = (0..100).map(|n| wheel.insert(1 << n.min(63), n)).collect();
    for &key in keys.iter().filter(|&&key| key != keys[40]) {
        wheel.remove(key);
    }
    wheel.shrink_to_fit();
    wheel.assert_valid();
    assert_eq!(wheel.get(keys[40]), Some(&40));
    assert_eq!(wheel.len(), 1);
    for n in 0..100 {
        wheel.insert(n, 0);
    }
    wheel.assert_valid();
}

/// Counts in a ledger shared with the test how often each payload was dropped.
struct Payload(usize, Rc<RefCell<Vec<u32>>>);

impl Drop for Payload {
    fn drop(&mut self) {
        self.1.borrow_mut()[self.0] += 1;
    }
}

#[test]
fn every_payload_is_dropped_once_whichever_way_it_leaves() {
    let ledger = Rc::new(RefCell::new(vec![0; 50]));
    let mut wheel = TimerWheel::new();
    let insert = |wheel: &mut TimerWheel<Payload>, id| {
        wheel.insert(id as u64 * 1_000_000, Payload(id, Rc::clone(&ledger)))
    };
    let keys: Vec<TimerKey> = (0..50).map(|id| insert(&mut wheel, id)).collect();
    let dropped = || ledger.borrow().iter().sum::<u32>();
    keys[..10].iter().for_each(|&key| drop(wheel.remove(key)));
    for &key in &keys[..20] {
        wheel.reset(key, 30_000_000);
    }
    assert_eq!(dropped(), 10, "removed");
    wheel.advance(25_000_000);
    while wheel.pop_expired().is_some() {}
    assert_eq!(dropped(), 10 + 6, "popped");
    drop(wheel.drain().take(4));
    assert_eq!(dropped(), 50, "drained, though not all were asked for");
    drop(wheel);
    assert_eq!(*ledger.borrow(), [1; 50]);
}

#[test]
fn payloads_are_dropped_with_the_wheel() {
    let ledger = Rc::new(RefCell::new(vec![0; 3]));
    let mut wheel = TimerWheel::new();
    for (id, deadline) in [0, 5, 1 << 40].into_iter().enumerate() {
        wheel.insert(deadline, Payload(id, Rc::clone(&ledger)));
    }
    wheel.advance(1);
    drop(wheel);
    assert_eq!(*ledger.borrow(), [1; 3]);
}

#[test]
fn keys_are_small_and_may_be_sent_and_stored_as_options() {
    fn assert_key<K: Copy + Eq + std::hash::Hash + Send + Sync + std::fmt::Debug>() {}
    assert_key::<TimerKey>();
    assert_eq!(size_of::<Option<TimerKey>>(), 8);
    fn assert_send<S: Send + Sync>() {}
    assert_send::<TimerWheel<u64>>();
}

#[test]
fn a_wheel_shows_what_it_is_about() {
    let mut wheel = TimerWheel::with_start(3);
    wheel.insert(8, "payloads need not be Debug");
    let shown = format!("{wheel:?}");
    assert_eq!(shown, "TimerWheel { now: 3, len: 1, armed: 1, .. }");
}
