//! How much memory the wheel takes, and when it asks for it.

use allocation_counter::measure;
use timer_wheel::{TimerKey, TimerWheel};

/// Deadlines with no pattern, at most 2^35 ahead: half a minute of nanoseconds.
fn deadlines() -> impl FnMut(u64) -> u64 {
    let mut state = 1u64;
    move |now| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        now + (state >> 29)
    }
}

#[test]
fn nothing_is_allocated_once_as_many_timers_have_been_pending_before() {
    let (mut wheel, mut deadline) = (TimerWheel::new(), deadlines());
    let mut keys: Vec<TimerKey> = (0..2000).map(|n| wheel.insert(deadline(0), n)).collect();
    let mut turns = |wheel: &mut TimerWheel<usize>, count: u64| {
        for turn in 0..count {
            let now = wheel.now() + (1 << 22);
            wheel.advance(now);
            while let Some(timer) = wheel.pop_expired() {
                keys[timer.value] = wheel.insert(deadline(now), timer.value);
            }
            let id = turn as usize * 7 % keys.len();
            wheel.reset(keys[id], deadline(now));
            let id = turn as usize * 11 % keys.len();
            wheel.remove(keys[id]);
            keys[id] = wheel.insert(deadline(now), id);
        }
    };
    // Long enough to see how crowded the slots and the due stage get.
    turns(&mut wheel, 60_000);
    let memory = measure(|| turns(&mut wheel, 20_000));
    assert_eq!(memory.count_total, 0);
}

#[test]
fn inserting_and_removing_takes_no_more_memory_than_one_timer() {
    let mut wheel = TimerWheel::new();
    for deadline in [0, 1 << 19, 1 << 25, 1 << 35, 1 << 45, u64::MAX] {
        let memory = measure(|| {
            for n in 0..1000 {
                let key = wheel.insert(deadline, n);
                wheel.remove(key);
            }
        });
        assert!(memory.bytes_max < 1024, "{memory:?}");
    }
}

#[test]
fn a_timer_takes_at_most_40_bytes_beside_its_payload_however_many_there_are() {
    // A table that doubles would have room for 131,072 of them.
    const TIMERS: u64 = 100_000;
    let (mut wheel, mut deadline) = (TimerWheel::new(), deadlines());
    let memory = measure(|| {
        for n in 0..TIMERS {
            wheel.insert(deadline(0), n);
        }
    });
    let bytes = memory.bytes_current as f64 / TIMERS as f64 - size_of::<u64>() as f64;
    assert!(bytes <= 40.0, "{bytes} bytes");
}

#[test]
fn filling_and_draining_takes_no_more_memory_the_tenth_time() {
    let mut wheel = TimerWheel::new();
    let mut fill_and_drain = || {
        for n in 0..1000 {
            wheel.insert(n << 20, n);
        }
        assert_eq!(wheel.drain().count(), 1000);
    };
    fill_and_drain();
    let memory = measure(|| (0..10).for_each(|_| fill_and_drain()));
    assert_eq!(memory.bytes_current, 0, "{memory:?}");
}

#[test]
fn memory_comes_back_when_asked_for() {
    let mut wheel = TimerWheel::new();
    let memory = measure(|| {
        let keys: Vec<TimerKey> = (0..10_000).map(|n| wheel.insert(n << 18, n)).collect();
        wheel.advance(1 << 30); // four in ten are due
        for key in keys {
            wheel.remove(key);
        }
        wheel.shrink_to_fit();
    });
    assert!(memory.bytes_max > 400_000, "{memory:?}");
    assert!(memory.bytes_current < 1000, "{memory:?}");
}
