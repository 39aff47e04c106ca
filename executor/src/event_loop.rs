//! The event loop, as asyncio's `BaseEventLoop`: what one is told and asked. What it does in a turn
//! is in `turn.rs`; start there.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use crate::builder::Builder;
use crate::callback::CallHandle;
use crate::cell::{self, AnyValue};
use crate::clock::to_nanos;
use crate::combine::Joinable;
use crate::context::{self, Core, Entered};
use crate::error::JoinError;
use crate::handle::{Task, TaskHandle, living_tasks, value_of};
use crate::loop_handle::LoopHandle;
use crate::observe::{ExceptionContext, Turn};
use crate::observer::Action;
use crate::parker::Parker;
use crate::run_error::RunError;
use crate::slack::Slack;
use crate::slow::Timed;
use crate::spawn;
use crate::state::{Ready, State};
use crate::task::{self, CellBox};
use crate::waker::Wakers;

/// A single-threaded event loop.
///
/// Most programs call [`run`](crate::run) and never see one. Make one to choose the clock, or to drive it
/// from a loop of your own with [`run_once`](EventLoop::run_once).
///
/// Dropping the loop drops every task, timer and callback in it, at once, whatever still holds handles.
pub struct EventLoop {
    pub(crate) core: Rc<Core>,
    pub(crate) parker: Parker,
    pub(crate) idle: Idle,
    pub(crate) slack: Slack,
    /// A handle that takes so long is reported.
    pub(crate) timed: Option<Timed>,
    pub(crate) wakers: Wakers,
    /// The handles of the turn that runs, or of the last one.
    pub(crate) running: Vec<Ready>,
    /// Handles run since the operating system was asked.
    pub(crate) unlooked: usize,
}

/// What a loop does while it is idle, for at most so long: waits, or lets a virtual clock jump. A pointer, so
/// that a program without a virtual clock has none of what that takes.
pub(crate) type Idle = fn(&mut EventLoop, Option<Duration>) -> Result<(), RunError>;

impl EventLoop {
    /// A loop on the real clock.
    ///
    /// # Errors
    ///
    /// If the operating system refuses a poll (out of file descriptors, say).
    pub fn new() -> io::Result<EventLoop> {
        EventLoop::builder().build()
    }

