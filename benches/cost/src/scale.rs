//! How times grow with the number of tasks and timers: a table of nanoseconds on the clock for one operation,
//! beside so many others. What costs more where there are more of them pays for memory that is not in a cache,
//! and for nothing else.

use std::future::{Future, pending, poll_fn};
use std::hint::black_box;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use wheelhouse::{EventLoop, Sleep, Task, gather, sleep, spawn, yield_now};

const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

/// Each figure is the least of so many runs.
const RUNS: usize = 3;

/// An operation, and what one of it takes beside `n` others.
type Measured = (&'static str, fn(usize) -> f64);

const ROWS: &[Measured] = &[
    ("spawn + await, beside n parked tasks", spawn_and_await),
    ("yield, n tasks in turn", yields),
    ("cancel, of n parked tasks", cancels),
    ("drop a handle, of n parked tasks", detaches),
    ("gather of n tasks, each", gathers),
    ("sleep: first poll, n live", |n| sleeps(n).0),
    ("sleep: reset, n live", |n| sleeps(n).1),
    ("sleep: drop, n live", |n| sleeps(n).2),
    ("longest turn of 1 ms, n timers over 60 s", longest_turn),
];

/// Prints the table, in Markdown, row by row as they are measured.
pub(crate) fn print_table() {
    println!("| ns an operation | {} |", SIZES.map(|n| n.to_string()).join(" | "));
    println!("|---|{}", "---:|".repeat(SIZES.len()));
    for (name, measure) in ROWS {
        let least = |n| (0..RUNS).map(|_| measure(n)).fold(f64::INFINITY, f64::min);
        println!("| {name} | {} |", SIZES.map(|n| format!("{:.0}", least(n))).join(" | "));
    }
}

fn virtually<R: 'static>(main: impl Future<Output = R> + 'static) -> R {
    let mut event_loop = EventLoop::builder().virtual_clock().build().expect("a loop can be made");
    event_loop.run_until_complete(main).expect("main ends by itself")
}

/// Nanoseconds since `begin`, for each of `n`.
fn each(begin: Instant, n: usize) -> f64 {
    begin.elapsed().as_nanos() as f64 / n as f64
}

/// Enough rounds for the clock, where `n` of something are done in each.
fn rounds(n: usize) -> usize {
    (100_000 / n).max(1)
}

async fn parked(n: usize) -> Vec<Task<()>> {
    let tasks = (0..n).map(|_| spawn(pending())).collect();
    yield_now().await;
    tasks
}

fn spawn_and_await(n: usize) -> f64 {
    virtually(async move {
        let _parked = parked(n).await;
        let begin = Instant::now();
        for i in 0..100_000 {
            black_box(spawn(async move { black_box(i) }).await).expect("it ends by itself");
        }
        each(begin, 100_000)
    })
}

fn yields(n: usize) -> f64 {
    virtually(async move {
        let rounds = rounds(n);
        let tasks = Vec::from_iter((0..n).map(|_| {
            spawn(async move {
                for _ in 0..rounds {
                    yield_now().await;
                }
            })
        }));
        yield_now().await;
        let begin = Instant::now();
        gather(tasks).await;
        each(begin, n * rounds)
    })
}

fn cancels(n: usize) -> f64 {
    virtually(async move {
        let tasks = parked(n).await;
        let begin = Instant::now();
        tasks.iter().for_each(|task| assert!(task.cancel(), "it lives"));
        each(begin, n)
    })
}

fn detaches(n: usize) -> f64 {
    virtually(async move {
        let tasks = parked(n).await;
        let begin = Instant::now();
        tasks.into_iter().for_each(Task::detach);
        each(begin, n)
    })
}

fn gathers(n: usize) -> f64 {
    virtually(async move {
        let begin = Instant::now();
        for _ in 0..rounds(n) {
            black_box(gather((0..n).map(|i| spawn(async move { black_box(i) }))).await);
        }
        each(begin, n * rounds(n))
    })
}

/// A first poll, a reset and a drop.
fn sleeps(n: usize) -> (f64, f64, f64) {
    virtually(async move {
        let delay = |i: usize| Duration::from_micros(10_000_000 + (i as u64 * 7_919) % 60_000_000);
        let mut live: Vec<Pin<Box<Sleep>>> = (0..n).map(|i| Box::pin(sleep(delay(i)))).collect();
        let begin = Instant::now();
        poll_fn(|cx| {
            live.iter_mut()
                .for_each(|nap| assert!(nap.as_mut().poll(cx).is_pending(), "too early"));
            Poll::Ready(())
        })
        .await;
        let armed = each(begin, n);
        let begin = Instant::now();
        (0..n).for_each(|i| live[i * 7_919 % n].reset(delay(i + 1)));
        let moved = each(begin, n);
        let begin = Instant::now();
        drop(live);
        (armed, moved, each(begin, n))
    })
}

/// Time goes by in milliseconds, with a turn for each, over a second.
fn longest_turn(n: usize) -> f64 {
    let mut event_loop = EventLoop::builder().virtual_clock().build().expect("a loop can be made");
    for i in 0..n {
        let delay = Duration::from_nanos(2_000_000_000 + (i as u64 * 60_000_013) % 60_000_000_000);
        let _ = event_loop.call_later(delay, || ());
    }
    let turn = |event_loop: &mut EventLoop| {
        event_loop.advance(Duration::from_millis(1));
        let begin = Instant::now();
        let _ = event_loop.run_once(Some(Duration::ZERO)).expect("the loop turns");
        begin.elapsed().as_nanos() as f64
    };
    (0..1000).map(|_| turn(&mut event_loop)).fold(0.0, f64::max)
}
