//! The event loop, as asyncio's `BaseEventLoop`: start here, and read [`EventLoop::turn`] first.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use timer_wheel::TimerKey;

use crate::builder::Builder;
use crate::callback::{self, CallHandle};
use crate::cell::AnyValue;
use crate::clock::{Clock, to_nanos};
use crate::combine::Joinable;
use crate::context::{self, Core, Entered};
use crate::error::{Deadlock, JoinError, RunError, WaitingTask};
use crate::handle::{Task, TaskHandle, living_tasks};
use crate::loop_handle::LoopHandle;
use crate::observe::{ExceptionContext, Turn};
use crate::observer::{self, Action};
use crate::parker::Parker;
use crate::remote::Message;
use crate::spawn;
use crate::state::{Counts, Ready, State};
use crate::task::{self, Begin};

/// While handles are ready, the operating system and the clock are looked at once in so many (rule T6).
const LOOK_EVERY: u64 = 61;

/// A single-threaded event loop.
///
/// Most programs call [`run`](crate::run) and never see one. Make one to choose the clock, or to drive it
/// from a loop of your own with [`run_once`](EventLoop::run_once).
///
/// Dropping the loop drops every task, timer and callback in it, at once, whatever still holds handles.
pub struct EventLoop {
    core: Rc<Core>,
    parker: Parker,
    slack: Duration,
    /// Handles run since the operating system was last asked.
    unlooked: u64,
    /// Handles run so far.
    handles: u64,
}

impl EventLoop {
    /// A loop on the real clock.
    ///
    /// # Errors
    ///
    /// If the operating system refuses a poll (out of file descriptors, say).
    pub fn new() -> io::Result<EventLoop> {
        EventLoop::builder().build()
    }

