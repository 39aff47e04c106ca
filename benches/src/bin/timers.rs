//! The timer wheel beside other collections of timers, in one process.
//!
//! `cargo run --release -p benches --bin timers [rounds]` prints a Markdown table of nanoseconds per
//! operation with a million timers pending, and the ratios that the wheel is held to. Rounds are
//! interleaved and the medians shown, so that what disturbs the machine disturbs all alike.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::hint::black_box;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hierarchical_hash_wheel_timer::IdOnlyTimerEntry;
use hierarchical_hash_wheel_timer::wheels::Skip;
use hierarchical_hash_wheel_timer::wheels::cancellable::QuadWheelWithOverflow;
use slab::Slab;
use timer_wheel::{TimerKey, TimerWheel};
use tokio::runtime::Runtime;
use tokio_util::time::{DelayQueue, delay_queue};

/// How many timers are pending.
const PENDING: u64 = 1_000_000;
/// Timers that start each millisecond, so that 30 seconds' worth makes a million.
const PER_MS: u64 = 33;
const MS: u64 = 1_000_000;
/// How far ahead deadlines lie.
const HORIZON: u64 = 30_000 * MS;

fn main() {
    let rounds = std::env::args().nth(1).map_or(5, |arg| arg.parse().expect("a number of rounds"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime for the DelayQueue");
    let _context = runtime.enter();
    let mut results: [Results; NAMES.len()] = Default::default();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        results[0].measure(Wheel::default);
        results[1].measure(Tree::default);
        results[2].measure(LazyHeap::default);
        results[3].measure(|| Delays::new(&runtime));
        results[4].measure(Quad::default);
    }
    let figures: Vec<Figures> = results.iter().map(Results::figures).collect();
    print_table(&figures);
    print_ratios(&figures);
}

// What is measured.

/// A collection of timers under test; the payload is a `u64`.
trait Timers {
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
struct Wheel(TimerWheel<u64>);

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
struct Tree {
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
struct LazyHeap {
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
struct Delays<'a> {
    queue: DelayQueue<u64>,
    runtime: &'a Runtime,
    start: tokio::time::Instant,
}

impl<'a> Delays<'a> {
    fn new(runtime: &'a Runtime) -> Self {
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
struct Quad {
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

// How it is measured.

/// The workloads, in the order of the columns.
const COLUMNS: [&str; 10] = [
    "insert",
    "net",
    "cancel cold",
    "reset cold",
    "reset hot",
    "next",
    "expire",
    "worst advance, fixed (µs)",
    "worst advance, exponential (µs)",
    "bytes per timer",
];

const NAMES: [&str; 5] = [
    "timer-wheel",
    "BTreeMap",
    "BinaryHeap, lazy",
    "tokio-util DelayQueue",
    "hierarchical_hash_wheel_timer",
];

type Figures = [f64; COLUMNS.len()];

/// All rounds of one collection.
#[derive(Default)]
struct Results {
    rounds: Vec<Figures>,
    /// The fastest each single step of time ever was: what is left is the collection's own doing.
    fixed: Vec<Duration>,
    exponential: Vec<Duration>,
}

impl Results {
    fn measure<C: Timers>(&mut self, new: impl Fn() -> C) {
        let (insert, bytes) = insert(&new);
        let (reset_cold, reset_hot) = reset(new());
        self.rounds.push([
            insert,
            net(new()),
            cancel(new()),
            reset_cold,
            reset_hot,
            next(new()),
            expire(new()),
            worst_advance(&mut self.fixed, new(), |_| HORIZON),
            worst_advance(&mut self.exponential, new(), exponential),
            bytes,
        ]);
    }

    fn figures(&self) -> Figures {
        let mut figures = std::array::from_fn(|column| {
            let mut values: Vec<f64> = self.rounds.iter().map(|round| round[column]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        });
        figures[7] = worst(&self.fixed);
        figures[8] = worst(&self.exponential);
        figures
    }
}

/// Nanoseconds per operation of `count` operations.
fn time(count: u64, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as f64 / count as f64
}

/// A million timers, their deadlines spread evenly, in random order.
fn fill<C: Timers>(timers: &mut C, random: &mut Random) -> Vec<C::Key> {
    (0..PENDING).map(|value| timers.insert(random.ahead(), value)).collect()
}

fn insert<C: Timers>(new: impl Fn() -> C) -> (f64, f64) {
    let deadlines = deadlines();
    let mut timers = new();
    let insert = time(PENDING, || {
        for (value, &deadline) in (0..).zip(&deadlines) {
            black_box(timers.insert(deadline, value));
        }
    });
    drop(timers);
    let mut timers = None;
    let memory = allocation_counter::measure(|| {
        let timers = timers.insert(new());
        for (value, &deadline) in (0..).zip(&deadlines) {
            timers.insert(deadline, value);
        }
    });
    (insert, memory.bytes_current as f64 / PENDING as f64 - size_of::<u64>() as f64)
}

fn deadlines() -> Vec<u64> {
    let mut random = Random(1);
    (0..PENDING).map(|_| random.ahead()).collect()
}

/// Network time-outs of a second: 10 000 are live, 99 in 100 are cancelled after half of it.
fn net<C: Timers>(mut timers: C) -> f64 {
    const STEP: u64 = 50_000;
    let mut live = VecDeque::new();
    let mut now = 0;
    let mut run = |count: u64| {
        for step in 0..count {
            now += STEP;
            live.push_back(timers.insert(now + 1000 * MS, step));
            if live.len() > 10_000 {
                let key = live.pop_front().expect("a live timer");
                if step % 100 != 0 {
                    timers.cancel(key);
                }
            }
            if now % MS == 0 {
                timers.set_clock(now);
                timers.expire(now);
            }
        }
    };
    run(20_000);
    time(PENDING, || run(PENDING))
}

fn cancel<C: Timers>(mut timers: C) -> f64 {
    let mut random = Random(2);
    let mut keys = fill(&mut timers, &mut random);
    random.shuffle(&mut keys);
    time(PENDING, || keys.into_iter().for_each(|key| timers.cancel(key)))
}

/// All timers in random order, then a thousand of them over and over, as idle connections are.
fn reset<C: Timers>(mut timers: C) -> (f64, f64) {
    let mut random = Random(3);
    let mut keys = fill(&mut timers, &mut random);
    random.shuffle(&mut keys);
    // Twice, so that what is put off in the first pass is paid for in the second.
    let cold = time(2 * PENDING, || {
        for _ in 0..2 {
            keys.iter_mut().for_each(|key| *key = timers.reset(*key, random.ahead()));
        }
    });
    let hot = time(PENDING, || {
        for step in 0..PENDING {
            let key = &mut keys[step as usize % 1000];
            *key = timers.reset(*key, HORIZON + step * 1000);
        }
    });
    (cold, hot)
}

fn next<C: Timers>(mut timers: C) -> f64 {
    fill(&mut timers, &mut Random(4));
    time(PENDING, || {
        for _ in 0..PENDING {
            black_box(black_box(&mut timers).next());
        }
    })
}

fn expire<C: Timers>(mut timers: C) -> f64 {
    fill(&mut timers, &mut Random(5));
    let (mut now, mut expired, mut spent) = (0, 0, Duration::ZERO);
    while expired < PENDING {
        now += MS;
        timers.set_clock(now);
        let start = Instant::now();
        expired += timers.expire(now);
        spent += start.elapsed();
    }
    spent.as_nanos() as f64 / PENDING as f64
}

/// Time goes by in milliseconds, 33 timers start in each; a step is what it takes to expire.
fn worst_advance<C: Timers>(
    best: &mut Vec<Duration>,
    mut timers: C,
    delay: impl Fn(&mut Random) -> u64,
) -> f64 {
    const WARM_UP: usize = 60_000;
    let mut random = Random(6);
    let mut steps = Vec::new();
    for ms in 1..WARM_UP as u64 + 40_000 {
        for value in 0..PER_MS {
            timers.insert((ms - 1) * MS + value * MS / PER_MS + delay(&mut random), value);
        }
        timers.set_clock(ms * MS);
        let start = Instant::now();
        timers.expire(ms * MS);
        steps.push(start.elapsed());
    }
    let steps = steps.split_off(WARM_UP);
    best.resize(steps.len(), Duration::MAX);
    best.iter_mut().zip(steps).for_each(|(best, step)| *best = step.min(*best));
    worst(best)
}

fn worst(steps: &[Duration]) -> f64 {
    steps.iter().max().map_or(0.0, |step| step.as_nanos() as f64 / 1000.0)
}

fn exponential(random: &mut Random) -> u64 {
    let uniform = (random.next() >> 11) as f64 / (1u64 << 53) as f64;
    (-(1.0 - uniform).ln() * HORIZON as f64) as u64
}

/// Splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    fn ahead(&mut self) -> u64 {
        MS + self.below(HORIZON)
    }

    fn shuffle<K>(&mut self, keys: &mut [K]) {
        for len in (2..=keys.len()).rev() {
            keys.swap(len - 1, self.below(len as u64) as usize);
        }
    }
}

// How it is shown.

fn print_table(figures: &[Figures]) {
    println!("| ns per operation | {} |", COLUMNS.join(" | "));
    println!("|---|{}", "--:|".repeat(COLUMNS.len()));
    for (name, figures) in NAMES.iter().zip(figures) {
        let cells: Vec<String> = figures.iter().map(|figure| format!("{figure:.1}")).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
}

/// What the wheel is held to; the first figures are its own, the second those of the `BTreeMap`.
fn print_ratios(figures: &[Figures]) {
    let (wheel, peers) = figures.split_first().expect("the wheel is measured first");
    let best = |column: usize, peers: &[Figures]| {
        peers.iter().map(|peer| peer[column]).fold(f64::INFINITY, f64::min)
    };
    // The tree and the heap keep exact order, the other two do not.
    let exact = &peers[..2];
    let rest = best(6, &peers[1..]);
    println!();
    verdict("insert, of the best exact one", wheel[0] / best(0, exact), 1.0);
    verdict("net, of the best exact one", wheel[1] / best(1, exact), 1.0);
    verdict("cancel cold, of the best", wheel[2] / best(2, peers), 1.3);
    verdict("reset cold, of the best", wheel[3] / best(3, peers), 1.3);
    verdict("reset hot, of the best", wheel[4] / best(4, peers), 1.3);
    verdict("expire, of the BTreeMap", wheel[6] / peers[0][6], 3.0);
    verdict("expire, of the best of the rest", wheel[6] / rest, 1.0);
    verdict("worst advance, µs", wheel[7].max(wheel[8]), 50.0);
    verdict("bytes per timer", wheel[9], 40.0);
}

fn verdict(what: &str, value: f64, limit: f64) {
    let met = if value <= limit { "met" } else { "MISSED" };
    println!("- {what}: {value:.2}, at most {limit}: {met}");
}
