//! Clocks: loop time is nanoseconds since the loop was made, real or virtual.

use std::cell::Cell;
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
