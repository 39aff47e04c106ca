//! The workloads, and the figures that come of them.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::{Duration, Instant};

use super::MS;
use super::collections::Timers;

/// How many timers are pending.
const PENDING: u64 = 1_000_000;
/// Timers that start each millisecond, so that 30 seconds' worth makes a million.
const PER_MS: u64 = 33;
/// How far ahead deadlines lie.
const HORIZON: u64 = 30_000 * MS;

/// The workloads, in the order of the columns.
pub(super) const COLUMNS: [&str; 10] = [
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

pub(super) type Figures = [f64; COLUMNS.len()];

/// All rounds of one collection.
#[derive(Default)]
pub(super) struct Results {
    rounds: Vec<Figures>,
    /// The fastest each single step of time ever was: what is left is the collection's own doing.
    fixed: Vec<Duration>,
    exponential: Vec<Duration>,
}

impl Results {
    pub(super) fn measure<C: Timers>(&mut self, new: impl Fn() -> C) {
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

    pub(super) fn figures(&self) -> Figures {
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
    let memory = mockalloc::record_allocs(|| {
        let timers = timers.insert(new());
        for (value, &deadline) in (0..).zip(&deadlines) {
            timers.insert(deadline, value);
        }
    });
    (insert, memory.mem_leaked() as f64 / PENDING as f64 - size_of::<u64>() as f64)
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
