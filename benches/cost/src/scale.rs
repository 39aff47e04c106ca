//! How costs grow with the number of tasks and timers: what one operation takes beside so many others.
//!
//! In instructions nothing may grow by more than [`BOUND`]; that is checked between the first of the sizes and
//! the last but one. In nanoseconds more is paid where there are more, for memory that is not in a cache.

use std::future::{Future, pending, poll_fn};
use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use wheelhouse::sync::Lock;
use wheelhouse::{
    ALL_COMPLETED, EventLoop, Sleep, Task, call_later, gather, sleep, spawn, wait, yield_now,
};

use crate::operations::virtually;
use crate::valgrind;

const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

/// By how much the instructions of an operation may grow.
const BOUND: f64 = 2.0;

/// Each time is the least of so many runs.
const RUNS: usize = 3;

/// Something done `operations` times where there are `n` of a kind, and how long that took without the
/// preparations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scaled {
    pub(crate) name: &'static str,
    /// Beside so many others at most; more say nothing new.
    most: usize,
    run: fn(n: usize, operations: usize) -> Duration,
}

/// Every operation whose costs are held against the number of others.
pub(crate) const ALL: &[Scaled] = &[
    Scaled { name: "spawn + await, beside n parked tasks", most: 10_000, run: spawn_and_await },
    Scaled { name: "yield, n tasks in turn", most: usize::MAX, run: yields },
    Scaled { name: "cancel, one of n parked tasks", most: 10_000, run: cancels },
    Scaled { name: "drop a handle, one of n", most: 10_000, run: detaches },
    Scaled { name: "gather of n tasks, each", most: usize::MAX, run: gathers },
    Scaled { name: "wait for n tasks, each", most: usize::MAX, run: waits },
    Scaled { name: "cancel one of n that wait for a lock", most: 10_000, run: cancels_at_lock },
    Scaled { name: "sleep: first poll, n live", most: 10_000, run: arms },
    Scaled { name: "sleep: reset, n live", most: 10_000, run: resets },
    Scaled { name: "sleep: drop, n live", most: 10_000, run: drops },
    Scaled { name: "timer: expires, n live", most: 10_000, run: expiries },
];

impl Scaled {
    /// How often it is done in one run, beside `n` others.
    fn operations(&self, n: usize) -> usize {
        n.min(self.most)
    }

    /// Runs it all over again until there is something to be measured.
    pub(crate) fn run(&self, n: usize, operations: usize) -> Duration {
        (0..rounds(n)).map(|_| (self.run)(n, operations)).sum()
    }

    /// Nanoseconds for one operation.
    fn nanos(&self, n: usize) -> f64 {
        let operations = self.operations(n);
        let took = (0..RUNS).map(|_| self.run(n, operations)).min().expect("there are runs");
        took.as_nanos() as f64 / (operations * rounds(n)) as f64
    }

    /// Instructions for one operation: the preparations are in both of two runs.
    fn instructions(&self, n: usize) -> io::Result<f64> {
        let operations = self.operations(n);
        let half = valgrind::count_scaled(self.name, n, operations / 2)?;
        let all = valgrind::count_scaled(self.name, n, operations)?;
        Ok((all as f64 - half as f64) / (operations / 2 * rounds(n)) as f64)
    }
}

/// Enough rounds for a clock, and for a count that is rounded to whole instructions.
fn rounds(n: usize) -> usize {
    (10_000 / n).max(1)
}

/// Prints the table, in Markdown, row by row as they are measured.
pub(crate) fn print_table() -> io::Result<()> {
    let counts = valgrind::is_here();
    println!("| ns an operation (instructions) | {} |", SIZES.map(|n| n.to_string()).join(" | "));
    println!("|---|{}", "---:|".repeat(SIZES.len()));
    for row in ALL {
        print!("| {} |", row.name);
        for n in SIZES {
            match counts {
                true => print!(" {:.0} ({:.0}) |", row.nanos(n), row.instructions(n)?),
                false => print!(" {:.0} |", row.nanos(n)),
            }
        }
        println!();
    }
    let longest = SIZES.map(|n| {
        let least = (0..RUNS).map(|_| longest_turn(n)).min().expect("there are runs");
        least.as_nanos().to_string()
    });
    println!("| longest turn of 1 ms, n timers over 60 s | {} |", longest.join(" | "));
    Ok(())
}

/// Holds every operation to the bound; how many pass it.
pub(crate) fn judge_all() -> io::Result<usize> {
    let (few, many) = (SIZES[0], SIZES[SIZES.len() - 2]);
    let mut over = 0;
    for row in ALL {
        let (first, last) = (row.instructions(few)?, row.instructions(many)?);
        let grows = last > first * BOUND;
        let verdict = if grows { "GROWS" } else { "" };
        println!("{first:>8.0}  {last:>8.0}  {:<38} {verdict}", row.name);
        over += usize::from(grows);
    }
    Ok(over)
}

async fn parked(n: usize) -> Vec<Task<()>> {
    let tasks = (0..n).map(|_| spawn(pending())).collect();
    yield_now().await;
    tasks
}

fn spawn_and_await(n: usize, operations: usize) -> Duration {
    virtually(async move {
        let _parked = parked(n).await;
        let begin = Instant::now();
        for i in 0..operations {
            black_box(spawn(async move { black_box(i) }).await).expect("it ends by itself");
        }
        begin.elapsed()
    })
}