    /// Chooses the clock and the timer slack.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_parts(core: Rc<Core>, parker: Parker, slack: Duration) -> EventLoop {
        EventLoop { core, parker, slack, unlooked: 0, handles: 0 }
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
        let at = Location::caller();
        let entered = self.enter("run_until_complete")?;
        let main = spawn::start(&self.core, main, AnyValue, None, at);
        self.run_task(main, entered)
    }

    /// Runs until an existing task is done: asyncio's `run_until_complete(task)`. Give it a `&task` or a
    /// [`TaskHandle`] to keep the task's outcome.
    ///
    /// # Errors
    ///
    /// As [`run_until_complete`](EventLoop::run_until_complete).
    pub fn run_until_done<K: Joinable>(&mut self, main: K) -> Result<K::Value, RunError> {
        let entered = self.enter("run_until_done")?;
        self.run_task(main, entered)
    }

    fn run_task<K: Joinable>(&mut self, main: K, entered: Entered) -> Result<K::Value, RunError> {
        let observer = main.task().observe(Action::StopLoop);
        let ran = self.turn_until_stopped();
        self.core.with(|state| state.remove_observer(observer));
        drop(entered);
        if !main.task().is_done() {
            return Err(ran.err().unwrap_or(RunError::Stopped));
        }
        match main.into_result() {
            Ok(value) => Ok(value),
            Err(JoinError::Cancelled(cancelled)) => Err(RunError::Cancelled(cancelled)),
            Err(JoinError::Panicked(panicked)) => panicked.resume_panic(),
            Err(error) => Err(RunError::Failed(error)),
        }
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
        let _entered = self.enter("run_once")?;
        let (handles, counts) = (self.handles, self.core.with(|state| state.counts));
        self.turn(max_wait)?;
        let handles = self.handles - handles;
        Ok(self.core.with(|state| state.report_since(counts, handles)))
    }

    /// One turn of the loop (rule T1), asyncio's `_run_once`: wait, expire timers, run what is ready.
    fn turn(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        if self.should_look() {
            self.wait(max_wait)?;
            self.read_mail();
            self.expire_timers();
        }
        self.run_ready();
        Ok(())
    }

    /// While handles are ready there is nothing to wait for; others are looked for now and then (rule T6),
    /// and at once if somebody has called or a timer is due already.
    fn should_look(&self) -> bool {
        self.unlooked >= LOOK_EVERY
            || self.core.remote.has_mail()
            || self.core.with(|state| state.ready.is_empty() || state.timer_due)
    }

    /// Waits for the operating system: not at all if anything is ready, else until the next timer.
    fn wait(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        self.unlooked = 0;
        let busy = self.core.with(|state| !state.ready.is_empty() || state.stopping);
        if busy || self.core.remote.has_mail() {
            return Ok(());
        }
        match self.core.clock {
            Clock::Real { .. } => self.wait_for_real(max_wait),
            Clock::Virtual { jumps_always, .. } => self.jump_or_wait(max_wait, jumps_always),
        }
    }

    fn wait_for_real(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        let now = self.core.clock.now();
        let until_timer = self.core.with(|state| state.timers.next_wakeup()).map(|wakeup| {
            Duration::from_nanos(wakeup.saturating_sub(now)).saturating_add(self.slack)
        });
        let limit = match (until_timer, max_wait) {
            (Some(timer), Some(host)) => Some(timer.min(host)),
            (timer, host) => timer.or(host),
        };
        self.park(limit)
    }

    /// Under the virtual clock nothing ready means that time may jump, unless somebody outside could
    /// still wake the loop: then that is waited for.
    fn jump_or_wait(&mut self, max_wait: Option<Duration>, always: bool) -> Result<(), RunError> {
        if self.core.remote.has_outsiders() && !always {
            return self.park(max_wait);
        }
        let now = self.core.clock.now();
        let host_limit = max_wait.map(|limit| now.saturating_add(to_nanos(limit)));
        match (self.core.with(|state| state.timers.next_deadline()), host_limit) {
            (Some(next), Some(limit)) => self.core.clock.jump(next.min(limit)),
            (Some(next), None) => self.core.clock.jump(next),
            (None, Some(limit)) => self.core.clock.jump(limit),
            (None, None) => return Err(self.deadlock().into()),
        }
        Ok(())
    }

    fn park(&mut self, limit: Option<Duration>) -> Result<(), RunError> {
        let limit = if self.core.remote.park() { limit } else { Some(Duration::ZERO) };
        let waited = self.parker.wait(limit);
        self.core.remote.unparked();
        Ok(waited?)
    }

    /// What other threads asked for since the last turn.
    fn read_mail(&self) {
        for message in self.core.remote.take() {
            match message {
                Message::Wake(task) => self.core.with(|state| state.wake(task)),
                Message::Call(callback) => drop(self.core.call_soon(callback)),
                Message::Stop => self.core.with(|state| state.stopping = true),
                Message::DropSleep(wait, timer) => {
                    drop(self.core.with(|state| state.remove_sleep(wait, timer)));
                }
            }
        }
    }

    /// Queues the handles of the timers that are due, by deadline and then by arming (rule T4).
    fn expire_timers(&self) {
        let now = self.core.clock.now();
        self.core.with(|state| state.expire_timers(now));
    }

    /// Runs exactly the handles that are ready now; what they add runs in the next turn.
    fn run_ready(&mut self) {
        let ready = self.core.with(|state| state.ready.len());
        for _ in 0..ready {
            match self.core.with(State::next_job) {
                Job::Step(begin) => task::step(&self.core, begin),
                Job::Handle(handle) => self.run_handle(handle),
            }
        }
        self.unlooked += ready as u64;
        self.handles += ready as u64;
    }

    /// The step of a task with requests pending: they become deliveries first, while the task still counts
    /// as queued, so that waking the scopes they are due in adds no further step.
    fn deliver(&self, task: u32) {
        self.core.with(|state| state.deliver(task));
        let begin = self.core.with(|state| state.begin_step(task));
        task::step(&self.core, begin);
    }

    fn run_handle(&self, handle: Ready) {
        let core = &self.core;
        match handle {
            Ready::Step(task) => self.deliver(task),
            Ready::Wait(wait) => {
                core.with(|state| state.set_wait(wait));
            }
            Ready::Scope(scope, arming) => core.with(|state| state.expire_scope(scope, arming)),
            Ready::Call(call) => callback::run(core, call),
            Ready::Done(observer) => observer::run(core, observer),
        }
    }

    fn turn_until_stopped(&mut self) -> Result<(), RunError> {
        loop {
            self.turn(None)?;
            if self.core.with(|state| std::mem::take(&mut state.stopping)) {
                return Ok(());
            }
        }
    }

    fn enter(&self, call: &'static str) -> Result<Entered, RunError> {
        match self.core.enter() {
            Ok(entered) => Ok(entered),
            Err(running) => {
                let task = running.with(|state| state.current_task().map(|t| state.task_name(t)));
                Err(RunError::AlreadyRunning { call, task })
            }
        }
    }

    fn deadlock(&self) -> Deadlock {
        let waiting = self.core.with(|state| {
            let living = state.tasks.living();
            living.into_iter().filter_map(|task| state.waiting_task(task)).collect()
        });
        Deadlock { waiting }
    }

    /// Ends [`run_forever`](EventLoop::run_forever) after the turn that runs, or after one turn if none does.
    pub fn stop(&self) {
        self.core.with(|state| state.stopping = true);
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
    pub fn call_soon(&self, callback: impl FnOnce() + 'static) -> CallHandle {
        self.core.call_soon(Box::new(callback))
    }

    /// As the free function [`call_later`](crate::call_later), for a loop that need not run yet.
    pub fn call_later(&self, delay: Duration, callback: impl FnOnce() + 'static) -> CallHandle {
        let when = self.core.clock.now().saturating_add(to_nanos(delay));
        self.core.call_at(when, Box::new(callback))
    }

    /// The loop's time: how long it has existed, or what its virtual clock shows.
    #[must_use = "this only reads the clock"]
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.core.clock.now())
    }

    /// Moves a virtual clock forward by hand. `false`, and nothing happens, on the real clock.
    pub fn advance(&self, by: Duration) -> bool {
        self.core.clock.jump(self.core.clock.now().saturating_add(to_nanos(by)));
        self.core.clock.is_virtual()
    }

    /// Loop time of the next timer, exactly; `None` if none is armed.
    #[must_use = "this only looks"]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.core.with(|state| state.timers.next_deadline()).map(Duration::from_nanos)
    }

    /// Nothing is ready to run and nothing has come from outside. Timers may be armed.
    #[must_use = "this only looks"]
    pub fn is_idle(&self) -> bool {
        self.core.with(|state| state.ready.is_empty()) && !self.core.remote.has_mail()
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

    pub(crate) fn core(&self) -> &Rc<Core> {
        &self.core
    }

    pub(crate) fn report(&self, context: &ExceptionContext<'_>) {
        self.core.report(context);
    }

    /// What to do with failures that nobody looks at and panics outside tasks; by default they are printed
    /// to standard error.
    pub fn set_exception_handler(&self, handler: impl Fn(&ExceptionContext<'_>) + 'static) {
        self.core.set_exception_handler(Rc::new(handler));
    }

    /// What is left in the loop's tables; all zero when nothing was leaked.
    #[must_use = "this only looks"]
    pub fn census(&self) -> Census {
        self.core.with(|state| Census {
            tasks: state.tasks.len(),
            waits: state.waits.len(),
            scopes: state.scopes.len(),
            observers: state.observers.len(),
            callbacks: state.calls.len(),
            timers: state.timers.len(),
        })
    }
}

/// Stops the running loop after the turn that runs, as [`EventLoop::stop`].
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn stop() {
    context::current("stop", |core| core.with(|state| state.stopping = true));
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
}

impl Drop for EventLoop {
    /// Every future, timer and callback goes now. What they do in their `Drop` finds a loop that accepts
    /// nothing new.
    fn drop(&mut self) {
        let unread = self.core.remote.close();
        self.core.guard("a message panicked when it was dropped", || drop(unread));
        self.core.with(|state| state.closed = true);
        task::abort_all(&self.core);
        task::forget_outputs(&self.core);
        let (observers, calls) = self.core.with(|state| {
            state.ready.clear();
            state.timers.clear();
            (state.observers.take_all(), state.calls.take_all())
        });
        self.core.guard("a callback panicked when it was dropped", || drop(observers));
        self.core.guard("a callback panicked when it was dropped", || drop(calls));
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("time", &self.time())
            .field("tasks", &self.core.with(|state| state.tasks.alive()))
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

/// What the loop does next.
enum Job {
    Step(Begin),
    /// Anything but the plain step of a task.
    Handle(Ready),
}

impl State {
    /// Takes the next handle from the ready queue, and begins the step at once if it is one: most are.
    fn next_job(&mut self) -> Job {
        let handle = self.ready.pop_front().expect("only handles that are ready are counted");
        match handle {
            Ready::Step(task) if !self.tasks[task].asked => Job::Step(self.begin_step(task)),
            handle => Job::Handle(handle),
        }
    }

    /// Arms a timer. One that is due already is looked for in the next turn, whatever else is ready.
    pub(crate) fn arm(&mut self, when: u64, handle: Ready) -> TimerKey {
        self.timer_due |= when <= self.now;
        self.timers.insert(when, handle)
    }

    fn expire_timers(&mut self, now: u64) {
        self.now = now;
        self.timer_due = false;
        if self.timers.next_wakeup().is_none_or(|next| next > now) {
            return;
        }
        self.timers.advance(now);
        while let Some(expired) = self.timers.pop_expired() {
            self.counts.expired += 1;
            self.ready.push_back(expired.value);
        }
    }

    fn report_since(&self, before: Counts, handles: u64) -> Turn {
        Turn {
            handles,
            steps: u64::from(self.counts.steps.wrapping_sub(before.steps)),
            finished: self.counts.finished - before.finished,
            expired: self.counts.expired - before.expired,
            next_deadline: self.timers.next_deadline().map(Duration::from_nanos),
            idle: self.ready.is_empty(),
            stopped: self.stopping,
        }
    }

    /// What a deadlock report says of a task.
    fn waiting_task(&self, task: u32) -> Option<WaitingTask> {
        let spawned_at = task::spawned_at(&self.tasks[task])?;
        Some(WaitingTask { task: self.task_name(task), spawned_at, waits_for: self.waits_of(task) })
    }
}
