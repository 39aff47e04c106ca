//! The instruments: a CPU clock and order statistics.

use std::time::Duration;

use cpu_time::ProcessTime;

/// Counts the CPU time, user and system, of every thread of the process.
pub(crate) struct CpuClock(ProcessTime);

impl CpuClock {
    pub(crate) fn start() -> CpuClock {
        CpuClock(ProcessTime::now())
    }

    /// Nanoseconds since the start for each of `n` operations.
    pub(crate) fn nanos_each(&self, n: usize) -> f64 {
        nanos_each(self.0.elapsed(), n)
    }
}

pub(crate) fn nanos_each(time: Duration, n: usize) -> f64 {
    time.as_nanos() as f64 / n as f64
}

/// The value below which a `share` of the values lies; `NaN` if there are none.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}
