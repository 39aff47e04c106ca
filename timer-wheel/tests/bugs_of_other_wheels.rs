//! What has gone wrong in other timer wheels and event loops: one test for each.

use std::rc::Rc;

use timer_wheel::TimerWheel;

/// In time of nanoseconds a slot of the finest level is 2^20 wide.
const SLOT: u64 = 1 << 20;

/// What expires at `now`, in order.
fn expire<T>(wheel: &mut TimerWheel<T>, now: u64) -> Vec<T> {
    wheel.advance(now);
    wheel.assert_valid();
    let expired: Vec<T> =
        std::iter::from_fn(|| wheel.pop_expired()).map(|timer| timer.value).collect();
    wheel.assert_valid();
    expired
}

#[test]
fn a_far_timer_does_not_hide_a_near_one() {
    let mut wheel = TimerWheel::new();
    // Far enough for the second level when inserted, and left there as time comes closer.
    wheel.insert(100 * SLOT, "near by now");
    wheel.advance(60 * SLOT);
    wheel.insert(110 * SLOT, "on the finest level, but later");
    assert_eq!(wheel.next_wakeup(), Some(100 * SLOT));
    assert_eq!(wheel.next_deadline(), Some(100 * SLOT));

    wheel.insert(u64::MAX, "as far as can be");
    wheel.insert(70 * SLOT, "nearest");
    assert_eq!(wheel.next_wakeup(), Some(70 * SLOT));
    assert_eq!(expire(&mut wheel, 70 * SLOT), ["nearest"]);
    assert_eq!(wheel.next_wakeup(), Some(100 * SLOT));
}

#[test]
fn the_largest_deadline_is_an_ordinary_one() {
    let mut wheel = TimerWheel::new();
    let key = wheel.insert(u64::MAX, "at the end of time");
    assert_eq!(wheel.deadline(key), Some(u64::MAX));
    assert_eq!(wheel.next_wakeup(), Some(u64::MAX));
    assert!(expire(&mut wheel, u64::MAX - 1).is_empty());
    assert!(wheel.reset(key, u64::MAX));
    assert_eq!(expire(&mut wheel, u64::MAX), ["at the end of time"]);

    wheel.insert(u64::MAX, "again");
    wheel.insert(0, "long past");
    assert_eq!(expire(&mut wheel, u64::MAX), ["long past", "again"]);
    assert_eq!(wheel.next_wakeup(), None);
}

#[test]
fn no_distance_is_out_of_range() {
    for start in [0, 1 << 63, u64::MAX - 1, u64::MAX] {
        for bit in 0..64 {
            let mut wheel = TimerWheel::with_start(start);
            let deadline = start.saturating_add(1 << bit);
            wheel.insert(deadline, bit);
            wheel.assert_valid();
            assert_eq!(wheel.next_wakeup(), Some(deadline));
            assert_eq!(expire(&mut wheel, deadline), [bit]);
        }
    }
}

#[test]
fn a_timer_can_be_removed_wherever_time_has_moved_it() {
    const DEADLINE: u64 = 5000 * SLOT + 7;
    for stop in (0..=DEADLINE).step_by(61 * SLOT as usize + 3).chain([DEADLINE - 1, DEADLINE]) {
        let mut wheel = TimerWheel::new();
        let key = wheel.insert(DEADLINE, "removed");
        wheel.insert(DEADLINE, "left");
        for now in (0..stop).step_by(17 * SLOT as usize) {
            wheel.advance(now);
        }
        wheel.advance(stop);
        assert_eq!(wheel.remove(key), Some("removed"));
        wheel.assert_valid();
        assert_eq!(expire(&mut wheel, DEADLINE), ["left"]);
    }
}

#[test]
fn an_old_key_does_not_reach_the_timer_that_has_its_storage_now() {
    let mut wheel = TimerWheel::new();
    let old = wheel.insert(10, "old");
    assert_eq!(wheel.remove(old), Some("old"));
    let new = wheel.insert(20, "new");
    assert_ne!(old, new);
    assert_eq!(wheel.remove(old), None);
    assert!(!wheel.reset(old, 5));
    assert_eq!((wheel.get(old), wheel.deadline(old)), (None, None));
    assert_eq!(wheel.get_mut(old), None);
    assert_eq!(wheel.deadline(new), Some(20));
    assert_eq!(expire(&mut wheel, 20), ["new"]);
    assert!(!wheel.contains(new), "and a key is old once its timer has expired");
}

#[test]
fn equal_deadlines_expire_in_the_order_of_insertion_wherever_they_were() {
    let mut wheel = TimerWheel::new();
    let deadline = 1000 * SLOT;
    // From ever nearer, so that the timers start out on different levels.
    for (id, now) in (0..1000).step_by(3).enumerate() {
        wheel.advance(now * SLOT);
        wheel.insert(deadline, id);
    }
    let expired = expire(&mut wheel, deadline);
    assert_eq!(expired, Vec::from_iter(0..expired.len()));
    assert_eq!(expired.len(), 334);
}

#[test]
fn nothing_expires_early_however_late_in_its_slot_it_is_due() {
    for deadline in [1, SLOT - 1, SLOT, 2 * SLOT - 1, 64 * SLOT - 1, 512 * SLOT + 1] {
        let mut wheel = TimerWheel::new();
        wheel.insert(deadline, ());
        assert!(expire(&mut wheel, deadline - 1).is_empty(), "{deadline} expired early");
        assert_eq!(expire(&mut wheel, deadline).len(), 1);
    }
}

