//! The floor: how little an executor can cost here if it does next to nothing. No runtime to use.
//!
//! Beside what every peer has in common with the others, it leaves out:
//!
//! - waiting on anything but timers: no sockets, no other threads. It never enters the operating system while
//!   a task is ready, and looks for timers every 61 turns only;
//! - wakes from other threads: they would go to a queue that nobody runs;
//! - panics: one ends the program;
//! - cancellation: a cancel drops the future where it stands, and its joiner waits forever;
//! - stale handles and wakers: a waker kept too long wakes the next task of its slot;
//! - all bookkeeping: names, observers, reports, where a task was spawned.
//!
//! What remains is one allocation a task, a queue of indexes, and a waker that is lent to each task that is
//! polled, to become its own if a clone of it is kept. Its timers are the bare `timer-wheel`, so that the
//! difference is what a loop adds to its wheel.

use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::LocalKey;
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use slab::Slab;
use timer_wheel::{TimerKey, TimerWheel};

use crate::Runtime;

/// An executor that is no runtime: see its file for what it leaves out.
#[derive(Debug)]
pub struct Floor(());

thread_local! {
    // Never dropped: what is left at the end would be counted as part of the last lap.
    static READY: Kept<Vec<usize>> = const { Kept::new(RefCell::new(Vec::new())) };
    static RUNNING: Kept<Vec<usize>> = const { Kept::new(RefCell::new(Vec::new())) };
    static TASKS: Kept<Slab<Slot>> = const { Kept::new(RefCell::new(Slab::new())) };
    static WAKERS: Kept<Wakers> = Kept::new(RefCell::default());
    static TIMERS: Kept<Timers> = Kept::new(RefCell::new(Timers::new()));
}

type Kept<T> = ManuallyDrop<RefCell<T>>;

fn with<T, R>(kept: &'static LocalKey<Kept<T>>, act: impl FnOnce(&mut T) -> R) -> R {
    kept.with(|kept| act(&mut kept.borrow_mut()))
}

#[derive(Default)]
struct Wakers {
    lent: Lent,
    /// Those that were kept, by slot.
    own: Vec<Option<Waker>>,
}

struct Lent {
    waker: Waker,
    id: Arc<Id>,
}

struct Slot {
    cell: Option<Pin<Box<dyn Cell>>>,
    joiner: Option<Waker>,
    done: bool,
}

struct Timers {
    wheel: TimerWheel<Waker>,
    start: Instant,
    now: u64,
}

struct Id(AtomicUsize);

impl Wake for Id {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        with(&READY, |ready| ready.push(self.0.load(Relaxed)));
    }
}

/// A task's future, then its output.
trait Cell {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
    /// The output, as an `Option`.
    fn output(self: Pin<&mut Self>) -> Option<&mut dyn Any>;
}

pin_project! {
    #[project = Projected]
    enum TaskCell<F: Future> {
        Running { #[pin] future: F },
        Done { output: Option<F::Output> },
    }
}

impl<F: Future> Cell for TaskCell<F>
where
    F::Output: 'static,
{
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Projected::Running { future } = self.as_mut().project() {
            let Poll::Ready(output) = future.poll(cx) else {
                return Poll::Pending;
            };
            self.set(TaskCell::Done { output: Some(output) });
        }
        Poll::Ready(())
    }

    fn output(self: Pin<&mut Self>) -> Option<&mut dyn Any> {
        match self.project() {
            Projected::Running { .. } => None,
            Projected::Done { output } => Some(output),
        }
    }
}

/// A task's slot, and the type of what it returns. Dropping it leaves the task running.
#[derive(Debug)]
pub struct FloorTask<T>(usize, std::marker::PhantomData<T>);

fn spawn<F: Future + 'static>(future: F) -> usize {
    let slot =
        Slot { cell: Some(Box::pin(TaskCell::Running { future })), joiner: None, done: false };
    let id = with(&TASKS, |tasks| tasks.insert(slot));
    with(&READY, |ready| ready.push(id));
    id
}

fn step(id: usize) {
    let taken = with(&TASKS, |tasks| tasks.get_mut(id).filter(|slot| !slot.done)?.cell.take());
    let Some(mut cell) = taken else {
        return; // woken twice, or too late
    };
    let done = with(&WAKERS, |wakers| {
        let done = cell.as_mut().poll(&mut Context::from_waker(wakers.of(id))).is_ready();
        wakers.keep(id);
        done
    });
    let joiner = with(&TASKS, |tasks| {
        let slot = &mut tasks[id];
        slot.cell = Some(cell);
        slot.done = done;
        slot.joiner.take_if(|_| done)
    });
    if let Some(joiner) = joiner {
        joiner.wake();
    }
}

impl Default for Lent {
    fn default() -> Lent {
        let id = Arc::new(Id(AtomicUsize::new(0)));
        Lent { waker: Waker::from(Arc::clone(&id)), id }
    }
}

impl Wakers {
    fn of(&self, task: usize) -> &Waker {
        if let Some(Some(own)) = self.own.get(task) {
            return own;
        }
        self.lent.id.0.store(task, Relaxed);
        &self.lent.waker
    }

