//! Clocks: loop time is nanoseconds since the loop was made, real or virtual.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

/// What the loop's time is.
#[derive(Debug)]
pub(crate) enum Clock {
    /// The operating system's monotonic clock. It stands still while the machine sleeps, where the
    /// system's does.
    Real { epoch: Instant },
    /// Moves only when it is told to, or when the loop has nothing else to do.
    Virtual {
        now: Cell<u64>,
        /// Jump even while somebody outside could wake the loop.
        jumps_always: bool,
    },
}

impl Clock {
    pub(crate) fn now(&self) -> u64 {
        match self {
            Clock::Real { epoch } => to_nanos(epoch.elapsed()),
            Clock::Virtual { now, .. } => now.get(),
        }
    }

    /// Moves a virtual clock forward to `when`; it never goes back.
    pub(crate) fn jump(&self, when: u64) {
        if let Clock::Virtual { now, .. } = self {
            now.set(now.get().max(when));
        }
    }

    /// Does time jump even while somebody outside could wake the loop?
    pub(crate) fn jumps_always(&self) -> bool {
        matches!(self, Clock::Virtual { jumps_always: true, .. })
    }

    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self, Clock::Virtual { .. })
    }
}

/// A deadline that is never reached: time does not jump to it.
pub(crate) const NEVER: u64 = u64::MAX;

/// Nanoseconds as the timers count them. Anything beyond 584 years is "never".
pub(crate) fn to_nanos(duration: Duration) -> u64 {
    let whole = duration.as_secs().checked_mul(1_000_000_000);
    whole.and_then(|nanos| nanos.checked_add(duration.subsec_nanos().into())).unwrap_or(NEVER)
}

/// A time in a message, to the millisecond. Not by way of `f64`, whose text takes 20 kB of code.
pub(crate) struct InSeconds(pub(crate) Duration);

impl fmt::Display for InSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = self.0.saturating_add(Duration::from_micros(500));
        write!(f, "{}.{:03} s", rounded.as_secs(), rounded.subsec_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_a_message_is_rounded_to_the_millisecond() {
        for nanos in [0, 1, 499_999, 500_001, 999_600_000, 61_007_400_000] {
            let time = Duration::from_nanos(nanos);
            assert_eq!(InSeconds(time).to_string(), format!("{:.3} s", time.as_secs_f64()));
        }
        assert!(InSeconds(Duration::MAX).to_string().ends_with("1615.999 s"));
    }
}
