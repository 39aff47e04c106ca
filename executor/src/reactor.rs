//! The reactor: what the loop watches for, and who waits for it; asyncio's `_process_events`.
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
//! OS tells is queued as a handle, [`Ready::Io`]; running it, [`State::tell_ready`], sets the waits, so that their
//! tasks step in the turn after (as rule T4 has it for timers). Readiness belongs to the side and not to a waiter:
//! when one is cancelled, it is still there for the next (rule C6).

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::RawFd;
use std::rc::Rc;
use std::task::Waker;

use mio::Interest;
use mio::event::Event;

use crate::keyed::{Key, Keyed};
use crate::lists::{Linked, Links, List};
use crate::state::{Ready, State};
use crate::target::Target;
use crate::wait::Progress;
use crate::waits::WaitKey;

/// How many attempts at I/O a step may make before it has to give others a turn. A source that is always
/// ready would otherwise keep its task from ever suspending.
const ATTEMPTS_A_STEP: u32 = 64;

/// Which side of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// A callback of `add_reader` or `add_writer`.
pub(crate) type Callback = Rc<RefCell<dyn FnMut()>>;

/// Everything of the reactor that sits in the loop's state.
pub(crate) struct Reactor {
    sources: Keyed<Source>,
    waiters: Keyed<Waiter>,
    /// The sources that have callbacks, by descriptor.
    watched: HashMap<RawFd, Key>,
    /// The step that made the last attempts, and how many.
    attempts: (u32, u32),
}

/// A file descriptor that the loop's poll watches.
pub(crate) struct Source {
    what: &'static str,
    fd: RawFd,
    read: Side,
    write: Side,
    /// Urgent data has come in: a short read may have stopped at it.
    urgent: bool,
}

struct Side {
    ready: bool,
    /// Closed by the peer: stays ready even if all there was has been taken.
    closed: bool,
    /// Its handle is in the ready queue.
    queued: bool,
    waiters: List,
    /// The wait of the `poll_` functions, which have no future to keep it in.
    poller: Option<Waiting>,
    callback: Option<Callback>,
}

/// Somebody in the list of a side.
struct Waiter {
    wait: WaitKey,
    source: Key,
    direction: Direction,
    links: Links,
}

impl Linked for Keyed<Waiter> {
    fn links(&mut self, index: u32) -> &mut Links {
        &mut self[index].links
    }
}

/// One future's wait for a side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    wait: WaitKey,
    /// Names the entry in the side's list; stale once it was told.
    ticket: Key,
}

/// What a future that wants to use a source should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Now,
    /// Wait until the side is ready.
    Later,
    /// Give others a turn first.
    Yield,
}

impl Reactor {
    pub(crate) fn new() -> Reactor {
        Reactor {
            sources: Keyed::new(),
            waiters: Keyed::new(),
            watched: HashMap::new(),
            attempts: (0, 0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Could the operating system give the loop work?
    pub(crate) fn is_awaited(&self) -> bool {
        self.waiters.len() + self.watched.len() > 0
    }

    /// Takes every source out, for a loop that is being dropped.
    pub(crate) fn take_all(&mut self) -> Vec<Source> {
        self.sources.take_all()
    }

    /// `eager`: both sides are taken for ready until an attempt shows that they are not.
    pub(crate) fn add(&mut self, what: &'static str, fd: RawFd, eager: bool) -> Key {
        let (read, write) = (Side::new(eager), Side::new(eager));
        self.sources.insert(Source { what, fd, read, write, urgent: false })
    }

    /// Adds a source for callbacks.
    pub(crate) fn add_watched(&mut self, fd: RawFd) -> Key {
        let source = self.add("a watched descriptor", fd, false);
        self.watched.insert(fd, source);
        source
    }

    /// The source for the callbacks of a descriptor.
    pub(crate) fn watched(&self, fd: RawFd) -> Option<Key> {
        self.watched.get(&fd).copied()
    }

    /// The callback of a side of a descriptor.
    pub(crate) fn watcher(&mut self, fd: RawFd, direction: Direction) -> Option<Callback> {
        self.side(self.watched(fd)?, direction)?.callback.clone()
    }

    /// The descriptor of a source, if this side of it has a callback.
    pub(crate) fn callback_fd(&self, source: Key, direction: Direction) -> Option<RawFd> {
        let source = self.sources.get(source)?;
        let side = match direction {
            Direction::Read => &source.read,
            Direction::Write => &source.write,
        };
        side.callback.as_ref().map(|_| source.fd)
    }

    /// The descriptor of a source, and the sides that have callbacks.
    pub(crate) fn interest(&self, source: Key) -> Option<(RawFd, Option<Interest>)> {
        let source = self.sources.get(source)?;
        let read = source.read.callback.as_ref().map(|_| Interest::READABLE);
        let write = source.write.callback.as_ref().map(|_| Interest::WRITABLE);
        Some((source.fd, read.map_or(write, |read| Some(write.map_or(read, |write| read | write)))))
    }

    /// Counts an attempt of the step with this number; `false` if it has made enough of them.
    pub(crate) fn spend(&mut self, step: u32) -> bool {
        let (last, made) = self.attempts;
        let made = if last == step { made + 1 } else { 1 };
        let enough = made > ATTEMPTS_A_STEP;
        self.attempts = (step, if enough { 0 } else { made });
        !enough
    }

    fn named_by(&self, token: mio::Token) -> Option<Key> {
        let index = u32::try_from(token.0 & INDEX_MASK).ok()?;
        self.sources.live_key(index).filter(|key| token_of(*key) == token)
    }

    fn side(&mut self, source: Key, direction: Direction) -> Option<&mut Side> {
        self.sources.get_mut(source).map(|source| source.side(direction))
    }
}

impl Source {
    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Read => &mut self.read,
            Direction::Write => &mut self.write,
        }
    }
}

impl Side {
    fn new(ready: bool) -> Side {
        Side {
            ready,
            closed: false,
            queued: false,
            waiters: List::EMPTY,
            poller: None,
            callback: None,
        }
    }
}

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

