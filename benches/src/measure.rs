//! The instruments: a stopwatch of CPU time that can end the process, and order statistics.

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

/// The stopwatch of a workload: it is started once what is not measured is done, and gives one figure a lap.
///
/// To count instructions, the process is ended where a lap ends: what a run to that point took more than
/// a run to the point before is the lap's own. So nothing has to be switched on or off inside.
#[must_use = "a workload gives its laps back"]
pub struct Laps {
    clock: CpuClock,
    figures: Vec<f64>,
    end_after: Option<usize>,
}

impl Laps {
    /// Measures the whole run.
    pub fn all() -> Laps {
        Laps { clock: CpuClock::start(), figures: Vec::new(), end_after: None }
    }

    /// Ends the process after so many laps; after none, where the first would begin.
    pub fn ending_after(laps: usize) -> Laps {
        Laps { end_after: Some(laps), ..Laps::all() }
    }

    /// Everything is ready: the first lap begins.
    pub(crate) fn start(&mut self) {
        self.may_end();
        self.clock = CpuClock::start();
    }

    /// A lap of `n` operations is over, and the next one begins.
    pub(crate) fn lap(&mut self, n: usize) {
        let figure = self.clock.nanos_each(n);
        self.note(figure);
        self.clock = CpuClock::start();
    }

    /// A figure that is no CPU time.
    pub(crate) fn note(&mut self, figure: f64) {
        self.figures.push(figure);
        self.may_end();
    }

    /// What was measured, a figure for each row of the workload.
    #[must_use = "this ends the measuring"]
    pub fn into_figures(self) -> Vec<f64> {
        self.figures
    }

    fn may_end(&self) {
        if self.end_after == Some(self.figures.len()) {
            std::process::exit(0);
        }
    }
}

impl std::fmt::Debug for Laps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Laps { figures, end_after, .. } = self;
        f.debug_struct("Laps")
            .field("figures", figures)
            .field("end_after", end_after)
            .finish_non_exhaustive()
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
