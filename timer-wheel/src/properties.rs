//! The wheel against its model, over long sequences of operations, with slots of many widths.
//!
//! Each operation is done to both, every answer is compared, and every invariant is checked.

use proptest::prelude::*;

use crate::model::ModelWheel;
use crate::schedule::Tuning;
use crate::{TimerKey, TimerWheel};

/// A deadline or a time, described in a way that finds the interesting ones wherever time stands.
#[derive(Clone, Debug)]
enum Time {
    /// So far ahead of now, all magnitudes alike.
    Ahead(u64),
    /// So far behind.
    Behind(u64),
    /// The deadline of the timer inserted so many timers ago.
    Equal(usize),
    /// So many slots of a level after the current one, give or take 1.
    Slot {
        level: u32,
        distance: u64,
        off: i64,
    },
    /// A multiple of the slot width of a level, give or take 1.
    Multiple {
        level: u32,
        factor: u64,
        off: i64,
    },
    Max(u64),
}

#[derive(Clone, Debug)]
enum Op {
    Insert(Time),
    InsertIdle,
    /// Inserts so many timers, each so much later than the one before; mostly equal.
    InsertMany(Time, u64, u64),
    /// Keys are named by when they were given out, counted back: most are live, some are stale.
    Remove(usize),
    Disarm(usize),
    Reset(usize, Time),
    /// To so much later than it is.
    PutOff(usize, u64),
    Advance(Step),
    AskWakeup,
    AskDeadline,
    /// Asks when to wake up if timers may be late by so much.
    AskWithin(u64),
    Pop,
    /// As a pop, but the timer stays, idle.
    DisarmExpired,
    PopAll,
    Drain,
    Shrink,
}

#[derive(Clone, Debug)]
enum Step {
    To(Time),
    /// To one before the next wake-up: nothing may expire.
    BeforeWakeup,
    /// To the next wake-up.
    Wakeup,
    /// To the next deadline: something must expire.
    Deadline,
}

fn time() -> impl Strategy<Value = Time> {
    let log_uniform = (0..64u32, any::<u64>()).prop_map(|(bits, random)| random >> bits);
    let off = -1..=1i64;
    prop_oneof![
        6 => log_uniform.clone().prop_map(Time::Ahead),
        2 => (0..40u32, any::<u64>()).prop_map(|(bits, random)| Time::Ahead(random >> (24 + bits))),
        1 => log_uniform.prop_map(Time::Behind),
        2 => (0..8usize).prop_map(Time::Equal),
        3 => (0..8u32, prop_oneof![0..4u64, 7..10u64, 62..67u64], off.clone())
            .prop_map(|(level, distance, off)| Time::Slot { level, distance, off }),
        1 => (0..20u32, 0..100u64, off)
            .prop_map(|(level, factor, off)| Time::Multiple { level, factor, off }),
        1 => (0..2u64).prop_map(Time::Max),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..2u64).prop_map(|by| Step::To(Time::Ahead(by))),
        4 => time().prop_map(Step::To),
        2 => Just(Step::BeforeWakeup),
        4 => Just(Step::Wakeup),
        3 => Just(Step::Deadline),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        30 => time().prop_map(Op::Insert),
        3 => Just(Op::InsertIdle),
        2 => (time(), 1..80u64, many_apart()).prop_map(|(time, count, apart)| Op::InsertMany(time, count, apart)),
        12 => (0..40usize).prop_map(Op::Remove),
        4 => (0..40usize).prop_map(Op::Disarm),
        12 => ((0..40usize), time()).prop_map(|(key, time)| Op::Reset(key, time)),
        12 => ((0..40usize), (0..64u32, any::<u64>()))
            .prop_map(|(key, (bits, random))| Op::PutOff(key, random >> bits)),
        20 => step().prop_map(Op::Advance),
        15 => Just(Op::AskWakeup),
        5 => Just(Op::AskDeadline),
        5 => (0..40u32, any::<u64>()).prop_map(|(bits, random)| Op::AskWithin(random >> 24 >> bits)),
        15 => Just(Op::Pop),
        10 => Just(Op::DisarmExpired),
        5 => Just(Op::PopAll),
        1 => Just(Op::Drain),
        1 => Just(Op::Shrink),
    ]
}

fn many_apart() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0), 1 => (0..40u32, any::<u64>()).prop_map(|(bits, random)| random >> 24 >> bits)]
}

fn start() -> impl Strategy<Value = u64> {
    let near = |at: u64| (0..1u64 << 24).prop_map(move |off| (at - (1 << 23)).saturating_add(off));
    prop_oneof![
        4 => Just(0),
        1 => any::<u64>(),
        1 => near(1 << 63),
        1 => near(u64::MAX),
    ]
}

fn tuning() -> impl Strategy<Value = Tuning> {
    let slot_bits = prop_oneof![Just(20), Just(1), 2..20u32];
    let smooth_above = prop_oneof![Just(1), Just(3), Just(256)];
    (slot_bits, smooth_above)
        .prop_map(|(slot_bits, smooth_above)| Tuning { slot_bits, smooth_above })
}

