//! One turn of the loop (rule T1), asyncio's `_run_once`: the function everyone comes for.
//!
//! ```text
//!      .------------------------------------------------------------.
//!      v                                                            |
//!   look: wait for the OS or the next timer,      run: exactly the handles that are ready,
//!         read the mail, expire timers      --->       in order; what they add waits
//!         (skipped while handles are ready)            for the next turn
//! ```

use std::rc::Rc;
use std::time::Duration;

use timer_wheel::TimerKey;

use crate::callback;
use crate::clock::{Clock, NEVER, to_nanos};
use crate::context::Core;
use crate::delay::Deadline;
use crate::event_loop::EventLoop;
use crate::observe::Turn;
use crate::observer;
use crate::remote::Message;
use crate::run_error::{Deadlock, RunError, WaitingTask};
use crate::slow::run_timed;
use crate::state::{Counts, Ready, State};
use crate::task;
use crate::waker::Wakers;

/// While handles are ready, everything else is looked at once in so many of them (rule T6).
const LOOK_EVERY: usize = 61;

/// How long, in real time, the operating system must have been silent before a virtual clock jumps while
/// something waits for I/O: as long as what one socket has sent may take to show up at another.
const SILENCE: Duration = Duration::from_millis(1);

/// Room for more handles than this is given back by a turn that needs less than a quarter of it.
const LARGE_TURN: usize = 10_000;

impl EventLoop {
    /// One turn: wait, expire timers, run what is ready.
    #[inline]
    pub(crate) fn turn(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        if self.should_look() {
            self.look(max_wait)?;
        }
        self.run_ready();
        Ok(())
    }

    /// While handles are ready there is nothing to wait for. Others are looked for now and then, and at
    /// once if a timer is due or somebody has called.
    fn should_look(&self) -> bool {
        self.core.with(|state| state.ready.is_empty() || state.timer_due)
            || self.unlooked >= LOOK_EVERY
            || self.core.remote.has_mail()
    }

    /// Looks for everything that is not in the ready queue yet.
    #[inline(never)]
    fn look(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        self.wait(max_wait)?;
        self.read_mail();
        self.expire_timers();
        Ok(())
    }

    /// Runs exactly the handles that are ready now; what they add goes into the queue of the next turn.
    #[inline(never)]
    fn run_ready(&mut self) {
        self.running.clear();
        self.core.with(|state| std::mem::swap(&mut state.ready, &mut self.running));
        self.unlooked += self.running.len();
        self.handles += self.running.len();
        let slow = self.slow;
        for handle in &self.running {
            match slow {
                None => run_handle(&self.core, &mut self.wakers, handle),
                Some(limit) => run_timed(&self.core, &mut self.wakers, handle, limit),
            }
        }
        let room = self.running.capacity();
        if room > LARGE_TURN && room / 4 > self.running.len() {
            // What a burst of handles needed is not kept for ever.
            self.running = Vec::new();
        }
    }

    /// Waits for the operating system: not at all if anything is ready, else until the next timer.
    fn wait(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        if self.is_busy() {
            return self.ask_if_long_ago();
        }
        self.unlooked = 0;
        match self.core.clock {
            Clock::Real { .. } => self.wait_for_real(max_wait),
            Clock::Virtual { jumps_always, .. } => self.jump_or_wait(max_wait, jumps_always),
        }
    }

    fn is_busy(&self) -> bool {
        let ready = self.core.with(|state| !state.ready.is_empty());
        ready || self.core.stopping.get() || self.core.remote.has_mail()
    }

    /// However busy the loop is, sources are not left waiting (rule T6).
    fn ask_if_long_ago(&mut self) -> Result<(), RunError> {
        self.unlooked += 1;
        if self.unlooked < LOOK_EVERY {
            return Ok(());
        }
        self.unlooked = 0;
        if self.core.with(|state| state.has_sources()) {
            self.ask(Some(Duration::ZERO))?;
        }
        Ok(())
    }

    fn wait_for_real(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        let now = self.core.read_clock();
        let slack = to_nanos(self.slack);
        let wakeup = self.core.with(|state| state.waits.next_wakeup_within(slack));
        let until_timer = wakeup.map(|wakeup| Duration::from_nanos(wakeup.saturating_sub(now)));
        let limit = match (until_timer, max_wait) {
            (Some(timer), Some(host)) => Some(timer.min(host)),
            (timer, host) => timer.or(host),
        };
        self.park(limit)
    }

    /// Under the virtual clock nothing ready means that time may jump, unless somebody outside could
    /// still wake the loop: then that is waited for. A job on another thread will wake it for certain.
    /// Sources are outside as well; but as their peers mostly live in this very loop, they get a moment
    /// only, and are waited for if there is no time to jump to.
    fn jump_or_wait(&mut self, max_wait: Option<Duration>, always: bool) -> Result<(), RunError> {
        let jobs = self.core.with(|state| state.jobs.len());
        if jobs > 0 {
            return self.park(max_wait);
        }
        if self.core.remote.has_outsiders() && !always {
            let parked = self.core.remote.park_for_outsiders();
            return self.ask_parked(parked, max_wait);
        }
        let awaits_io = self.core.with(|state| state.awaits_io());
        if awaits_io {
            self.park(Some(max_wait.map_or(SILENCE, |limit| limit.min(SILENCE))))?;
            if self.is_busy() {
                return Ok(());
            }
        }
        let now = self.core.clock.now();
        let host_limit = max_wait.map(|limit| now.saturating_add(to_nanos(limit)));
        let next = self.core.with(|state| state.waits.next_deadline());
        match (next.filter(|next| *next != NEVER), host_limit) {
            (Some(next), Some(limit)) => self.core.clock.jump(next.min(limit)),
            (Some(next), None) => self.core.clock.jump(next),
            (None, Some(limit)) => self.core.clock.jump(limit),
            (None, None) if awaits_io && !always => self.park(None)?,
            (None, None) => return Err(self.deadlock().into()),
        }
        Ok(())
    }

