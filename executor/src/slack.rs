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
    now: u64,
}

impl Slack {
    /// The least is about what the kernel itself adds to a wait, the most what other loops count in.
    pub(crate) const DEFAULT: Slack = Slack { least: 100_000, most: 1_000_000, now: 0 };

    /// As much for every wait.
    pub(crate) fn fixed(slack: Duration) -> Slack {
        let slack = to_nanos(slack);
        Slack { least: slack, most: slack, now: slack }
    }

    /// The slack of the next wait, of which the first timer is due in `until_first`: doubled if the loop has hardly
    /// served the timers before it.
    pub(crate) fn of_next_wait(&mut self, until_first: u64) -> u64 {
        let doubled = self.now.saturating_mul(2).min(self.most);
        self.now = if until_first < self.least { doubled.max(self.least) } else { self.least };
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: u64 = 99_999;
    const LATER: u64 = 100_000;

    #[test]
    fn slack_grows_to_a_millisecond_while_timers_are_at_each_others_heels() {
        let mut slack = Slack::DEFAULT;
        let slacks = [LATER, SOON, SOON, 0, SOON, SOON].map(|until| slack.of_next_wait(until));
        assert_eq!(slacks.map(|nanos| nanos / 1000), [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(slack.of_next_wait(LATER), 100_000, "and the first that is not has the least");
    }

    #[test]
    fn slack_that_somebody_chose_stays_as_it_is() {
        for chosen in
            [Duration::ZERO, Duration::from_micros(50), Duration::from_secs(3600), Duration::MAX]
        {
            let mut slack = Slack::fixed(chosen);
            for until in [0, SOON, 0, LATER, u64::MAX] {
                assert_eq!(slack.of_next_wait(until), to_nanos(chosen));
            }
        }
    }
}
