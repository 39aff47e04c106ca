//! Delays: the loop time at which what is asked for now is to end.
//!
//! asyncio reads the clock for each. That takes longer than to arm a timer; so a long delay on the real clock is
//! counted from when the clock was last read, with a leeway on top. Each reading of it, and so each look for
//! timers, *settles* those delays: should more time have passed since the last one than the leeway, they
//! are put off by what is missing. No delay ends early for it.

use std::time::Duration;

use timer_wheel::TimerKey;

use crate::clock::{Clock, to_nanos};
use crate::context::Core;
use crate::state::State;

/// Delays from here on may be longer by [`LEEWAY`], a thousandth of them.
const LONG: Duration = Duration::from_millis(100);

/// More than passes, mostly, from one reading of the clock to the next.
const LEEWAY: u64 = 100_000;

/// The clock is read before more delays than this are unsettled.
const MOST_UNSETTLED: usize = 256;

/// When something is to end, as users say it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    After(Duration),
    At(Duration),
}

impl End {
    fn as_loop_time(self, now: u64) -> u64 {
        match self {
            End::After(delay) => now.saturating_add(to_nanos(delay)),
            End::At(when) => to_nanos(when),
        }
    }
}

/// A loop time to arm a timer for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) when: u64,
    /// It needs no timer.
    pub(crate) has_come: bool,
    /// To be settled when the clock is read next.
    unsettled: bool,
}

impl Deadline {
    pub(crate) fn exactly(when: u64, now: u64) -> Deadline {
        Deadline { when, has_come: when <= now, unsettled: false }
    }
}

impl Core {
    /// The loop time, by the clock.
    pub(crate) fn read_clock(&self) -> u64 {
        self.with(|state| state.read_clock(&self.clock))
    }

    /// Settles the delays that are not: nobody may read the clock for long.
    pub(crate) fn settle_delays(&self) {
        if self.peek(|state| !state.unsettled.is_empty()) {
            self.read_clock();
        }
    }
}

impl State {
    pub(crate) fn deadline(&mut self, clock: &Clock, end: End) -> Deadline {
        match end {
            End::After(delay) if delay >= LONG && !clock.is_virtual() => {
                self.long_deadline(clock, delay)
            }
            end => {
                let now = self.read_clock(clock);
                Deadline::exactly(end.as_loop_time(now), now)
            }
        }
    }

    fn long_deadline(&mut self, clock: &Clock, delay: Duration) -> Deadline {
        if self.unsettled.len() == MOST_UNSETTLED {
            self.read_clock(clock);
        }
        let when = self.now.saturating_add(LEEWAY).saturating_add(to_nanos(delay));
        Deadline { when, has_come: false, unsettled: true }
    }

    /// A timer was armed. If it is due already, the next turn looks for it, whatever else is ready.
    #[inline]
    pub(crate) fn note_armed(&mut self, timer: TimerKey, deadline: Deadline) {
        self.timer_due |= deadline.has_come;
        if deadline.unsettled {
            self.unsettled.push((timer, deadline.when));
        }
    }

    #[inline(never)]
    fn read_clock(&mut self, clock: &Clock) -> u64 {
        self.settle(clock.now());
        self.now
    }

    fn settle(&mut self, now: u64) {
        let passed = now - self.now;
        self.now = now;
        if passed > LEEWAY {
            self.put_off_unsettled(passed - LEEWAY);
        }
        self.unsettled.clear();
    }

    #[cold]
    fn put_off_unsettled(&mut self, by: u64) {
        for &(timer, when) in &self.unsettled {
            self.waits.put_off(timer, when, when.saturating_add(by));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::keyed::Key;
    use crate::state::Ready;

    const DELAY: Duration = Duration::from_secs(1);

    /// A clock that shows a time around `now`, which goes on for a few microseconds in a test.
    fn clock_at(now: Duration) -> Clock {
        Clock::Real { epoch: Instant::now().checked_sub(now).expect("the machine runs for longer") }
    }

    fn arm(state: &mut State, clock: &Clock, delay: Duration) -> TimerKey {
        let deadline = state.deadline(clock, End::After(delay));
        state.arm(deadline, Ready::Call(Key::NONE))
    }

    #[test]
    fn a_long_delay_counts_from_the_last_reading_and_is_put_off_by_what_that_misses() {
        let mut state = State::new();
        let begun = state.read_clock(&clock_at(Duration::from_secs(1)));
        let timer = arm(&mut state, &clock_at(Duration::from_secs(2)), DELAY);
        let armed_for = begun + LEEWAY + to_nanos(DELAY);
        assert_eq!(state.waits.deadline(timer), Some(armed_for));

        let now = state.read_clock(&clock_at(Duration::from_secs(2)));
        assert_eq!(state.waits.deadline(timer), Some(now + to_nanos(DELAY)));
        state.read_clock(&clock_at(Duration::from_secs(3)));
        assert_eq!(state.waits.deadline(timer), Some(now + to_nanos(DELAY)), "settled once");
    }

    #[test]
    fn a_long_delay_stays_where_it_is_if_the_leeway_covers_what_has_passed() {
        let mut state = State::new();
        state.now = to_nanos(Duration::from_secs(1));
        let timer = arm(&mut state, &clock_at(Duration::from_secs(1)), DELAY);
        let armed_for = state.waits.deadline(timer);
        state.settle(state.now + LEEWAY);
        assert_eq!(state.waits.deadline(timer), armed_for);
        assert!(state.unsettled.is_empty());
    }

    #[test]
    fn a_timer_that_is_gone_or_was_reset_is_not_put_off() {
        let (mut state, clock) = (State::new(), clock_at(Duration::from_secs(1)));
        let (gone, reset) = (arm(&mut state, &clock, DELAY), arm(&mut state, &clock, DELAY));
        state.waits.disarm(gone);
        state.waits.rearm(reset, 5);
        state.read_clock(&clock_at(Duration::from_secs(2)));
        assert_eq!(state.waits.deadline(gone), None);
        assert_eq!(state.waits.deadline(reset), Some(5));
    }

    #[test]
    fn a_timer_that_was_reset_twice_is_put_off_once() {
        let (mut state, clock) = (State::new(), clock_at(Duration::from_secs(1)));
        let timer = arm(&mut state, &clock, DELAY);
        for _ in 0..2 {
            let deadline = state.deadline(&clock, End::After(DELAY));
            state.waits.rearm(timer, deadline.when);
            state.note_armed(timer, deadline);
        }
        let now = state.read_clock(&clock_at(Duration::from_secs(2)));
        assert_eq!(state.waits.deadline(timer), Some(now + to_nanos(DELAY)));
    }

    #[test]
    fn a_short_delay_counts_from_now() {
        let mut state = State::new();
        let timer = arm(&mut state, &clock_at(Duration::from_secs(1)), LONG / 2);
        assert_eq!(state.waits.deadline(timer), Some(state.now + to_nanos(LONG / 2)));
        assert!(state.now >= to_nanos(Duration::from_secs(1)));
    }

    #[test]
    fn the_clock_is_read_before_too_many_delays_are_unsettled() {
        let (mut state, clock) = (State::new(), clock_at(Duration::from_secs(1)));
        for _ in 0..MOST_UNSETTLED {
            arm(&mut state, &clock, DELAY);
        }
        assert_eq!((state.unsettled.len(), state.now), (MOST_UNSETTLED, 0));
        arm(&mut state, &clock, DELAY);
        assert_eq!(state.unsettled.len(), 1);
        assert!(state.now > 0);
    }
}
