//! The reactor: how what the operating system tells reaches who waits for it; asyncio's `_process_events`.
//!
//! Whatever has a file descriptor is a *source* here, with two sides, one to read from and one to write to.
//! The operating system tells each change once (edge-triggered), so a side remembers that it is ready until
//! an attempt to use it says otherwise:
//!
//! ```text
//!             1 the OS tells, or nobody has tried yet
//!   Blocked --------------------------------------------> Ready
//!      ^                                                    |
//!      '----------------------------------------------------'
//!        2 an attempt would block, or took all there was
//! ```
//!
//! 1 [`State::note_event`] · 2 [`State::blocked`], [`State::drained`]. If somebody waits for the side, what the
//! OS tells is queued as a handle, [`Ready::Io`]; running it, [`State::tell_ready`], ends the waits, so that their
//! tasks step in the turn after (as rule T4 has it for timers), and try. Readiness belongs to the side and not to
//! a waiter: when one is cancelled, it is still there for the next (rule C6).

use std::task::Waker;

use mio::event::Event;

use crate::keyed::Key;
pub(crate) use crate::sources::{Attempt, Callback, Direction, Reactor, Source, Waiting, token_of};
use crate::state::{Ready, State};
use crate::target::Target;
use crate::wait::Progress;

impl State {
    /// What the operating system told of a source; of one that is gone it tells nothing.
    pub(crate) fn note_event(&mut self, event: &Event) {
        let Some(key) = self.reactor.named_by(event.token()) else { return };
        let source = &mut self.reactor.sources[key.index];
        let failed = event.is_error();
        source.urgent |= event.is_priority();
        let read = event.is_readable() || event.is_priority();
        if source.read.note(read || failed, event.is_read_closed()) {
            self.ready.push(Ready::Io(key, Direction::Read));
        }
        if source.write.note(event.is_writable() || failed, event.is_write_closed()) {
            self.ready.push(Ready::Io(key, Direction::Write));
        }
    }

    /// The handle of a side that has become ready: ends all its waits, in order of arrival. Returns its
    /// callback, to be run.
    pub(crate) fn tell_ready(&mut self, source: Key, direction: Direction) -> Option<Callback> {
        let side = self.reactor.side(source, direction)?;
        side.queued = false;
        let callback = side.callback.clone();
        while let Some(wait) = self.reactor.call_next(source, direction) {
            self.end_wait(wait);
        }
        callback
    }

    /// A future that is polled wants to use a side. It goes on waiting, or may try, or begins to wait. `None`
    /// if the source is gone. A `waker` that is not taken was not needed.
    #[inline]
    pub(crate) fn approach(
        &mut self,
        source: Key,
        direction: Direction,
        waiting: &mut Option<Waiting>,
        waker: &mut Option<Waker>,
    ) -> Option<Attempt> {
        if let Some(before) = waiting.take() {
            match self.resume_wait(before.wait, waker) {
                Progress::Pending => {
                    *waiting = Some(before);
                    return Some(Attempt::Later);
                }
                // It was told.
                Progress::Set => {}
                Progress::Cancelled => self.reactor.leave(before),
            }
        }
        if self.reactor.side(source, direction)?.is_ready() {
            return Some(self.reactor.spend(self.counts.steps));
        }
        *waiting = Some(self.begin_io_wait(source, direction, waker.take()));
        Some(Attempt::Later)
    }

    /// As [`approach`](State::approach) for the `poll_` functions: the side keeps their wait.
    #[inline]
    pub(crate) fn approach_polling(
        &mut self,
        source: Key,
        direction: Direction,
        waker: &mut Option<Waker>,
    ) -> Option<Attempt> {
        let side = self.reactor.side(source, direction)?;
        let mut waiting = side.poller;
        if waiting.is_none() && side.is_ready() {
            return Some(self.reactor.spend(self.counts.steps));
        }
        let attempt = self.approach(source, direction, &mut waiting, waker);
        self.reactor.side(source, direction)?.poller = waiting;
        attempt
    }

    /// An attempt would have blocked: whatever was known of the side is over.
    pub(crate) fn blocked(&mut self, source: Key, direction: Direction) {
        if let Some(side) = self.reactor.side(source, direction) {
            side.ready = false;
            side.closed = false;
        }
    }

    /// An attempt took all there was, or filled all the room there was: the next one would block.
    pub(crate) fn drained(&mut self, source: Key, direction: Direction) {
        if let Some(source) = self.reactor.sources.get_mut(source) {
            if direction == Direction::Write || !source.urgent {
                source.side(direction).ready = false;
            }
        }
    }

    /// Opens a wait for a side of a source, which must exist.
    #[inline]
    fn begin_io_wait(
        &mut self,
        source: Key,
        direction: Direction,
        waker: Option<Waker>,
    ) -> Waiting {
        let wait = self.open_wait(&Target::Io(source, direction), waker);
        let spot = self.reactor.queue(source, direction, wait);
        Waiting { wait, spot }
    }

    /// Removes a wait, however far it has come.
    pub(crate) fn give_up_io_wait(&mut self, waiting: Waiting) {
        self.reactor.leave(waiting);
        self.remove_wait(waiting.wait);
    }

    /// Forgets a source. Who still waits for it is woken, to find it gone.
    pub(crate) fn remove_source(&mut self, key: Key) -> Option<Source> {
        for direction in [Direction::Read, Direction::Write] {
            // The callback goes with the source, instead of being run.
            let _ = self.tell_ready(key, direction);
            let side = self.reactor.side(key, direction);
            if let Some(poller) = side.and_then(|side| side.poller.take()) {
                self.give_up_io_wait(poller);
            }
        }
        let source = self.reactor.sources.remove(key)?;
        if self.reactor.watched.get(&source.fd) == Some(&key) {
            self.reactor.watched.remove(&source.fd);
        }
        Some(source)
    }

    /// Sets or takes away the callback of a side; the one that was there before.
    pub(crate) fn set_io_callback(
        &mut self,
        source: Key,
        direction: Direction,
        callback: Option<Callback>,
    ) -> Option<Callback> {
        std::mem::replace(&mut self.reactor.side(source, direction)?.callback, callback)
    }

    /// What a deadlock report calls a wait for a source.
    pub(crate) fn describe_io(&self, source: Key, direction: Direction) -> String {
        let able = match direction {
            Direction::Read => "readable",
            Direction::Write => "writable",
        };
        match self.reactor.sources.get(source) {
            Some(source) => format!("{able}: {} (fd {})", source.what, source.fd),
            None => format!("{able}: a source that is gone"),
        }
    }
}