/// The wheel and its model, and the keys that both have given out.
struct Pair {
    wheel: TimerWheel<usize>,
    model: ModelWheel<usize>,
    keys: Vec<(TimerKey, TimerKey)>,
    tuning: Tuning,
    deadlines: Vec<u64>,
    /// Whether any timer was removed or reset.
    cancelled: bool,
}

impl Pair {
    fn new(start: u64, tuning: Tuning) -> Self {
        Pair {
            wheel: TimerWheel::tuned(start, tuning),
            model: ModelWheel::with_start(start),
            keys: Vec::new(),
            tuning,
            deadlines: Vec::new(),
            cancelled: false,
        }
    }

    fn time(&self, time: &Time) -> u64 {
        let now = self.model.now();
        let shift = |level: u32| (self.tuning.slot_bits + 3 * level).min(63);
        match *time {
            Time::Ahead(by) => now.saturating_add(by),
            Time::Behind(by) => now.saturating_sub(by),
            Time::Equal(back) => self.deadlines.iter().rev().nth(back).copied().unwrap_or(now),
            Time::Slot { level, distance, off } => {
                let slot = (now >> shift(level)).saturating_add(distance);
                slot.saturating_mul(1 << shift(level)).saturating_add_signed(off)
            }
            Time::Multiple { level, factor, off } => {
                factor.saturating_mul(1 << shift(level)).saturating_add_signed(off)
            }
            Time::Max(less) => u64::MAX - less,
        }
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Insert(time) => self.insert(self.time(time)),
            &Op::InsertMany(ref time, count, apart) => {
                let first = self.time(time);
                (0..count).for_each(|n| self.insert(first.saturating_add(n * apart)));
            }
            Op::InsertIdle => self.insert_idle(),
            Op::Remove(back) => self.remove(*back),
            Op::Disarm(back) => self.disarm(*back),
            Op::DisarmExpired => self.disarm_expired(),
            Op::Reset(back, time) => self.reset(*back, self.time(time)),
            Op::PutOff(back, by) => self.put_off(*back, *by),
            Op::Advance(step) => self.advance(step),
            Op::AskWakeup => drop(self.ask()),
            Op::AskDeadline => assert_eq!(self.wheel.next_deadline(), self.model.next_deadline()),
            Op::AskWithin(slack) => self.ask_within(*slack),
            Op::Pop => drop(self.pop()),
            Op::PopAll => while self.pop() {},
            Op::Drain => self.drain(),
            Op::Shrink => self.wheel.shrink_to_fit(),
        }
        self.compare();
    }

    fn insert(&mut self, deadline: u64) {
        let id = self.keys.len();
        self.keys.push((self.wheel.insert(deadline, id), self.model.insert(deadline, id)));
        self.deadlines.push(deadline);
    }

    fn insert_idle(&mut self) {
        let id = self.keys.len();
        self.keys.push((self.wheel.insert_idle(id), self.model.insert_idle(id)));
        self.deadlines.push(u64::MAX);
    }

    fn key(&self, back: usize) -> Option<(TimerKey, TimerKey)> {
        self.keys.iter().rev().nth(back).copied()
    }

    fn remove(&mut self, back: usize) {
        if let Some((key, model_key)) = self.key(back) {
            self.cancelled = true;
            assert_eq!(self.wheel.remove(key), self.model.remove(model_key));
            assert!(!self.wheel.contains(key));
        }
    }

    fn disarm(&mut self, back: usize) {
        if let Some((key, model_key)) = self.key(back) {
            self.cancelled = true;
            assert_eq!(self.wheel.disarm(key), self.model.disarm(model_key));
            assert_eq!(self.wheel.deadline(key), None);
        }
    }

    fn disarm_expired(&mut self) {
        let (key, model_key) = (self.wheel.disarm_expired(), self.model.disarm_expired());
        assert_eq!(key.is_some(), model_key.is_some());
        if let (Some(key), Some(model_key)) = (key, model_key) {
            assert_eq!(self.wheel.get(key), self.model.get(model_key));
            assert_eq!(self.wheel.deadline(key), None);
            let id = *self.wheel.get(key).expect("it is still there");
            assert_eq!((self.wheel[key.index()], self.wheel.key_at(key.index())), (id, Some(key)));
        }
    }

    fn reset(&mut self, back: usize, deadline: u64) {
        if let Some((key, model_key)) = self.key(back) {
            self.cancelled = true;
            let pending = self.wheel.reset(key, deadline);
            assert_eq!(pending, self.model.reset(model_key, deadline));
            assert_eq!(self.wheel.deadline(key), pending.then_some(deadline));
        }
    }

    fn put_off(&mut self, back: usize, by: u64) {
        let deadline = self.key(back).and_then(|(_, model_key)| self.model.deadline(model_key));
        if let Some(deadline) = deadline {
            self.reset(back, deadline.saturating_add(by));
        }
    }

    fn advance(&mut self, step: &Step) {
        match step {
            Step::To(time) => self.advance_to(self.time(time)),
            Step::BeforeWakeup => {
                if let Some(at) = self.ask().filter(|&at| at > self.model.now()) {
                    while self.pop() {}
                    self.advance_to(at - 1);
                    assert!(!self.pop(), "nothing expires before the wake-up");
                }
            }
            Step::Wakeup => {
                if let Some(at) = self.ask() {
                    self.advance_to(at);
                    let again = self.pop() || self.ask().is_none_or(|next| next > at);
                    assert!(again, "a wake-up with nothing to expire does not come again");
                }
            }
            Step::Deadline => {
                if let Some(at) = self.model.next_deadline() {
                    self.advance_to(at);
                    assert!(self.pop(), "the earliest timer expires at its deadline");
                }
            }
        }
    }

    fn ask(&mut self) -> Option<u64> {
        let (at, deadline) = (self.wheel.next_wakeup(), self.model.next_deadline());
        assert_eq!(at.is_some(), deadline.is_some(), "there is a wake-up while there are timers");
        assert!(at <= deadline, "the wake-up is not later than the earliest deadline");
        if !self.cancelled {
            assert_eq!(at, deadline, "the wake-up is the earliest deadline if none was cancelled");
        }
        at
    }

    fn ask_within(&mut self, slack: u64) {
        let (first, at) = (self.ask(), self.wheel.next_wakeup_within(slack));
        let first_deadline = self.model.next_deadline();
        assert!(first <= at && at <= first.map(|first| first.saturating_add(slack)));
        if first != first_deadline {
            return;
        }
        let latest = self.model.next_wakeup_within(slack);
        assert!(at <= latest, "it is not later than some timer needs");
        let slot = |time: u64| time >> self.tuning.slot_bits;
        if latest.is_some_and(|latest| slot(latest) <= slot(self.model.now())) {
            assert_eq!(at, latest, "all timers of the present slot are known");
        }
    }

    fn advance_to(&mut self, now: u64) {
        self.wheel.advance(now);
        self.model.advance(now);
    }

    fn pop(&mut self) -> bool {
        let (popped, expected) = (self.wheel.pop_expired(), self.model.pop_expired());
        let plain = |timer: &crate::Expired<usize>| (timer.deadline, timer.value);
        assert_eq!(popped.as_ref().map(plain), expected.as_ref().map(plain));
        if let Some(timer) = &popped {
            assert_eq!(timer.key, self.keys[timer.value].0);
        }
        popped.is_some()
    }

    fn drain(&mut self) {
        let armed = self.wheel.armed();
        let (mut ours, mut expected) =
            (Vec::from_iter(self.wheel.drain()), Vec::from_iter(self.model.drain()));
        ours[armed..].sort_unstable();
        expected[armed..].sort_unstable();
        assert_eq!(ours, expected);
    }

    fn compare(&mut self) {
        self.wheel.assert_valid();
        self.model.assert_valid();
        assert_eq!(self.wheel.len(), self.model.len());
        assert_eq!(self.wheel.armed(), self.model.armed());
        assert_eq!(self.wheel.now(), self.model.now());
        for &(key, model_key) in self.keys.iter().rev().take(40) {
            assert_eq!(self.wheel.get(key), self.model.get(model_key));
            assert_eq!(self.wheel.deadline(key), self.model.deadline(model_key));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_what_the_model_does(
        start in start(),
        tuning in tuning(),
        ops in prop::collection::vec(op(), 1..150),
    ) {
        let mut pair = Pair::new(start, tuning);
        for op in &ops {
            pair.run(op);
        }
    }

    #[test]
    fn one_big_advance_expires_what_many_small_ones_do(
        start in start(),
        tuning in tuning(),
        delays in prop::collection::vec((0..64u32, any::<u64>()), 1..100),
        steps in prop::collection::vec((0..64u32, any::<u64>()), 1..100),
    ) {
        let ahead = |&(bits, random): &(u32, u64)| start.saturating_add(random >> bits);
        let mut steps: Vec<u64> = steps.iter().map(ahead).collect();
        steps.sort_unstable();
        let [mut big, mut small] = [0, 1].map(|_| TimerWheel::tuned(start, tuning));
        for (id, delay) in delays.iter().enumerate() {
            big.insert(ahead(delay), id);
            small.insert(ahead(delay), id);
        }
        let mut expired = Vec::new();
        for &step in &steps {
            small.advance(step);
            small.assert_valid();
            expired.extend(std::iter::from_fn(|| small.pop_expired()));
        }
        big.advance(steps[steps.len() - 1]);
        big.assert_valid();
        prop_assert!(std::iter::from_fn(|| big.pop_expired()).eq(expired));
        prop_assert!(big.drain().eq(small.drain()));
    }
}
