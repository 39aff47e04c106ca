//! `Backoff`: the pauses between attempts.

use std::time::Duration;

use super::random::Random;

/// Pauses between attempts: an endless iterator of durations, constant or growing.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::schedule::Backoff;
///
/// let second = Duration::from_secs(1);
/// let pauses: Vec<_> = Backoff::exponential(second).cap(5 * second).take(5).collect();
/// assert_eq!(pauses, [1, 2, 4, 5, 5].map(|n| n * second));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a back-off does nothing by itself: give it to `retry`"]
pub struct Backoff {
    next: Duration,
    factor: u32,
    cap: Duration,
    jitter: Option<(f64, Random)>,
}

impl Backoff {
    /// The same pause each time.
    pub fn constant(pause: Duration) -> Backoff {
        Backoff { next: pause, factor: 1, cap: Duration::MAX, jitter: None }
    }

    /// Each pause is twice the one before.
    pub fn exponential(first: Duration) -> Backoff {
        Backoff::constant(first).factor(2)
    }

    /// Each pause is `factor` times the one before.
    pub fn factor(mut self, factor: u32) -> Backoff {
        self.factor = factor;
        self
    }

    /// No pause is longer than `longest`.
    pub fn cap(mut self, longest: Duration) -> Backoff {
        self.cap = longest;
        self
    }

    /// Shortens each pause by a random part of it: by up to all of it with a `fraction` of 1, by nothing with
    /// one of 0. So those who failed together do not come again together.
    ///
    /// # Panics
    ///
    /// If `fraction` is not between 0 and 1.
    #[track_caller]
    pub fn jitter(mut self, fraction: f64, random: Random) -> Backoff {
        assert!(
            (0.0..=1.0).contains(&fraction),
            "`Backoff::jitter` was given the fraction {fraction}: it must lie between 0 and 1"
        );
        self.jitter = Some((fraction, random));
        self
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.next.min(self.cap);
        self.next = pause.saturating_mul(self.factor);
        match &mut self.jitter {
            Some((fraction, random)) => {
                Some(pause - random.up_to(pause.mul_f64(*fraction)).min(pause))
            }
            None => Some(pause),
        }
    }
}