    /// The handle of a side that has become ready: sets all its waits, in order of arrival. Returns its
    /// callback, to be run.
    pub(crate) fn tell_ready(&mut self, source: Key, direction: Direction) -> Option<Callback> {
        let side = self.reactor.side(source, direction)?;
        side.queued = false;
        self.set_waits(source, direction);
        self.reactor.side(source, direction)?.callback.clone()
    }

    fn set_waits(&mut self, source: Key, direction: Direction) {
        let reactor = &mut self.reactor;
        let Some(side) = reactor.sources.get_mut(source).map(|source| source.side(direction))
        else {
            return;
        };
        let mut next = std::mem::replace(&mut side.waiters, List::EMPTY).head;
        while next != crate::lists::NIL {
            let ticket = self.reactor.waiters.key_at(next);
            let waiter = self.reactor.waiters.remove(ticket).expect("a link to a live waiter");
            next = waiter.links.next;
            self.set_wait(waiter.wait);
        }
    }

    /// May a future use this side of a source now? `None` if the source is gone.
    pub(crate) fn attempt(&mut self, source: Key, direction: Direction) -> Option<Attempt> {
        let side = self.reactor.side(source, direction)?;
        if !side.ready && !side.closed {
            return Some(Attempt::Later);
        }
        let may = self.reactor.spend(self.counts.steps);
        Some(if may { Attempt::Now } else { Attempt::Yield })
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
    pub(crate) fn begin_io_wait(
        &mut self,
        source: Key,
        direction: Direction,
        waker: Option<Waker>,
    ) -> Waiting {
        let wait = self.open_wait(Target::Io(source, direction), waker);
        let waiter = Waiter { wait, source, direction, links: Links::OUT };
        let reactor = &mut self.reactor;
        let ticket = reactor.waiters.insert(waiter);
        let side = reactor.sources[source.index].side(direction);
        side.waiters.push_back(&mut reactor.waiters, ticket.index);
        Waiting { wait, ticket }
    }

    /// The future is polled again; how far its wait has come.
    pub(crate) fn touch_io_wait(&mut self, waiting: Waiting, waker: Option<Waker>) -> Progress {
        self.touch_wait(waiting.wait, waker)
    }

    /// Removes a wait, however far it has come.
    pub(crate) fn end_io_wait(&mut self, waiting: Waiting) {
        let reactor = &mut self.reactor;
        if let Some(waiter) = reactor.waiters.get(waiting.ticket) {
            let (source, direction) = (waiter.source, waiter.direction);
            let side = reactor.sources[source.index].side(direction);
            side.waiters.remove(&mut reactor.waiters, waiting.ticket.index);
            reactor.waiters.remove(waiting.ticket);
        }
        self.remove_wait(waiting.wait);
    }

    /// Takes the wait of the `poll_` functions out of its side.
    pub(crate) fn take_poller(&mut self, source: Key, direction: Direction) -> Option<Waiting> {
        self.reactor.side(source, direction)?.poller.take()
    }

    /// Keeps the wait of a `poll_` function until it is polled again.
    pub(crate) fn put_poller(&mut self, source: Key, direction: Direction, waiting: Waiting) {
        if let Some(side) = self.reactor.side(source, direction) {
            side.poller = Some(waiting);
        }
    }

    /// Forgets a source. Who still waits for it is woken, to find it gone.
    pub(crate) fn remove_source(&mut self, key: Key) -> Option<Source> {
        for direction in [Direction::Read, Direction::Write] {
            self.set_waits(key, direction);
            if let Some(poller) = self.take_poller(key, direction) {
                self.end_io_wait(poller);
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

impl Side {
    /// Notes what was told; does somebody have to hear of it?
    fn note(&mut self, ready: bool, closed: bool) -> bool {
        self.ready |= ready;
        self.closed |= closed;
        let told = (ready || closed) && !self.queued;
        self.queued |= told && (self.waiters != List::EMPTY || self.callback.is_some());
        told && self.queued
    }
}

/// A token is the index of a source and its generation: an event that was on its way when a source went
/// does not find the next one in its place.
const INDEX_BITS: u32 = if usize::BITS < 64 { 20 } else { 32 };
const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;

pub(crate) fn token_of(key: Key) -> mio::Token {
    mio::Token(key.index as usize | (key.generation as usize) << INDEX_BITS)
}
