//! How a loop is set up.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::context::Core;
use crate::event_loop::EventLoop;
use crate::parker::Parker;
use crate::remote::Remote;

/// Chooses a loop's clock and timer slack: see [`EventLoop::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder makes no loop until `build`"]
pub struct Builder {
    virtual_time: bool,
    jumps_always: bool,
    slack: Duration,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder { virtual_time: false, jumps_always: false, slack: Duration::ZERO }
    }

    /// A clock that stands still while anything is ready and jumps to the next timer when nothing is. A
    /// program takes no time under it, and runs the same way every time.
    ///
    /// While a [`LoopHandle`](crate::LoopHandle) exists, an outside thread may still wake the loop; then
    /// the clock does not jump on its own, the loop waits for that thread.
    pub fn virtual_clock(mut self) -> Builder {
        self.virtual_time = true;
        self
    }

    /// Lets the virtual clock jump while a [`LoopHandle`](crate::LoopHandle) exists, too.
    pub fn jump_past_handles(mut self) -> Builder {
        self.jumps_always = true;
        self
    }

    /// How much later than its deadline a timer may fire, so that one wait serves several. Zero by default;
    /// 50 to 100 µs save most of the waits where timers come by the thousand.
    pub fn timer_slack(mut self, slack: Duration) -> Builder {
        self.slack = slack;
        self
    }

    /// Makes the loop.
    ///
    /// # Errors
    ///
    /// If the operating system refuses a poll (out of file descriptors, say).
    pub fn build(self) -> io::Result<EventLoop> {
        let (parker, waker) = Parker::new()?;
        let clock = if self.virtual_time {
            Clock::Virtual { now: Cell::new(0), jumps_always: self.jumps_always }
        } else {
            Clock::Real { epoch: Instant::now() }
        };
        let core = Core::new(clock, Arc::new(Remote::new(waker)));
        Ok(EventLoop::from_parts(core, parker, self.slack))
    }
}
