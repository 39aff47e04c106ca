//! The table of what the loop watches: each source with its two sides, and the line of those who wait at each.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::RawFd;
use std::rc::Rc;

use mio::Interest;

use crate::keyed::{Key, Keyed};
use crate::lists::{Linked, Links, List, NIL};
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
    pub(crate) sources: Keyed<Source>,
    /// Those who are not the first of their side.
    waiters: Keyed<Waiter>,
    /// How many are.
    firsts: usize,
    /// The sources that have callbacks, by descriptor.
    pub(crate) watched: HashMap<RawFd, Key>,
    /// The step that made the last attempts, and how many.
    attempts: (u32, u32),
}

/// A file descriptor that the loop's poll watches.
pub(crate) struct Source {
    pub(crate) what: &'static str,
    pub(crate) fd: RawFd,
    pub(crate) read: Side,
    pub(crate) write: Side,
    /// Urgent data has come in: a short read may have stopped at it.
    pub(crate) urgent: bool,
}

pub(crate) struct Side {
    pub(crate) ready: bool,
    /// Closed by the peer: stays ready even if all there was has been taken.
    pub(crate) closed: bool,
    /// Its handle is in the ready queue.
    pub(crate) queued: bool,
    /// Mostly one waits for a side, and has its place here.
    first: Option<WaitKey>,
    /// Those behind it, in order of arrival.
    others: List,
    /// The wait of the `poll_` functions, which have no future to keep it in.
    pub(crate) poller: Option<Waiting>,
    pub(crate) callback: Option<Callback>,
}

/// Somebody in the line of a side, behind the first.
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
    pub(crate) wait: WaitKey,
    pub(crate) spot: Spot,
}

/// Where a wait stands in the line of its side, until it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spot {
    First(Key, Direction),
    Behind(Key),
}

/// What a future that wants to use a source should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Now,
    /// Suspend: its wait stands in the side's line.
    Later,
    /// Give others a turn first.
    Yield,
}

impl Reactor {
    pub(crate) fn new() -> Reactor {
        Reactor {
            sources: Keyed::new(),
            waiters: Keyed::new(),
            firsts: 0,
            watched: HashMap::new(),
            attempts: (0, 0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Could the operating system give the loop work?
    pub(crate) fn is_awaited(&self) -> bool {
        self.firsts + self.waiters.len() + self.watched.len() > 0
    }

    /// Takes every source out, for a loop that is being dropped.
    pub(crate) fn take_all(&mut self) -> Keyed<Source> {
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

    /// An attempt of the step with this number is to be made: now, unless it has made enough of them.
    #[inline]
    pub(crate) fn spend(&mut self, step: u32) -> Attempt {
        let (last, made) = self.attempts;
        let made = if last == step { made + 1 } else { 1 };
        let enough = made > ATTEMPTS_A_STEP;
        self.attempts = (step, if enough { 0 } else { made });
        if enough { Attempt::Yield } else { Attempt::Now }
    }

    /// Lets a wait stand at the end of a side's line.
    #[inline]
    pub(crate) fn queue(&mut self, source: Key, direction: Direction, wait: WaitKey) -> Spot {
        let side = self.sources[source.index].side(direction);
        if side.first.is_none() && side.others == List::EMPTY {
            side.first = Some(wait);
            self.firsts += 1;
            return Spot::First(source, direction);
        }
        let waiter = self.waiters.insert(Waiter { wait, source, direction, links: Links::OUT });
        side.others.push_back(&mut self.waiters, waiter.index);
        Spot::Behind(waiter)
    }

    /// Takes a wait out of the line, if it was not told.
    #[inline]
    pub(crate) fn leave(&mut self, Waiting { wait, spot }: Waiting) {
        match spot {
            Spot::First(source, direction) => {
                let Some(side) = self.side(source, direction) else { return };
                if side.first == Some(wait) {
                    side.first = None;
                    self.firsts -= 1;
                }
            }
            Spot::Behind(key) => drop(self.take_out(key)),
        }
    }

    /// Takes out who has waited longest for a side. If it is the poller, it may try when it comes back.
    pub(crate) fn call_next(&mut self, source: Key, direction: Direction) -> Option<WaitKey> {
        let side = self.side(source, direction)?;
        if let Some(first) = side.first.take() {
            side.poller.take_if(|poller| poller.wait == first);
            self.firsts -= 1;
            return Some(first);
        }
        let next = side.others.head;
        if next == NIL { None } else { Some(self.take_out(self.waiters.key_at(next))?.wait) }
    }

    fn take_out(&mut self, key: Key) -> Option<Waiter> {
        let waiter = self.waiters.remove(key)?;
        let side = self.sources[waiter.source.index].side(waiter.direction);
        side.others.unlink(&mut self.waiters, key.index, waiter.links);
        Some(waiter)
    }

    pub(crate) fn named_by(&self, token: mio::Token) -> Option<Key> {
        let index = u32::try_from(token.0 & INDEX_MASK).ok()?;
        self.sources.live_key(index).filter(|key| token_of(*key) == token)
    }

    #[inline]
    pub(crate) fn side(&mut self, source: Key, direction: Direction) -> Option<&mut Side> {
        self.sources.get_mut(source).map(|source| source.side(direction))
    }
}

impl Source {
    pub(crate) fn side(&mut self, direction: Direction) -> &mut Side {
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
            first: None,
            others: List::EMPTY,
            poller: None,
            callback: None,
        }
    }

    /// Notes what was told; does somebody have to hear of it?
    pub(crate) fn note(&mut self, ready: bool, closed: bool) -> bool {
        self.ready |= ready;
        self.closed |= closed;
        let told = (ready || closed) && !self.queued;
        self.queued |= told && self.is_awaited();
        told && self.queued
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready || self.closed
    }

    fn is_awaited(&self) -> bool {
        self.first.is_some() || self.others != List::EMPTY || self.callback.is_some()
    }
}

/// A token is the index of a source and its generation: an event that was on its way when a source went
/// does not find the next one in its place.
const INDEX_BITS: u32 = if usize::BITS < 64 { 20 } else { 32 };
const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;

pub(crate) fn token_of(key: Key) -> mio::Token {
    mio::Token(key.index as usize | (key.generation as usize) << INDEX_BITS)
}