/// Of `n` tasks some yield; an operation is one of ten yields.
fn yields(n: usize, operations: usize) -> Duration {
    virtually(async move {
        let _parked = parked(n - operations / 10).await;
        let yielding = (0..operations / 10).map(|_| {
            spawn(async {
                for _ in 0..10 {
                    yield_now().await;
                }
            })
        });
        let yielding = Vec::from_iter(yielding);
        let begin = Instant::now();
        for task in yielding {
            task.await.expect("it ends by itself");
        }
        begin.elapsed()
    })
}

/// The requests, and their deliveries.
fn cancels(n: usize, operations: usize) -> Duration {
    virtually(async move {
        let tasks = parked(n).await;
        let begin = Instant::now();
        tasks[..operations].iter().for_each(|task| assert!(task.cancel(), "it lives"));
        yield_now().await;
        begin.elapsed()
    })
}

fn detaches(n: usize, operations: usize) -> Duration {
    virtually(async move {
        let mut tasks = parked(n).await;
        let begin = Instant::now();
        tasks.drain(..operations).for_each(Task::detach);
        let took = begin.elapsed();
        std::mem::forget(tasks);
        took
    })
}

fn gathers(_: usize, operations: usize) -> Duration {
    virtually(async move {
        let begin = Instant::now();
        black_box(gather((0..operations).map(|i| spawn(async move { black_box(i) }))).await);
        begin.elapsed()
    })
}

fn waits(_: usize, operations: usize) -> Duration {
    virtually(async move {
        let begin = Instant::now();
        let tasks = (0..operations).map(|i| spawn(async move { black_box(i) }));
        black_box(wait(tasks, ALL_COMPLETED).await.expect("there are tasks"));
        begin.elapsed()
    })
}

/// The last that came go first.
fn cancels_at_lock(n: usize, operations: usize) -> Duration {
    virtually(async move {
        let lock = Rc::new(Lock::new(()));
        let held = lock.lock().await;
        let waiting = (0..n).map(|_| {
            let lock = Rc::clone(&lock);
            spawn(async move { drop(lock.lock().await) })
        });
        let waiting = Vec::from_iter(waiting);
        yield_now().await;
        let begin = Instant::now();
        waiting[n - operations..].iter().for_each(|task| assert!(task.cancel(), "it lives"));
        yield_now().await;
        let took = begin.elapsed();
        drop(held);
        took
    })
}

fn delay(i: usize) -> Duration {
    Duration::from_micros(10_000_000 + (i as u64 * 7_919) % 60_000_000)
}

type Nap = Pin<Box<Sleep>>;

fn naps(n: usize) -> Vec<Nap> {
    (0..n).map(|i| Box::pin(sleep(delay(i)))).collect()
}

async fn arm(naps: &mut [Nap]) {
    poll_fn(|cx| {
        let mut polls = naps.iter_mut().map(|nap| nap.as_mut().poll(cx));
        assert!(polls.all(|poll| poll.is_pending()), "too early");
        Poll::Ready(())
    })
    .await;
}

fn arms(n: usize, operations: usize) -> Duration {
    virtually(async move {
        let mut live = naps(n);
        arm(&mut live).await;
        let mut more = naps(operations);
        let begin = Instant::now();
        arm(&mut more).await;
        let took = begin.elapsed();
        std::mem::forget((live, more));
        took
    })
}

fn resets(n: usize, operations: usize) -> Duration {
    among_live(n, move |live| {
        (0..operations).for_each(|i| live[i * 7_919 % n].reset(delay(i + 1)));
    })
}

fn drops(n: usize, operations: usize) -> Duration {
    among_live(n, move |live| live.drain(..operations).for_each(drop))
}

/// How long something takes that is done to some of `n` sleeps that live.
fn among_live(n: usize, act: impl FnOnce(&mut Vec<Nap>) + 'static) -> Duration {
    virtually(async move {
        let mut live = naps(n);
        arm(&mut live).await;
        let begin = Instant::now();
        act(&mut live);
        let took = begin.elapsed();
        std::mem::forget(live);
        took
    })
}

/// As many turns as timers: each has a time of its own.
fn expiries(n: usize, operations: usize) -> Duration {
    virtually(async move {
        for i in 0..n {
            let _ = call_later(Duration::from_micros(1 + i as u64), || ());
        }
        let begin = Instant::now();
        sleep(Duration::from_micros(operations as u64)).await;
        begin.elapsed()
    })
}

/// Time goes by in milliseconds, with a turn for each, over a second.
fn longest_turn(n: usize) -> Duration {
    let mut event_loop = EventLoop::builder().virtual_clock().build().expect("a loop can be made");
    for i in 0..n {
        let delay = Duration::from_nanos(2_000_000_000 + (i as u64 * 60_000_013) % 60_000_000_000);
        let _ = event_loop.call_later(delay, || ());
    }
    let turn = |event_loop: &mut EventLoop| {
        event_loop.advance(Duration::from_millis(1));
        let begin = Instant::now();
        let _ = event_loop.run_once(Some(Duration::ZERO)).expect("the loop turns");
        begin.elapsed()
    };
    (0..1000).map(|_| turn(&mut event_loop)).max().expect("there are turns")
}
