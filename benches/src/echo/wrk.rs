//! The load generator `wrk`, for HTTP, where it is found.

use std::error::Error;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::load::Outcome;
use super::process::cpu_of;
use crate::measure::nanos_each;

/// `wrk` counts in whole seconds.
const SECONDS: &str = "1";

pub(super) fn is_installed() -> bool {
    // It shows its version, and fails.
    Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Puts the server in `process` under load.
pub(super) fn load(port: u16, process: u32, connections: usize) -> Result<Outcome, Box<dyn Error>> {
    let before = cpu_of(process)?;
    let output = Command::new("wrk")
        .args(["--latency", "-t", "1", "-d", SECONDS, "-c", &connections.to_string()])
        .arg(format!("http://127.0.0.1:{port}/"))
        .output()?;
    let cpu = cpu_of(process)? - before;
    let report = String::from_utf8(output.stdout)?;
    parse(&report, cpu).ok_or_else(|| format!("wrk says {report:?}").into())
}

/// Its report has lines such as `    99%    1.40ms`, `  31415 requests in 1.10s, 2.70MB read` and
/// `Requests/sec:  28559.09`; failed requests have a line of their own.
fn parse(report: &str, cpu: Duration) -> Option<Outcome> {
    let lines = || report.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let beside = |name| lines().find(|words| words.first() == Some(&name))?.get(1).copied();
    let requests: usize =
        lines().find(|words| words.get(1) == Some(&"requests"))?[0].parse().ok()?;
    if report.contains("Socket errors") || report.contains("Non-2xx") {
        return None;
    }
    Some(Outcome {
        per_second: beside("Requests/sec:")?.parse().ok()?,
        p50: nanos(beside("50%")?)?,
        p99: nanos(beside("99%")?)?,
        cpu: nanos_each(cpu, requests),
        all_requests: requests as f64,
    })
}

fn nanos(time: &str) -> Option<f64> {
    let units = [("us", 1e3), ("ms", 1e6), ("s", 1e9)];
    let (number, unit) =
        units.iter().find_map(|(unit, nanos)| Some((time.strip_suffix(unit)?, nanos)))?;
    number.parse::<f64>().ok().map(|number| number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_found_in_a_report() {
        let report = "Running 1s test @ http://127.0.0.1:8080/\n\
            \x20 Thread Stats   Avg      Stdev     Max   +/- Stdev\n\
            \x20   Latency     1.35ms    3.06ms  15.86ms   90.00%\n\
            \x20 Latency Distribution\n\x20    50%  330.00us\n\x20    99%    1.40ms\n\
            \x20 1000 requests in 1.10s, 2.70MB read\n\
            Requests/sec:    909.09\nTransfer/sec:      2.45MB\n";
        let outcome = parse(report, Duration::from_millis(8)).expect("nothing is missing");
        assert_eq!((outcome.per_second, outcome.all_requests), (909.09, 1000.0));
        assert_eq!((outcome.p50, outcome.p99, outcome.cpu), (330e3, 1.4e6, 8e3));
        assert!(parse("unable to connect", Duration::ZERO).is_none());
    }
}
