//! Callbacks: `call_soon`, `call_later`, `call_at`, as asyncio's methods of the same names.

use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::{Rc, Weak};
use std::time::Duration;

use timer_wheel::TimerKey;

use crate::clock::to_nanos;
use crate::context::{self, Core};
use crate::delay::Deadline;
use crate::keyed::Key;
use crate::observe::ExceptionContext;
use crate::state::{Ready, State};

/// A callback that was asked for and has not run.
pub(crate) struct Call {
    run: Box<dyn FnOnce()>,
    timer: Option<TimerKey>,
    /// Where it was asked for.
    pub(crate) at: &'static Location<'static>,
}

/// Runs `callback` in the next turn, after everything that is ready now.
///
/// A panic in it is reported to the exception handler, with the place of this call; the loop goes on.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn call_soon(callback: impl FnOnce() + 'static) -> CallHandle {
    let at = Location::caller();
    context::current("call_soon", |core| core.call_soon(Box::new(callback), at))
}

/// Runs `callback` once `delay` has passed; never earlier. A delay of zero still goes through the timers,
/// so it runs after everything that `call_soon` queues meanwhile.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn call_later(delay: Duration, callback: impl FnOnce() + 'static) -> CallHandle {
    let at = Location::caller();
    context::current("call_later", |core| core.call_later(delay, Box::new(callback), at))
}

/// Runs `callback` when the loop's [`time`](crate::time) is `when`, or in the next turn if it is past.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn call_at(when: Duration, callback: impl FnOnce() + 'static) -> CallHandle {
    let at = Location::caller();
    context::current("call_at", |core| {
        core.read_clock();
        core.call_at(to_nanos(when), Box::new(callback), at)
    })
}

impl Core {
    pub(crate) fn call_soon(
        self: &Rc<Self>,
        run: Box<dyn FnOnce()>,
        at: &'static Location<'static>,
    ) -> CallHandle {
        self.hold(run, at, |state, key| state.ready.push(Ready::Call(key)))
    }

    /// Keeps a callback whose handle will be queued by whoever it waits for.
    pub(crate) fn hold_call(
        self: &Rc<Self>,
        run: Box<dyn FnOnce()>,
        at: &'static Location<'static>,
    ) -> CallHandle {
        self.hold(run, at, |_, _| {})
    }

    fn hold(
        self: &Rc<Self>,
        run: Box<dyn FnOnce()>,
        at: &'static Location<'static>,
        then: impl FnOnce(&mut State, Key),
    ) -> CallHandle {
        if self.peek(|state| state.closed) {
            // Nothing new is kept: the callback goes at once.
            return CallHandle { core: Weak::new(), key: Key::NONE, when: None };
        }
        let key = self.with(|state| {
            let key = state.calls.insert(Call { run, timer: None, at });
            then(state, key);
            key
        });
        CallHandle { core: Rc::downgrade(self), key, when: None }
    }

    pub(crate) fn call_later(
        self: &Rc<Self>,
        delay: Duration,
        run: Box<dyn FnOnce()>,
        at: &'static Location<'static>,
    ) -> CallHandle {
        self.call_at(self.time_after(delay), run, at)
    }

    /// The loop time after `delay` from now.
    pub(crate) fn time_after(&self, delay: Duration) -> u64 {
        self.read_clock().saturating_add(to_nanos(delay))
    }

    pub(crate) fn call_at(
        self: &Rc<Self>,
        when: u64,
        run: Box<dyn FnOnce()>,
        at: &'static Location<'static>,
    ) -> CallHandle {
        let key = self.with(|state| {
            let key = state.calls.insert(Call { run, timer: None, at });
            let deadline = Deadline::exactly(when, state.now);
            let timer = state.arm(deadline, Ready::Call(key));
            state.calls[key.index].timer = Some(timer);
            key
        });
        CallHandle { core: Rc::downgrade(self), key, when: Some(Duration::from_nanos(when)) }
    }
}

/// A callback that can be taken back: asyncio's `Handle` and `TimerHandle`. Dropping it changes nothing.
#[derive(Clone)]
pub struct CallHandle {
    core: Weak<Core>,
    key: Key,
    when: Option<Duration>,
}

impl CallHandle {
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Takes the callback back and drops it; `false` if it has run, or was taken back before.
    pub fn cancel(&self) -> bool {
        let Some(core) = self.core.upgrade() else { return false };
        let call = core.with(|state| state.remove_call(self.key));
        call.is_some()
    }

    /// Was it taken back, or has it run?
    #[must_use = "this only looks at the handle"]
    pub fn is_done(&self) -> bool {
        self.core
            .upgrade()
            .is_none_or(|core| core.peek(|state| state.calls.get(self.key).is_none()))
    }

    /// The loop time it was asked for; `None` for `call_soon`.
    #[must_use = "this only reads the time"]
    pub fn when(&self) -> Option<Duration> {
        self.when
    }
}

impl fmt::Debug for CallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallHandle")
            .field("when", &self.when)
            .field("done", &self.is_done())
            .finish()
    }
}

impl State {
    fn remove_call(&mut self, key: Key) -> Option<Call> {
        let call = self.calls.remove(key)?;
        if let Some(timer) = call.timer {
            self.waits.disarm(timer);
        }
        Some(call)
    }
}

/// Runs the handle of a callback; one that was taken back meanwhile is skipped.
pub(crate) fn run(core: &Rc<Core>, key: Key) {
    if let Some(call) = core.with(|state| state.calls.remove(key)) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(call.run)) {
            core.report(&ExceptionContext::callback_panicked(&*payload, call.at));
        }
    }
}
