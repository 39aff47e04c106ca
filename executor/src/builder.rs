//! How a loop is set up.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::context::Core;
use crate::event_loop::{EventLoop, Idle};
use crate::parker::Parker;
use crate::pool::OffloadPool;
use crate::remote::Remote;
use crate::slack::Slack;
use crate::slow::Timed;

/// Chooses a loop's clock, its timer slack, its threads, and what it reports: see [`EventLoop::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder makes no loop until `build`"]
pub struct Builder {
    /// What makes a virtual clock pass; `None` for the real one.
    virtual_time: Option<Idle>,
    jumps_always: bool,
    slack: Slack,
    timed: Option<Timed>,
    pool: OffloadPool,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder {
            virtual_time: None,
            jumps_always: false,
            slack: Slack::DEFAULT,
            timed: None,
            pool: OffloadPool::new(),
        }
    }

    /// A clock that stands still while anything is ready and jumps to the next timer when nothing is. A
    /// program takes no time under it, and runs the same way every time.
    ///
    /// While a [`LoopHandle`](crate::LoopHandle) exists, an outside thread may still wake the loop; then
    /// the clock does not jump on its own, the loop waits for that thread.
    pub fn virtual_clock(mut self) -> Builder {
        self.virtual_time = Some(EventLoop::jump_or_wait);
        self
    }

    /// Lets the virtual clock jump while a [`LoopHandle`](crate::LoopHandle) exists, too.
    pub fn jump_past_handles(mut self) -> Builder {
        self.jumps_always = true;
        self
    }

    /// How late a timer may fire so that one wait serves several: a wait ends not with the first deadline, but
    /// with the last one that is within `slack` of it. Where no other follows so closely, nothing is late.
    ///
    /// If nothing is chosen, it is 100 µs, and grows to a millisecond while timers come less than 100 µs after one
    /// another, by the thousand: waits for them would take more time than all else (docs/performance.md has a
    /// table). With none each deadline has its wait. No timer is ever early, their order is the same, and a
    /// virtual clock knows no slack.
    pub fn timer_slack(mut self, slack: Duration) -> Builder {
        self.slack = Slack::fixed(slack);
        self
    }

    /// Reports each step of a task, and each callback, that takes `limit` or longer, to the
    /// [exception handler](EventLoop::set_exception_handler): asyncio's debug mode with its
    /// `slow_callback_duration`. While one handle runs no other does, so a slow one holds up all.
    ///
    /// Off by default, for it reads the clock twice a handle. What is measured is real time, also where the
    /// loop's own is virtual.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wheelhouse::EventLoop;
    ///
    /// let limit = Duration::from_millis(10);
    /// let mut event_loop = EventLoop::builder().slow_callback_duration(limit).build().unwrap();
    /// let (reports, seen) = std::sync::mpsc::channel();
    /// event_loop.set_exception_handler(move |context| reports.send(context.to_string()).unwrap());
    /// event_loop.run_until_complete(async move { std::thread::sleep(limit) }).unwrap();
    /// assert!(seen.recv().unwrap().starts_with("a step of task `Task-1` took "));
    /// ```
    pub fn slow_callback_duration(mut self, limit: Duration) -> Builder {
        self.timed = Some(Timed::new(limit));
        self
    }

    /// The threads that [`offload`](crate::offload) runs its jobs on.
    pub fn offload_pool(mut self, pool: OffloadPool) -> Builder {
        self.pool = pool;
        self
    }

    /// Makes the loop.
    ///
    /// # Errors
    ///
    /// If the operating system refuses a poll (out of file descriptors, say).
    pub fn build(self) -> io::Result<EventLoop> {
        let (parker, outlet) = Parker::new()?;
        let clock = if self.virtual_time.is_some() {
            Clock::Virtual { now: Cell::new(0), jumps_always: self.jumps_always }
        } else {
            Clock::Real { epoch: Instant::now() }
        };
        let core = Core::new(clock, Arc::new(Remote::new(Some(outlet))), self.pool);
        let idle = self.virtual_time.unwrap_or(EventLoop::wait_for_real);
        Ok(EventLoop::from_parts(core, parker, idle, self.slack, self.timed))
    }
}
