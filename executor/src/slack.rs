//! The slack of timers: how late they may be so that one wait of the operating system serves several. asyncio has
//! its clock's resolution for that.
//!
//! A wait costs many times what a timer does. Where timers come one right behind the other, waiting for each would
//! leave the loop time for nothing else; where they do not, there is nothing to save. So the slack
//! grows while they do.

use std::time::Duration;

use crate::clock::to_nanos;

/// How late the timers of the next wait may be, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slack {
    least: u64,
    most: u64,
    /// That of the last wait.
    last: u64,
    /// Loop time up to which the last wait was to serve timers.
    served: u64,
}

impl Slack {
    /// The least is about what the kernel itself adds to a wait, the most what other loops count in.
    pub(crate) const DEFAULT: Slack = Slack::between(100_000, 1_000_000);

    /// As much for every wait.
    pub(crate) fn fixed(slack: Duration) -> Slack {
        Slack::between(to_nanos(slack), to_nanos(slack))
    }

    const fn between(least: u64, most: u64) -> Slack {
        Slack { least, most, last: least, served: 0 }
    }

    /// When a wait that begins now shall end, whose first timer is due at `first`: what `within` says of its slack.
    /// That is doubled if the timers of the last wait have hardly been served. If they are waited for again, as
    /// something else has ended that wait, it stays.
    pub(crate) fn wakeup(
        &mut self,
        now: u64,
        first: u64,
        within: impl FnOnce(u64) -> Option<u64>,
    ) -> Option<u64> {
        if first > self.served {
            let follows = first.saturating_sub(now) < self.least;
            let doubled = self.last.saturating_mul(2).min(self.most);
            self.last = if follows { doubled } else { self.least };
        }
        self.served = within(self.last)?;
        Some(self.served)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICRO: u64 = 1000;

    /// The slacks of waits for one timer each, which so many microseconds after the one before are still so many away.
    fn slacks<const N: usize>(mut slack: Slack, waits: [(u64, u64); N]) -> [u64; N] {
        waits.map(|(behind, away)| {
            let (first, mut found) = (slack.served + behind * MICRO, 0);
            let wakeup = slack.wakeup(first.saturating_sub(away * MICRO), first, |slack| {
                found = slack;
                Some(first)
            });
            assert_eq!(wakeup, Some(first));
            found / MICRO
        })
    }

    #[test]
    fn slack_grows_to_a_millisecond_while_timers_are_at_each_others_heels() {
        let waits =
            [(900, 100), (180, 99), (99, 99), (900, 0), (99, 1), (99, 2), (900, 100), (99, 3)];
        assert_eq!(slacks(Slack::DEFAULT, waits), [100, 200, 400, 800, 1000, 1000, 100, 200]);
    }

    #[test]
    fn slack_stays_as_it_is_while_the_same_timers_are_waited_for_again() {
        let mut slack = Slack::DEFAULT;
        for (now, first) in [(400, 500), (450, 500), (500, 500), (540, 550), (600, 600)] {
            let within = |slack| (slack == 100 * MICRO).then_some(600 * MICRO);
            assert_eq!(slack.wakeup(now * MICRO, first * MICRO, within), Some(600 * MICRO));
        }
    }

    #[test]
    fn slack_that_somebody_chose_stays_as_it_is() {
        for chosen in [0, 50, 3_600_000_000] {
            let slack = Slack::fixed(Duration::from_micros(chosen));
            assert_eq!(slacks(slack, [(1, 0), (0, 0), (1, 1), (100, 100), (1, 0)]), [chosen; 5]);
        }
    }
}
