//! The collections under test, each as its user would use it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hint::black_box;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hierarchical_hash_wheel_timer::IdOnlyTimerEntry;
use hierarchical_hash_wheel_timer::wheels::Skip;
use hierarchical_hash_wheel_timer::wheels::cancellable::QuadWheelWithOverflow;
use slab::Slab;
use timer_wheel::{TimerKey, TimerWheel};
use tokio::runtime::Runtime;
use tokio_util::time::{DelayQueue, delay_queue};

use super::MS;

/// A collection of timers under test; the payload is a `u64`.
pub(super) trait Timers {
    type Key: Copy;
    fn insert(&mut self, deadline: u64, value: u64) -> Self::Key;
    fn cancel(&mut self, key: Self::Key);
    fn reset(&mut self, key: Self::Key, deadline: u64) -> Self::Key;
    fn next(&mut self) -> Option<u64>;
    /// Sets a clock of the collection's own, off the record.
    fn set_clock(&mut self, _now: u64) {}
    /// Takes out what has expired, and returns how many.
    fn expire(&mut self, now: u64) -> u64;
}

#[derive(Default)]
pub(super) struct Wheel(TimerWheel<u64>);

impl Timers for Wheel {
    type Key = TimerKey;

    fn insert(&mut self, deadline: u64, value: u64) -> TimerKey {
        self.0.insert(deadline, value)
    }

    fn cancel(&mut self, key: TimerKey) {
        black_box(self.0.remove(key));
    }

    fn reset(&mut self, key: TimerKey, deadline: u64) -> TimerKey {
        self.0.reset(key, deadline);
        key
    }

    fn next(&mut self) -> Option<u64> {
        self.0.next_wakeup()
    }

    fn expire(&mut self, now: u64) -> u64 {
        self.0.advance(now);
        let mut count = 0;
        while let Some(timer) = self.0.pop_expired() {
            black_box(timer);
            count += 1;
        }
        count
    }
}

/// What async-io and glommio do.
#[derive(Default)]
pub(super) struct Tree {
    timers: BTreeMap<(u64, u64), u64>,
    sequence: u64,
}

impl Timers for Tree {
    type Key = (u64, u64);

    fn insert(&mut self, deadline: u64, value: u64) -> Self::Key {
        self.sequence += 1;
        self.timers.insert((deadline, self.sequence), value);
        (deadline, self.sequence)
    }

    fn cancel(&mut self, key: Self::Key) {
        black_box(self.timers.remove(&key));
    }

    fn reset(&mut self, key: Self::Key, deadline: u64) -> Self::Key {
        let value = self.timers.remove(&key).expect("a pending timer");
        self.insert(deadline, value)
    }

    fn next(&mut self) -> Option<u64> {
        self.timers.first_key_value().map(|(&(deadline, _), _)| deadline)
    }

    fn expire(&mut self, now: u64) -> u64 {
        let mut count = 0;
        while let Some(first) = self.timers.first_entry().filter(|first| first.key().0 <= now) {
            black_box(first.remove());
            count += 1;
        }
        count
    }
}

/// What asyncio does: cancelled timers stay in the heap until they are half of it.
#[derive(Default)]
pub(super) struct LazyHeap {
    heap: BinaryHeap<Reverse<(u64, u64, usize)>>,
    timers: Slab<(u64, u64)>,
    sequence: u64,
}

impl LazyHeap {
    fn push(&mut self, deadline: u64, key: usize) {
        self.timers[key].0 = self.sequence;
        self.heap.push(Reverse((deadline, self.sequence, key)));
        self.sequence += 1;
    }

    fn compact(&mut self) {
        if self.heap.len() > 2 * self.timers.len() + 100 {
            let timers = &self.timers;
            self.heap.retain(|&Reverse((_, sequence, key))| is_live(timers, sequence, key));
        }
    }
}

fn is_live(timers: &Slab<(u64, u64)>, sequence: u64, key: usize) -> bool {
    timers.get(key).is_some_and(|timer| timer.0 == sequence)
}

impl Timers for LazyHeap {
    type Key = usize;

    fn insert(&mut self, deadline: u64, value: u64) -> usize {
        let key = self.timers.insert((0, value));
        self.push(deadline, key);
        key
    }

    fn cancel(&mut self, key: usize) {
        black_box(self.timers.remove(key));
        self.compact();
    }