#[test]
fn every_wakeup_expires_something_so_that_waiting_never_spins() {
    let mut wheel = TimerWheel::new();
    for n in 0..500u64 {
        wheel.insert(n * n * n * 10_007 + n, ());
    }
    let mut wakeups = 0;
    while let Some(at) = wheel.next_wakeup() {
        wakeups += 1;
        assert_eq!(expire(&mut wheel, at).len(), 1);
    }
    assert_eq!(wakeups, 500);
}

#[test]
fn a_wakeup_for_a_removed_timer_does_not_come_twice() {
    let mut wheel = TimerWheel::new();
    let removed = wheel.insert(700 * SLOT + 1, "removed");
    wheel.insert(700 * SLOT + 9, "left");
    wheel.remove(removed);
    let at = wheel.next_wakeup().expect("a timer is left");
    assert!(at <= 700 * SLOT + 9);
    assert!(expire(&mut wheel, at).is_empty());
    assert_eq!(wheel.next_wakeup(), Some(700 * SLOT + 9));
}

#[test]
fn a_timer_set_again_for_now_does_not_keep_the_expiry_from_ending() {
    let mut wheel = TimerWheel::new();
    wheel.insert(5, 0);
    wheel.insert(5, 100);
    wheel.advance(10);
    let mut turns = Vec::new();
    while let Some(timer) = wheel.pop_expired() {
        turns.push(timer.value);
        wheel.insert(0, timer.value + 1);
    }
    assert_eq!(turns, [0, 100]);
    // Time need not move for the next turn, but there has to be one.
    assert_eq!(wheel.next_wakeup(), Some(0));
    assert_eq!(expire(&mut wheel, 10), [1, 101]);
}

#[test]
fn what_is_reset_while_it_could_be_popped_waits_for_the_next_advance() {
    let mut wheel = TimerWheel::new();
    let first = wheel.insert(1, "first");
    wheel.insert(2, "second");
    wheel.advance(3);
    assert!(wheel.reset(first, 1));
    wheel.assert_valid();
    assert_eq!(wheel.pop_expired().map(|timer| timer.value), Some("second"));
    assert!(wheel.pop_expired().is_none());
    assert_eq!(expire(&mut wheel, 3), ["first"]);
}

#[test]
fn the_payload_of_a_removed_timer_is_not_kept_until_its_deadline() {
    let payload = Rc::new(());
    let mut wheel = TimerWheel::new();
    let keys: Vec<_> = (0..40).map(|bit| wheel.insert(1 << bit, Rc::clone(&payload))).collect();
    wheel.advance(3);
    assert_eq!(Rc::strong_count(&payload), 41);
    keys.into_iter().for_each(|key| drop(wheel.remove(key)));
    assert_eq!(Rc::strong_count(&payload), 1);
}

#[test]
fn the_wakeup_follows_when_the_first_or_the_last_timer_changes() {
    let mut wheel = TimerWheel::new();
    assert_eq!(wheel.next_wakeup(), None);
    let first = wheel.insert(500 * SLOT, "first");
    let last = wheel.insert(900 * SLOT, "last");
    assert_eq!(wheel.next_wakeup(), Some(500 * SLOT));
    wheel.reset(last, 400 * SLOT);
    assert_eq!(wheel.next_wakeup(), Some(400 * SLOT), "the last is first now");
    wheel.reset(last, 900 * SLOT);
    assert_eq!(wheel.next_deadline(), Some(500 * SLOT), "and last again");
    assert_eq!(wheel.next_wakeup(), Some(500 * SLOT));
    wheel.remove(first);
    assert_eq!(wheel.next_wakeup(), Some(900 * SLOT));
    wheel.insert(1, "in the current slot");
    assert_eq!(wheel.next_wakeup(), Some(1));
    assert_eq!(expire(&mut wheel, 1), ["in the current slot"]);
    wheel.remove(last);
    assert_eq!(wheel.next_wakeup(), None);
}

#[test]
fn an_empty_wheel_has_no_wakeup_though_the_earliest_timer_was_removed_first() {
    let mut wheel = TimerWheel::new();
    let earlier = wheel.insert(700 * SLOT + 1, ());
    let later = wheel.insert(700 * SLOT + 2, ());
    wheel.remove(earlier);
    assert!(wheel.next_wakeup().is_some());
    let same = wheel.insert(700 * SLOT + 2, ());
    wheel.remove(later);
    // As far as the slot, so that the last timer is removed from the due stage.
    wheel.advance(700 * SLOT);
    wheel.remove(same);
    wheel.assert_valid();
    assert_eq!(wheel.next_wakeup(), None);
}

#[test]
fn after_a_long_sleep_everything_it_passed_expires_in_order() {
    let mut wheel = TimerWheel::new();
    let mut deadlines: Vec<u64> = (0..2000).map(|n| n * 7_919 % 2000 * 3 * SLOT + n).collect();
    for &deadline in &deadlines {
        wheel.insert(deadline, deadline);
    }
    deadlines.sort_unstable();
    assert_eq!(expire(&mut wheel, 1 << 60), deadlines);
}
