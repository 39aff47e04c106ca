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
use crate::context::Core;
use crate::delay::Deadline;
use crate::event_loop::EventLoop;
use crate::observe::Turn;
use crate::observer;
use crate::remote::Message;
use crate::run_error::RunError;
use crate::state::{Counts, Ready, State};
use crate::task;
use crate::waker::Wakers;

/// While handles are ready, everything else is looked at once in so many of them (rule T6).
const LOOK_EVERY: usize = 61;

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
        self.core.peek(|state| state.ready.is_empty() || state.timer_due)
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
        let timed = self.timed;
        for handle in &self.running {
            match timed {
                None => run_handle(&self.core, &mut self.wakers, handle),
                Some(timed) => timed.run(&self.core, &mut self.wakers, handle),
            }
        }
        let room = self.running.capacity();
        if room > LARGE_TURN && room / 4 > self.running.len() {
            // What a burst of handles needed is not kept for ever.
            self.running.shrink_to_fit();
        }
    }

    /// Waits for the operating system: not at all if anything is ready, else until the next timer.
    fn wait(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        if self.is_busy() {
            return self.ask_if_long_ago();
        }
        self.unlooked = 0;
        (self.idle)(self, max_wait)
    }

    pub(crate) fn is_busy(&self) -> bool {
        let ready = self.core.peek(|state| !state.ready.is_empty());
        ready || self.core.stopping.get() || self.core.remote.has_mail()
    }

    /// However busy the loop is, sources are not left waiting (rule T6).
    fn ask_if_long_ago(&mut self) -> Result<(), RunError> {
        self.unlooked += 1;
        if self.unlooked < LOOK_EVERY {
            return Ok(());
        }
        self.unlooked = 0;
        if self.core.peek(State::has_sources) {
            self.ask(Some(Duration::ZERO))?;
        }
        Ok(())
    }

    /// What a loop on the real clock does while it is idle; for the other, see `virtual_time.rs`.
    pub(crate) fn wait_for_real(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        let now = self.core.read_clock();
        let wakeup = self.core.with(|state| {
            let first = state.waits.next_wakeup()?;
            self.slack.wakeup(now, first, |slack| state.waits.next_wakeup_within(slack))
        });
        let until_timer = wakeup.map(|wakeup| Duration::from_nanos(wakeup.saturating_sub(now)));
        let limit = match (until_timer, max_wait) {
            (Some(timer), Some(host)) => Some(timer.min(host)),
            (timer, host) => timer.or(host),
        };
        self.park(limit)
    }

    pub(crate) fn park(&mut self, limit: Option<Duration>) -> Result<(), RunError> {
        let parked = self.core.remote.park();
        self.ask_parked(parked, limit)
    }

    /// Waits if the loop is `parked`; only looks if it found a reason not to be.
    pub(crate) fn ask_parked(
        &mut self,
        parked: bool,
        limit: Option<Duration>,
    ) -> Result<(), RunError> {
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
                    self.core.with(|state| state.give_up_io_wait(waiting));
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
}

#[cfg(feature = "net")]
impl State {
    fn has_sources(&self) -> bool {
        self.reactor.len() > 0
    }
}

#[cfg(not(feature = "net"))]
impl State {
    fn has_sources(&self) -> bool {
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
}