    /// A clone of the waker that was lent is left: it is the task's own.
    fn keep(&mut self, task: usize) {
        if Arc::strong_count(&self.lent.id) > 2 {
            self.own.resize(self.own.len().max(task + 1), None);
            self.own[task] = Some(std::mem::take(&mut self.lent).waker);
        }
    }
}

fn take_output<T: 'static>(id: usize, cx: &Context<'_>) -> Poll<T> {
    let cell = with(&TASKS, |tasks| {
        if tasks[id].done {
            return tasks.remove(id).cell;
        }
        tasks[id].joiner = Some(cx.waker().clone());
        None
    });
    let Some(mut cell) = cell else {
        return Poll::Pending;
    };
    let output = cell.as_mut().output().and_then(|output| output.downcast_mut::<Option<T>>());
    Poll::Ready(output.and_then(Option::take).expect("the task ended with a `T`"))
}

impl Timers {
    fn new() -> Timers {
        Timers { wheel: TimerWheel::new(), start: Instant::now(), now: 0 }
    }

    fn read_clock(&mut self) {
        self.now = self.start.elapsed().as_nanos() as u64;
    }

    fn expire(&mut self) {
        self.read_clock();
        self.wheel.advance(self.now);
        while let Some(expired) = self.wheel.pop_expired() {
            expired.value.wake();
        }
    }

    /// How long until the next timer.
    fn wait(&mut self) -> Duration {
        let next = self.wheel.next_wakeup().expect("a task is ready or sleeps");
        Duration::from_nanos(next.saturating_sub(self.now))
    }
}

fn turn(number: usize) {
    let ready = with(&READY, |ready| ready.len());
    if ready == 0 || number % 61 == 0 {
        with(&TIMERS, |timers| {
            if ready == 0 {
                std::thread::sleep(timers.wait());
            }
            timers.expire();
        });
    }
    with(&RUNNING, |running| {
        with(&READY, |ready| std::mem::swap(ready, running));
        running.drain(..).for_each(step);
    });
}

/// A timer of the wheel.
#[derive(Debug)]
pub struct FloorSleep {
    delay: u64,
    timer: Option<TimerKey>,
}

impl Future for FloorSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        with(&TIMERS, |timers| match self.timer {
            Some(timer) if timers.wheel.contains(timer) => Poll::Pending,
            Some(_) => Poll::Ready(()),
            None => {
                timers.read_clock();
                let deadline = timers.now + self.delay;
                self.timer = Some(timers.wheel.insert(deadline, cx.waker().clone()));
                Poll::Pending
            }
        })
    }
}

impl Drop for FloorSleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            with(&TIMERS, |timers| timers.wheel.remove(timer));
        }
    }
}

impl Runtime for Floor {
    const NAME: &'static str = "floor";
    const CANNOT: &'static [(&'static str, &'static str)] =
        &[("remote-wake", "no threads"), ("offload", "no threads")];
    type Task<T: 'static> = FloorTask<T>;
    type Sleep = FloorSleep;

    fn new() -> Self {
        with(&TIMERS, |timers| *timers = Timers::new());
        Floor(())
    }

    fn block_on<T, F>(&mut self, main: F) -> T
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        let main = spawn(main);
        let is_done = || with(&TASKS, |tasks| tasks[main].done);
        (0..).take_while(|_| !is_done()).for_each(turn);
        match take_output(main, &Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => unreachable!("it is done"),
        }
    }

    fn spawn<T, F>(future: F) -> FloorTask<T>
    where
        T: 'static,
        F: Future<Output = T> + 'static,
    {
        FloorTask(spawn(future), std::marker::PhantomData)
    }

    fn join<T: 'static>(task: FloorTask<T>) -> impl Future<Output = T> + 'static {
        std::future::poll_fn(move |cx| take_output(task.0, cx))
    }

    /// Drops the future, at once.
    fn cancel<T: 'static>(task: &FloorTask<T>) {
        drop(with(&TASKS, |tasks| tasks.try_remove(task.0)));
    }

    async fn cancelled<T: 'static>(_: FloorTask<T>) {}

    fn yield_now() -> impl Future<Output = ()> + 'static {
        futures_lite::future::yield_now()
    }

    fn sleep(delay: Duration) -> FloorSleep {
        FloorSleep { delay: delay.as_nanos() as u64, timer: None }
    }

    fn reset(mut sleep: Pin<&mut FloorSleep>, delay: Duration, _: &mut Context<'_>) {
        sleep.delay = delay.as_nanos() as u64;
        let timer = sleep.timer.expect("the sleep was polled");
        with(&TIMERS, |timers| {
            timers.read_clock();
            timers.wheel.reset(timer, timers.now + sleep.delay);
        });
    }

    fn timeout<F: Future>(limit: Duration, body: F) -> impl Future<Output = Option<F::Output>> {
        futures_lite::future::or(async { Some(body.await) }, async move {
            Self::sleep(limit).await;
            None
        })
    }

    async fn offload<T, J>(job: J) -> T
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        job()
    }
}
