//! The workloads under criterion: a group for each row, and in it every runtime. Sizes in the names are
//! those of the table; a run here is smaller.

use std::time::Duration;

use benches::{Laps, Peer, Unit, Workload, peers};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};

/// A run is this much smaller than in the table.
const SMALLER: usize = 20;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
        .configure_from_args();
    let peers = peers();
    for index in 0..peers[0].workloads.len() {
        bench_workload(&mut criterion, &peers, index);
    }
    criterion.final_summary();
}

fn bench_workload(criterion: &mut Criterion, peers: &[Peer], index: usize) {
    let rows = peers[0].workloads[index].rows;
    for row in (0..rows.len()).filter(|row| rows[*row].unit == Unit::CpuNanos) {
        let mut group = criterion.benchmark_group(rows[row].name);
        for peer in peers.iter().filter(|peer| peer.workloads[index].cannot.is_none()) {
            bench_row(&mut group, peer.name, peer.workloads[index], row);
        }
        group.finish();
    }
}

/// What criterion sees is the time the workload measured itself, not that of setting it up.
fn bench_row(group: &mut BenchmarkGroup<'_, WallTime>, peer: &str, workload: Workload, row: usize) {
    let n = workload.n / SMALLER;
    group.throughput(Throughput::Elements(n as u64));
    group.bench_function(BenchmarkId::from_parameter(peer), |bencher| {
        bencher.iter_custom(|runs| {
            let nanos: f64 = (0..runs)
                .map(|_| (workload.run)(n, Laps::all()).into_figures()[row] * n as f64)
                .sum();
            Duration::from_secs_f64(nanos / 1e9)
        });
    });
}
