//! The table of everything that may have a deadline: waits, and the timers of scopes and callbacks.
//!
//! It is the timer wheel. A wait is an entry of it, *idle* unless it is a sleep's: so a sleep is one entry,
//! its wait and its timer at once, and goes with one removal. A wait whose timer has expired stays, idle,
//! until its future has seen that.

use std::ops::{Index, IndexMut};

use timer_wheel::{TimerKey, TimerWheel};

use crate::lists::{Linked, Links};
use crate::state::Ready;
use crate::wait::Wait;

/// Names a wait, and with it the timer of a sleep. Stale once the wait is gone.
pub(crate) type WaitKey = TimerKey;

enum Entry {
    Wait(Wait),
    /// A timer of a scope or a callback: the handle to be queued.
    Handle(Ready),
}

pub(crate) struct Waits {
    wheel: TimerWheel<Entry>,
    /// How many entries are waits.
    len: usize,
}

impl Waits {
    pub(crate) fn new() -> Waits {
        Waits { wheel: TimerWheel::new(), len: 0 }
    }

    /// How many waits there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many timers are armed.
    pub(crate) fn armed(&self) -> usize {
        self.wheel.armed()
    }

    #[inline]
    pub(crate) fn insert(&mut self, wait: Wait) -> WaitKey {
        self.len += 1;
        self.wheel.insert_idle(Entry::Wait(wait))
    }

    /// As [`insert`](Waits::insert), with a timer.
    #[inline]
    pub(crate) fn insert_armed(&mut self, when: u64, wait: Wait) -> WaitKey {
        self.len += 1;
        self.wheel.insert(when, Entry::Wait(wait))
    }

    #[inline]
    pub(crate) fn get(&self, key: WaitKey) -> Option<&Wait> {
        match self.wheel.get(key)? {
            Entry::Wait(wait) => Some(wait),
            Entry::Handle(_) => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: WaitKey) -> Option<&mut Wait> {
        match self.wheel.get_mut(key)? {
            Entry::Wait(wait) => Some(wait),
            Entry::Handle(_) => None,
        }
    }

    /// The key of the wait that lives at `index`.
    #[inline]
    pub(crate) fn key_at(&self, index: u32) -> WaitKey {
        self.wheel.key_at(index).expect("links point to live entries")
    }

    /// Takes a wait out, and its timer if it has one.
    #[inline]
    pub(crate) fn remove(&mut self, key: WaitKey) -> Option<Wait> {
        match self.wheel.remove(key)? {
            Entry::Wait(wait) => {
                self.len -= 1;
                Some(wait)
            }
            Entry::Handle(_) => no_wait(),
        }
    }

    /// What the timer of a wait is armed for, if it is.
    pub(crate) fn deadline(&self, key: WaitKey) -> Option<u64> {
        self.wheel.deadline(key)
    }

    /// Arms the timer of a wait anew.
    pub(crate) fn rearm(&mut self, key: WaitKey, when: u64) {
        self.wheel.reset(key, when);
    }

    /// Puts off a timer, unless it is gone or armed for another time than `from` by now.
    pub(crate) fn put_off(&mut self, timer: TimerKey, from: u64, to: u64) {
        if self.wheel.deadline(timer) == Some(from) {
            self.wheel.reset(timer, to);
        }
    }

    /// Arms a timer that queues `handle`.
    pub(crate) fn arm(&mut self, when: u64, handle: Ready) -> TimerKey {
        self.wheel.insert(when, Entry::Handle(handle))
    }

    /// Takes such a timer back.
    pub(crate) fn disarm(&mut self, timer: TimerKey) {
        self.wheel.remove(timer);
    }

    /// Never later than the next deadline.
    #[inline]
    pub(crate) fn next_wakeup(&mut self) -> Option<u64> {
        self.wheel.next_wakeup()
    }

    /// As [`next_wakeup`](Waits::next_wakeup), or later by up to `slack`, if that serves other timers too.
    pub(crate) fn next_wakeup_within(&mut self, slack: u64) -> Option<u64> {
        self.wheel.next_wakeup_within(slack)
    }

    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        self.wheel.next_deadline()
    }

    pub(crate) fn advance(&mut self, now: u64) {
        self.wheel.advance(now);
    }

    /// The handle of the next timer that has expired by the last [`advance`](Waits::advance).
    pub(crate) fn next_expired(&mut self) -> Option<Ready> {
        let key = self.wheel.disarm_expired()?;
        match self.wheel[key.index()] {
            Entry::Wait(_) => Some(Ready::Wait(key)),
            Entry::Handle(handle) => {
                self.wheel.remove(key);
                Some(handle)
            }
        }
    }
}

impl Index<u32> for Waits {
    type Output = Wait;
    #[inline]
    fn index(&self, index: u32) -> &Wait {
        match &self.wheel[index] {
            Entry::Wait(wait) => wait,
            Entry::Handle(_) => no_wait(),
        }
    }
}

impl IndexMut<u32> for Waits {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut Wait {
        match &mut self.wheel[index] {
            Entry::Wait(wait) => wait,
            Entry::Handle(_) => no_wait(),
        }
    }
}

#[cold]
fn no_wait() -> ! {
    panic!("links between waits point to waits")
}

impl Linked for Waits {
    #[inline]
    fn links(&mut self, index: u32) -> &mut Links {
        &mut self[index].in_scope
    }
}