    /// Chooses the clock, the timer slack, and what is reported.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_parts(
        core: Rc<Core>,
        parker: Parker,
        idle: Idle,
        slack: Slack,
        timed: Option<Timed>,
    ) -> EventLoop {
        EventLoop {
            wakers: Wakers::new(&core.remote),
            core,
            parker,
            idle,
            slack,
            timed,
            running: Vec::new(),
            unlooked: 0,
        }
    }

    /// Runs until `main` is done, as asyncio's `run_until_complete`: `main` becomes a task, and everything
    /// that is ready in the turn after its end still runs. Other tasks stay in the loop.
    ///
    /// # Errors
    ///
    /// [`RunError::Cancelled`] if the task was cancelled, [`RunError::Stopped`] if [`stop`](EventLoop::stop)
    /// came first, [`RunError::Deadlock`] if nothing can ever happen again.
    ///
    /// # Panics
    ///
    /// A panic of `main` goes on here.
    #[track_caller]
    pub fn run_until_complete<F>(&mut self, main: F) -> Result<F::Output, RunError>
    where
        F: Future + 'static,
    {
        let main = cell::new(main, AnyValue, Location::caller());
        Ok(main_value(self.run_main(main, |_, _| ())?))
    }

    /// As [`run_until_complete`](EventLoop::run_until_complete), for a future whose type no longer matters:
    /// gives its cell back, with its value inside. `watch` sees the main task before it first runs.
    pub(crate) fn run_main(
        &mut self,
        main: CellBox,
        watch: impl FnOnce(&Rc<Core>, &TaskHandle),
    ) -> Result<CellBox, RunError> {
        let entered = self.enter("run_until_complete")?;
        let main = spawn::start_cell(&self.core, main, None);
        watch(&self.core, &main);
        self.run_task(&main, entered)?;
        main.take_value().ok_or_else(|| without_value(main.join_error()))
    }

    /// Runs until an existing task is done: asyncio's `run_until_complete(task)`. Give it a `&task` or a
    /// [`TaskHandle`] to keep the task's outcome.
    ///
    /// # Errors
    ///
    /// As [`run_until_complete`](EventLoop::run_until_complete).
    pub fn run_until_done<K: Joinable>(&mut self, main: K) -> Result<K::Value, RunError> {
        if !Rc::ptr_eq(main.task().core(), &self.core) {
            return Err(RunError::Failed(JoinError::OtherLoop(main.task().name())));
        }
        let entered = self.enter("run_until_done")?;
        self.run_task(main.task(), entered)?;
        main.into_result().map_err(without_value)
    }

    fn run_task(&mut self, main: &TaskHandle, entered: Entered) -> Result<(), RunError> {
        let observer = main.observe(Action::StopLoop);
        let ran = self.turn_until_stopped();
        main.unobserve(observer);
        drop(entered);
        if main.is_done() { Ok(()) } else { Err(ran.err().unwrap_or(RunError::Stopped)) }
    }

    /// Runs until [`stop`](EventLoop::stop) is called, from a callback, a task or another thread.
    ///
    /// # Errors
    ///
    /// [`RunError::Deadlock`] if nothing can ever happen again (virtual clock only).
    pub fn run_forever(&mut self) -> Result<(), RunError> {
        let _entered = self.enter("run_forever")?;
        self.turn_until_stopped()
    }

    /// One turn, for a host that has a loop of its own: waits at most `max_wait` (`None`: for as long as it
    /// takes), and only if nothing is ready; then runs what is.
    ///
    /// # Errors
    ///
    /// If a loop runs on this thread already, or the operating system refuses to wait.
    pub fn run_once(&mut self, max_wait: Option<Duration>) -> Result<Turn, RunError> {
        let entered = self.enter("run_once")?;
        let counts = self.core.peek(|state| state.counts);
        self.turn(max_wait)?;
        drop(entered);
        let handles = self.running.len();
        let stopped = self.core.stopping.get();
        Ok(self.core.with(|state| Turn { handles, stopped, ..state.report_since(counts) }))
    }

    fn turn_until_stopped(&mut self) -> Result<(), RunError> {
        loop {
            self.turn(None)?;
            if self.core.stopping.take() {
                return Ok(());
            }
        }
    }

    pub(crate) fn enter(&self, call: &'static str) -> Result<Entered, RunError> {
        match self.core.enter() {
            Ok(entered) => Ok(entered),
            Err(running) => {
                let task = running.peek(|state| state.current_task().map(|t| state.task_name(t)));
                Err(RunError::AlreadyRunning { call, task })
            }
        }
    }

    /// Ends [`run_forever`](EventLoop::run_forever) after the turn that runs, or after one turn if none does.
    pub fn stop(&self) {
        self.core.stopping.set(true);
    }

    /// Starts a task in this loop; it first runs when the loop does.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
    {
        spawn::start(&self.core, future, AnyValue, None, Location::caller())
    }

    /// As the free function [`call_soon`](crate::call_soon), for a loop that need not run yet.
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + 'static) -> CallHandle {
        self.core.call_soon(Box::new(callback), Location::caller())
    }

    /// As the free function [`call_later`](crate::call_later), for a loop that need not run yet.
    #[track_caller]
    pub fn call_later(&self, delay: Duration, callback: impl FnOnce() + 'static) -> CallHandle {
        self.core.call_later(delay, Box::new(callback), Location::caller())
    }

    /// The loop's time: how long it has existed, or what its virtual clock shows.
    #[must_use = "this only reads the clock"]
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.core.clock.now())
    }

    /// Moves a virtual clock forward by hand. `false`, and nothing happens, on the real clock.
    pub fn advance(&self, by: Duration) -> bool {
        self.core.clock.jump(self.core.clock.now().saturating_add(to_nanos(by)));
        // The next turn looks for timers that are due now, whatever else is ready.
        self.core.with(|state| state.timer_due = true);
        self.core.read_clock();
        self.core.clock.is_virtual()
    }

    /// Loop time of the next timer, exactly; `None` if none is armed.
    #[must_use = "this only looks"]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.core.with(|state| state.waits.next_deadline()).map(Duration::from_nanos)
    }

    /// Nothing is ready to run and nothing has come from outside. Timers may be armed.
    #[must_use = "this only looks"]
    pub fn is_idle(&self) -> bool {
        self.core.peek(|state| state.ready.is_empty()) && !self.core.remote.has_mail()
    }

    /// The tasks that have not ended, in order of creation.
    #[must_use = "this only looks"]
    pub fn all_tasks(&self) -> Vec<TaskHandle> {
        living_tasks(&self.core)
    }

    /// A handle for other threads.
    pub fn handle(&self) -> LoopHandle {
        LoopHandle::new(&self.core.remote)
    }

    /// Called, on the waker's thread, when something outside gives the loop work while nobody runs it. A
    /// host that cannot watch a file descriptor schedules its next [`run_once`](EventLoop::run_once) here.
    pub fn on_wake(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.core.remote.set_hook(Box::new(hook));
    }

    fn drop_all(&self) {
        let unread = self.core.remote.close();
        self.core.guard("a message panicked when it was dropped", || drop(unread));
        if let Some(pool) = self.core.pool.get() {
            pool.end(&self.core);
        }
        self.core.with(|state| state.closed = true);
        task::abort_all(&self.core);
        task::forget_outputs(&self.core);
        self.core.with(|state| state.ready.clear());
        let observers = self.core.with(|state| state.observers.take_all());
        self.core.guard("a callback panicked when it was dropped", || drop(observers));
        let calls = self.core.with(|state| state.calls.take_all());
        self.core.guard("a callback panicked when it was dropped", || drop(calls));
        #[cfg(feature = "signal")]
        self.core.signals.clear();
        #[cfg(feature = "net")]
        {
            let sources = self.core.with(|state| state.reactor.take_all());
            self.core.guard("a callback panicked when it was dropped", || drop(sources));
        }
    }

    pub(crate) fn core(&self) -> &Rc<Core> {
        &self.core
    }

    pub(crate) fn report(&self, context: &ExceptionContext<'_>) {
        self.core.report(context);
    }

    /// What to do with failures that nobody looks at, panics outside tasks, and slow handles if
    /// [they are asked for](crate::LoopBuilder::slow_callback_duration); by default they are printed
    /// to standard error.
    pub fn set_exception_handler(&self, handler: impl Fn(&ExceptionContext<'_>) + 'static) {
        self.core.set_exception_handler(Rc::new(handler));
    }

    /// What is left in the loop's tables; all zero when nothing was leaked.
    #[must_use = "this only looks"]
    pub fn census(&self) -> Census {
        self.core.peek(|state| Census {
            tasks: state.tasks.len(),
            waits: state.waits.len(),
            scopes: state.scopes.len(),
            observers: state.observers.len(),
            callbacks: state.calls.len(),
            timers: state.waits.armed(),
            jobs: state.jobs.len(),
            #[cfg(feature = "net")]
            sources: state.reactor.len(),
            #[cfg(not(feature = "net"))]
            sources: 0,
        })
    }
}

