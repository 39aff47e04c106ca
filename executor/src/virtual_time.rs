//! How time passes under a virtual clock, for which nothing in asyncio stands: while nothing is ready, it
//! jumps to the next timer; where none is, the loop has run into a deadlock, and says who waits for what.

use std::time::Duration;

use crate::clock::{NEVER, to_nanos};
use crate::event_loop::EventLoop;
use crate::run_error::{Deadlock, RunError, WaitingTask};
use crate::state::State;

/// How long, in real time, the operating system must have been silent before a virtual clock jumps while
/// something waits for I/O: as long as what one socket has sent may take to show up at another.
const SILENCE: Duration = Duration::from_millis(1);

impl EventLoop {
    /// Under the virtual clock nothing ready means that time may jump, unless somebody outside could
    /// still wake the loop: then that is waited for. A job on another thread will wake it for certain.
    /// Sources are outside as well; but as their peers mostly live in this very loop, they get a moment
    /// only, and are waited for if there is no time to jump to.
    pub(crate) fn jump_or_wait(&mut self, max_wait: Option<Duration>) -> Result<(), RunError> {
        let always = self.core.clock.jumps_always();
        let (jobs, awaits_io) = self.core.peek(|state| (state.jobs.len(), state.awaits_io()));
        if jobs > 0 {
            return self.park(max_wait);
        }
        if self.core.remote.has_outsiders() && !always {
            let parked = self.core.remote.park_for_outsiders();
            return self.ask_parked(parked, max_wait);
        }
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

    #[cold]
    fn deadlock(&self) -> Deadlock {
        let waiting = self.core.peek(|state| {
            let living = state.tasks.living();
            living.filter_map(|task| state.waiting_task(task)).collect()
        });
        Deadlock { waiting }
    }
}

impl State {
    #[cfg(feature = "net")]
    fn awaits_io(&self) -> bool {
        self.reactor.is_awaited()
    }

    #[cfg(not(feature = "net"))]
    fn awaits_io(&self) -> bool {
        false
    }

    /// What a deadlock report says of a task.
    fn waiting_task(&self, task: u32) -> Option<WaitingTask> {
        let spawned_at = self.tasks[task].spawned_at()?;
        Some(WaitingTask { task: self.task_name(task), spawned_at, waits_for: self.waits_of(task) })
    }
}
