//! The threads that [`offload`](crate::offload) runs its jobs on: asyncio's default executor, a
//! `ThreadPoolExecutor`. Each loop has a pool of its own.
//!
//! A thread is started when a job comes, none is idle, and there are fewer than the limit; it ends after
//! it was idle for a while, or when the loop goes. Nobody ever joins one: a job that blocks for ever
//! keeps its thread, and nothing else.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::context::Core;
use crate::event_loop::EventLoop;
use crate::keyed::Key;
use crate::observe::ExceptionContext;
use crate::offload_error::{OffloadError, UnfinishedJob};
use crate::remote::{Message, Remote, unpoisoned};
use crate::run_error::RunError;

/// How a loop's pool of threads is set up: see [`LoopBuilder::offload_pool`](crate::LoopBuilder::offload_pool).
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{EventLoop, OffloadPool, offload};
///
/// let pool = OffloadPool::new().max_threads(2).thread_name("disk").idle_after(Duration::from_secs(1));
/// let mut event_loop = EventLoop::builder().offload_pool(pool).build().unwrap();
/// let name = event_loop.run_until_complete(async {
///     offload(|| std::thread::current().name().map(str::to_owned)).await.unwrap()
/// });
/// assert_eq!(name.unwrap().unwrap(), "disk-1");
/// ```
#[derive(Clone, Debug)]
#[must_use = "it sets up nothing until it is given to a builder"]
pub struct OffloadPool {
    /// `None` until it is needed: to count the processors takes some 25 system calls.
    max_threads: Option<usize>,
    idle_after: Duration,
    thread_name: Cow<'static, str>,
    stack_size: Option<usize>,
    shutdown_limit: Duration,
}

impl OffloadPool {
    /// At most `min(32, cpus + 4)` threads, as in asyncio, each of which ends after ten seconds without a job.
    pub fn new() -> OffloadPool {
        OffloadPool {
            max_threads: None,
            idle_after: Duration::from_secs(10),
            thread_name: Cow::Borrowed("offload"),
            stack_size: None,
            shutdown_limit: Duration::from_secs(300),
        }
    }

    /// How many threads there may be at once. One at least.
    pub fn max_threads(mut self, threads: usize) -> OffloadPool {
        self.max_threads = Some(threads.max(1));
        self
    }

    /// How long a thread waits for its next job before it ends.
    pub fn idle_after(mut self, idle: Duration) -> OffloadPool {
        self.idle_after = idle;
        self
    }

    /// What the threads are called; a number is added.
    pub fn thread_name(mut self, name: impl Into<String>) -> OffloadPool {
        self.thread_name = Cow::Owned(name.into());
        self
    }

    /// The size of a thread's stack, in bytes, instead of the standard library's.
    pub fn stack_size(mut self, bytes: usize) -> OffloadPool {
        self.stack_size = Some(bytes);
        self
    }

    /// For how long [`run`](crate::run) and [`Runner`](crate::Runner) wait at their end for jobs that still
    /// run; five minutes if nothing else is said, as in asyncio. In real time, whatever the loop's clock is.
    pub fn shutdown_limit(mut self, limit: Duration) -> OffloadPool {
        self.shutdown_limit = limit;
        self
    }
}

/// asyncio's default.
fn default_max_threads() -> usize {
    let cpus = thread::available_parallelism().map_or(1, NonZero::get);
    cpus.saturating_add(4).min(32)
}

impl Default for OffloadPool {
    fn default() -> Self {
        OffloadPool::new()
    }
}

/// A job as the pool sees it.
pub(crate) trait Run: Send + Sync {
    /// Runs it, and keeps what came of it.
    fn run(&self);
    fn offloaded_at(&self) -> &'static Location<'static>;
}

/// The pool as its loop sees it. A loop has none before its first job, and knows nothing else of it: so what
/// a pool takes is no part of a program that offloads nothing.
pub(crate) trait Threads: Send + Sync {
    /// Queues a job and sees that there is a thread for it.
    fn submit(self: Arc<Self>, job: Arc<dyn Run>, key: Key) -> Result<(), OffloadError>;
    /// Takes a job that has not begun out of the queue.
    fn withdraw(&self, key: Key) -> Option<Entry>;
    /// Accepts no more jobs. The threads end once those that are queued are done.
    fn close(&self);
    /// What has not ended: first the jobs that run, then those that have not begun.
    fn unfinished(&self) -> Vec<UnfinishedJob>;
    /// Waits for what has not ended, for as long as the pool's options say, and reports what then has not.
    fn shut_down(&self, event_loop: &mut EventLoop) -> Result<(), RunError>;
    /// The loop goes: drops the jobs that have not begun, and now never will.
    fn end(&self, core: &Core);
}

/// A loop's threads and the jobs for them.
pub(crate) struct Pool {
    options: OffloadPool,
    remote: Arc<Remote>,
    work: Mutex<Work>,
    /// There is a job, or there will be none any more.
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    queue: VecDeque<Entry>,
    running: Vec<Running>,
    /// As [`OffloadPool`] has it.
    max_threads: Option<usize>,
    threads: usize,
    /// Threads that wait for a job, or are on their way to one that is queued.
    idle: usize,
    /// How many threads were ever started.
    started: usize,
    /// No job is accepted any more; threads end when the queue is empty.
    closed: bool,
}