    fn park(&mut self, limit: Option<Duration>) -> Result<(), RunError> {
        let parked = self.core.remote.park();
        self.ask_parked(parked, limit)
    }

    /// Waits if the loop is `parked`; only looks if it found a reason not to be.
    fn ask_parked(&mut self, parked: bool, limit: Option<Duration>) -> Result<(), RunError> {
        let limit = if parked { limit } else { Some(Duration::ZERO) };
        let waited = self.ask(limit);
        self.core.remote.unparked();
        waited
    }

    /// Asks the operating system, and queues the handles of sources that have become ready.
    fn ask(&mut self, limit: Option<Duration>) -> Result<(), RunError> {
        self.parker.wait(limit)?;
        #[cfg(feature = "net")]
        self.core.with(|state| self.parker.events().for_each(|event| state.note_event(event)));
        Ok(())
    }

    /// What other threads asked for since the last turn.
    fn read_mail(&self) {
        for message in self.core.remote.take() {
            match message {
                Message::Wake(task) => self.core.with(|state| state.wake(task)),
                Message::Call(callback, at) => drop(self.core.call_soon(callback, at)),
                Message::Stop => self.core.stopping.set(true),
                Message::DropWait(wait) => self.core.with(|state| state.remove_wait(wait)),
                Message::Job(job) => {
                    self.core.with(|state| state.ready.push(Ready::Job(job)));
                }
                Message::DropJob(job, wait) => {
                    self.core.with(|state| state.remove_job(job, wait));
                }
                #[cfg(feature = "net")]
                Message::DropIoWait(waiting) => {
                    self.core.with(|state| state.end_io_wait(waiting));
                }
                #[cfg(feature = "net")]
                Message::DropSource(key) => {
                    self.core.with(|state| state.remove_source(key));
                }
            }
        }
    }

    /// Queues the handles of the timers that are due, by deadline and then by arming (rule T4).
    fn expire_timers(&self) {
        let now = self.core.read_clock();
        self.core.with(|state| state.expire_timers(now));
    }

    fn deadlock(&self) -> Deadlock {
        let waiting = self.core.with(|state| {
            let living = state.tasks.living();
            living.into_iter().filter_map(|task| state.waiting_task(task)).collect()
        });
        Deadlock { waiting }
    }
}

#[cfg(feature = "net")]
impl State {
    fn has_sources(&self) -> bool {
        self.reactor.len() > 0
    }

    fn awaits_io(&self) -> bool {
        self.reactor.is_awaited()
    }
}

#[cfg(not(feature = "net"))]
impl State {
    fn has_sources(&self) -> bool {
        false
    }

    fn awaits_io(&self) -> bool {
        false
    }
}

#[inline]
pub(crate) fn run_handle(core: &Rc<Core>, wakers: &mut Wakers, handle: &Ready) {
    match handle {
        Ready::Step(task) => task::step(core, wakers, *task),
        other => run_other(core, *other),
    }
}

/// Runs a handle that is no step; most are.
#[inline(never)]
fn run_other(core: &Rc<Core>, handle: Ready) {
    match handle {
        Ready::Step(_) => unreachable!("steps are no others"),
        Ready::Wait(wait) => core.with(|state| state.expire_wait(wait)),
        Ready::Scope(scope, arming) => core.with(|state| state.expire_scope(scope, arming)),
        Ready::Call(call) => callback::run(core, call),
        Ready::Done(observer) => observer::run(core, observer),
        Ready::Job(job) => core.with(|state| state.finish_job(job)),
        #[cfg(feature = "net")]
        Ready::Io(source, direction) => crate::io::watch::run(core, source, direction),
    }
}

impl State {
    /// Arms a timer that queues `handle`.
    pub(crate) fn arm(&mut self, deadline: Deadline, handle: Ready) -> TimerKey {
        let timer = self.waits.arm(deadline.when, handle);
        self.note_armed(timer, deadline);
        timer
    }

    fn expire_timers(&mut self, now: u64) {
        self.timer_due = false;
        if self.waits.next_wakeup().is_none_or(|next| next > now) {
            return;
        }
        self.waits.advance(now);
        while let Some(handle) = self.waits.next_expired() {
            self.counts.expired += 1;
            self.ready.push(handle);
        }
    }

    pub(crate) fn report_since(&mut self, before: Counts) -> Turn {
        Turn {
            handles: 0,
            steps: u64::from(self.counts.steps.wrapping_sub(before.steps)),
            finished: self.counts.finished - before.finished,
            expired: self.counts.expired - before.expired,
            next_deadline: self.waits.next_deadline().map(Duration::from_nanos),
            idle: self.ready.is_empty(),
            stopped: false,
        }
    }

    /// What a deadlock report says of a task.
    fn waiting_task(&self, task: u32) -> Option<WaitingTask> {
        let spawned_at = self.tasks[task].spawned_at()?;
        Some(WaitingTask { task: self.task_name(task), spawned_at, waits_for: self.waits_of(task) })
    }
}