/// The value of a main task that has finished.
pub(crate) fn main_value<T: 'static>(main: CellBox) -> T {
    value_of(main).expect("nobody else could take it")
}

/// What it is to the one who runs a main task that the task has no value. A panic goes on here.
fn without_value(error: JoinError) -> RunError {
    match error {
        JoinError::Cancelled(cancelled) => RunError::Cancelled(cancelled),
        JoinError::Panicked(panicked) => panicked.resume_panic(),
        error => RunError::Failed(error),
    }
}

/// Stops the running loop after the turn that runs, as [`EventLoop::stop`].
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn stop() {
    context::current("stop", |core| core.stopping.set(true));
}

/// How many entries a loop's tables hold: see [`EventLoop::census`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// Tasks that live, or that somebody holds a handle to.
    pub tasks: usize,
    /// Futures of ours that are suspended.
    pub waits: usize,
    /// Open scopes.
    pub scopes: usize,
    /// Done callbacks.
    pub observers: usize,
    /// Callbacks of `call_soon` and `call_later`.
    pub callbacks: usize,
    /// Armed timers.
    pub timers: usize,
    /// Jobs on other threads that somebody waits for.
    pub jobs: usize,
    /// File descriptors that the loop watches: sockets and their like that had to wait.
    pub sources: usize,
}

impl Drop for EventLoop {
    /// Every future, timer and callback goes now. What they do in their `Drop` finds a loop that accepts
    /// nothing new.
    fn drop(&mut self) {
        #[cfg(feature = "process")]
        crate::process::collecting_orphans(|| self.drop_all());
        #[cfg(not(feature = "process"))]
        self.drop_all();
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("time", &self.time())
            .field("tasks", &self.core.peek(State::alive))
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for EventLoop {
    /// Readable when something outside has given the loop work; timers are told by
    /// [`next_deadline`](EventLoop::next_deadline).
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.parker.as_fd()
    }
}

#[cfg(unix)]
impl std::os::fd::AsRawFd for EventLoop {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        std::os::fd::AsFd::as_fd(self).as_raw_fd()
    }
}