/// A job that has not begun.
pub(crate) struct Entry {
    key: Key,
    job: Arc<dyn Run>,
}

struct Running {
    key: Key,
    offloaded_at: &'static Location<'static>,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(options: OffloadPool, remote: &Arc<Remote>) -> Pool {
        let work = Work { max_threads: options.max_threads, ..Work::default() };
        Pool {
            options,
            remote: Arc::clone(remote),
            work: Mutex::new(work),
            changed: Condvar::new(),
        }
    }
}

impl Threads for Pool {
    fn submit(self: Arc<Self>, job: Arc<dyn Run>, key: Key) -> Result<(), OffloadError> {
        let mut work = unpoisoned(self.work.lock());
        if work.closed {
            return Err(OffloadError::LoopClosed);
        }
        work.queue.push_back(Entry { key, job });
        if work.idle >= work.queue.len() {
            drop(work);
            self.changed.notify_one();
        } else if work.has_room() {
            work.threads += 1;
            work.started += 1;
            let number = work.started;
            drop(work);
            self.start(number).or_else(|error| self.not_started(key, error))?;
        }
        Ok(())
    }

    fn withdraw(&self, key: Key) -> Option<Entry> {
        unpoisoned(self.work.lock()).withdraw(key)
    }

    fn close(&self) {
        unpoisoned(self.work.lock()).closed = true;
        self.changed.notify_all();
    }

    fn unfinished(&self) -> Vec<UnfinishedJob> {
        let work = unpoisoned(self.work.lock());
        let running = work.running.iter().map(|job| (job.offloaded_at, Some(job.since.elapsed())));
        let queued = work.queue.iter().map(|entry| (entry.job.offloaded_at(), None));
        let unfinished = running.chain(queued);
        unfinished
            .map(|(offloaded_at, running_for)| UnfinishedJob { offloaded_at, running_for })
            .collect()
    }

    fn shut_down(&self, event_loop: &mut EventLoop) -> Result<(), RunError> {
        if self.unfinished().is_empty() {
            // A runner that was refused its `main`, inside a running loop, ends without turning.
            return Ok(());
        }
        for job in event_loop.shutdown_offload(self.options.shutdown_limit)? {
            event_loop.report(&ExceptionContext::of(&job.to_string()));
        }
        Ok(())
    }

    fn end(&self, core: &Core) {
        self.close();
        let jobs = std::mem::take(&mut unpoisoned(self.work.lock()).queue);
        for job in jobs {
            core.guard("a job panicked when it was dropped", || drop(job));
        }
    }
}

impl Pool {
    fn start(self: &Arc<Self>, number: usize) -> io::Result<()> {
        let mut thread =
            thread::Builder::new().name(format!("{}-{number}", self.options.thread_name));
        if let Some(bytes) = self.options.stack_size {
            thread = thread.stack_size(bytes);
        }
        let pool = Arc::clone(self);
        thread.spawn(move || pool.work()).map(drop)
    }

    /// The system refuses another thread: that matters only if there is none.
    fn not_started(&self, key: Key, error: io::Error) -> Result<(), OffloadError> {
        let mut work = unpoisoned(self.work.lock());
        work.threads -= 1;
        if work.threads > 0 {
            return Ok(());
        }
        let withdrawn = work.withdraw(key);
        drop(work);
        drop(withdrawn);
        Err(OffloadError::NoThread(error))
    }

    /// What each thread does.
    fn work(&self) {
        unpoisoned(self.work.lock()).idle += 1;
        while let Some(Entry { key, job }) = self.next() {
            job.run();
            // What nobody waits for goes here, and may panic.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(job)));
            self.finish(key);
        }
    }

    /// Waits for a job; `None` when the thread shall end.
    fn next(&self) -> Option<Entry> {
        let deadline = Instant::now().checked_add(self.options.idle_after);
        let mut work = unpoisoned(self.work.lock());
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let over = work.closed || left.is_some_and(|left| left.is_zero());
            if !work.queue.is_empty() || over {
                return work.begin();
            }
            work = match left {
                Some(left) => unpoisoned(self.changed.wait_timeout(work, left)).0,
                None => unpoisoned(self.changed.wait(work)),
            };
        }
    }

    /// The thread is idle before the loop hears of it: one job after the other keeps to one thread.
    fn finish(&self, key: Key) {
        let mut work = unpoisoned(self.work.lock());
        work.idle += 1;
        work.running.retain(|running| running.key != key);
        drop(work);
        // A loop that is gone waits for nothing.
        let _ = self.remote.send(Message::Job(key));
    }
}

impl Work {
    /// May there be another thread?
    fn has_room(&mut self) -> bool {
        self.threads < *self.max_threads.get_or_insert_with(default_max_threads)
    }

    /// An idle thread takes the first job, or ends if there is none.
    fn begin(&mut self) -> Option<Entry> {
        self.idle -= 1;
        let Some(entry) = self.queue.pop_front() else {
            self.threads -= 1;
            return None;
        };
        let offloaded_at = entry.job.offloaded_at();
        self.running.push(Running { key: entry.key, offloaded_at, since: Instant::now() });
        Some(entry)
    }

    fn withdraw(&mut self, key: Key) -> Option<Entry> {
        let place = self.queue.iter().position(|entry| entry.key == key)?;
        self.queue.remove(place)
    }
}