    fn reset(&mut self, key: usize, deadline: u64) -> usize {
        self.push(deadline, key);
        self.compact();
        key
    }

    fn next(&mut self) -> Option<u64> {
        while let Some(&Reverse((deadline, sequence, key))) = self.heap.peek() {
            if is_live(&self.timers, sequence, key) {
                return Some(deadline);
            }
            self.heap.pop();
        }
        None
    }

    fn expire(&mut self, now: u64) -> u64 {
        let mut count = 0;
        while self.heap.peek().is_some_and(|first| first.0.0 <= now) {
            let Some(Reverse((_, sequence, key))) = self.heap.pop() else {
                break;
            };
            if is_live(&self.timers, sequence, key) {
                black_box(self.timers.remove(key));
                count += 1;
            }
        }
        count
    }
}

/// tokio's wheel as a collection; its clock is tokio's, paused.
pub(super) struct Delays<'a> {
    queue: DelayQueue<u64>,
    runtime: &'a Runtime,
    start: tokio::time::Instant,
}

impl<'a> Delays<'a> {
    pub(super) fn new(runtime: &'a Runtime) -> Self {
        Delays { queue: DelayQueue::new(), runtime, start: tokio::time::Instant::now() }
    }

    fn at(&self, deadline: u64) -> tokio::time::Instant {
        self.start + Duration::from_nanos(deadline)
    }
}

impl Timers for Delays<'_> {
    type Key = delay_queue::Key;

    fn insert(&mut self, deadline: u64, value: u64) -> Self::Key {
        self.queue.insert_at(value, self.at(deadline))
    }

    fn cancel(&mut self, key: Self::Key) {
        black_box(self.queue.remove(&key));
    }

    fn reset(&mut self, key: Self::Key, deadline: u64) -> Self::Key {
        self.queue.reset_at(&key, self.at(deadline));
        key
    }

    fn next(&mut self) -> Option<u64> {
        let deadline = self.queue.peek().map(|key| self.queue.deadline(&key));
        deadline.map(|at| (at - self.start).as_nanos() as u64)
    }

    fn set_clock(&mut self, now: u64) {
        let by = self.at(now) - tokio::time::Instant::now();
        self.runtime.block_on(tokio::time::advance(by));
    }

    fn expire(&mut self, _now: u64) -> u64 {
        let mut cx = Context::from_waker(Waker::noop());
        let mut count = 0;
        while let Poll::Ready(Some(timer)) = self.queue.poll_expired(&mut cx) {
            black_box(timer.into_inner());
            count += 1;
        }
        count
    }
}

/// A wheel of 4 levels by 256 slots; its time is in milliseconds, and has to be ticked through.
pub(super) struct Quad {
    wheel: QuadWheelWithOverflow<IdOnlyTimerEntry<u64>>,
    now_ms: u64,
    ids: u64,
}

impl Default for Quad {
    fn default() -> Self {
        Quad { wheel: QuadWheelWithOverflow::new(), now_ms: 0, ids: 0 }
    }
}

impl Quad {
    fn start(&mut self, deadline: u64, id: u64) -> u64 {
        let delay = Duration::from_millis(deadline.div_ceil(MS).saturating_sub(self.now_ms).max(1));
        let started = self.wheel.insert_ref(Rc::new(IdOnlyTimerEntry { id, delay }));
        started.expect("a timer ahead of now");
        id
    }
}

impl Timers for Quad {
    type Key = u64;

    fn insert(&mut self, deadline: u64, _value: u64) -> u64 {
        self.ids += 1;
        self.start(deadline, self.ids)
    }

    fn cancel(&mut self, key: u64) {
        self.wheel.cancel(&key).expect("a pending timer");
    }

    fn reset(&mut self, key: u64, deadline: u64) -> u64 {
        self.cancel(key);
        self.start(deadline, key)
    }

    fn next(&mut self) -> Option<u64> {
        match self.wheel.can_skip() {
            Skip::Empty => None,
            Skip::None => Some(self.now_ms + 1),
            Skip::Millis(ms) => Some(self.now_ms + u64::from(ms)),
        }
    }

    fn expire(&mut self, now: u64) -> u64 {
        let mut count = 0;
        while (self.now_ms + 1) * MS <= now {
            self.now_ms += 1;
            count += black_box(self.wheel.tick()).len() as u64;
        }
        count
    }
}
