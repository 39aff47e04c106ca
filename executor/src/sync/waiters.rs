//! A queue of waiting futures, first come first served: what asyncio's primitives keep in `self._waiters`.
//!
//! ```text
//!             1 poll               2 wake              3 poll
//!   Turn ------------> in the queue ------> woken ------------> the owner takes what it was woken for
//!                        |                    |
//!                        | cancel             | cancel
//!                        v                    v
//!                      given up             still woken, but dropped before it is polled: the owner's
//!                      (wakers skip it)     `Drop` passes on what it was woken for (rule C6)
//! ```
//!
//! 1 [`Turn::poll`] enters · 2 [`Waiters::wake_next`] and its like · 3 [`Turn::poll`] is ready. Whoever owns
//! a turn ends it with [`Turn::leave`], which tells how far it had come; dropping it leaves too.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use crate::context::{self, Core};
use crate::keyed::{Key, Keyed};
use crate::lists::{Linked, Links, List, NIL};
use crate::state::State;
use crate::target::Target;
use crate::wait::{OpenWait, Progress};
use crate::waits::WaitKey;

/// The waiting futures of one primitive, each with a note of what it wants. It learns its loop when
/// somebody waits; no allocation is made before.
pub(super) struct Waiters<N = ()> {
    /// The loop of those who wait, who keep it alive; or the last one there was.
    core: RefCell<Weak<Core>>,
    line: RefCell<Line<N>>,
}

impl<N> Waiters<N> {
    pub(super) const fn new() -> Waiters<N> {
        Waiters { core: RefCell::new(Weak::new()), line: RefCell::new(Line::new()) }
    }

    pub(super) fn len(&self) -> usize {
        self.line.borrow().entries.len()
    }

    /// Has every waiter given up? True, too, if there is none.
    pub(super) fn all_gave_up(&self) -> bool {
        self.look(|line, state| {
            line.iter().all(|waiter| waiter.progress(state) == Progress::Cancelled)
        })
        .unwrap_or(true)
    }

    /// Wakes the first waiter and leaves it in the queue. Looks at that one only: if it was woken before,
    /// or has given up, nothing happens.
    pub(super) fn wake_first(&self) {
        self.look(|line, state| {
            if let Some(first) = line.first() {
                state.set_wait(first.wait);
            }
        });
    }

    /// Takes the first waiter that has not given up out of the queue and wakes it, if `admit` lets it
    /// pass. Those that have given up go as well.
    pub(super) fn wake_next(&self, admit: impl FnOnce(&N) -> bool) -> bool {
        self.look(|line, state| {
            line.drop_given_up(state);
            let Some(next) = line.first() else {
                return false;
            };
            if !admit(&next.note) {
                return false;
            }
            state.set_wait(next.wait);
            line.remove_first();
            true
        })
        .unwrap_or(false)
    }

    /// Takes up to `n` waiters out of the queue and wakes them.
    pub(super) fn wake(&self, n: usize) {
        self.look(|line, state| {
            let mut woken = 0;
            while woken < n {
                let Some(next) = line.remove_first() else {
                    return;
                };
                woken += usize::from(state.set_wait(next.wait));
            }
        });
    }

    pub(super) fn wake_all(&self) {
        self.wake(usize::MAX);
    }

    /// Runs a few lines on the queue and the loop's state, unless nobody waits. What they wake runs, if it
    /// is a foreign waker, after both are free again.
    #[inline]
    fn look<R>(&self, lines: impl FnOnce(&mut Line<N>, &mut State) -> R) -> Option<R> {
        if self.line.borrow().list == List::EMPTY { None } else { self.look_closer(lines) }
    }

    /// Out of line, so that nobody carries it along where nobody waits.
    #[inline(never)]
    fn look_closer<R>(&self, lines: impl FnOnce(&mut Line<N>, &mut State) -> R) -> Option<R> {
        let core = self.core.borrow().upgrade()?;
        Some(core.with(|state| lines(&mut self.line.borrow_mut(), state)))
    }

    /// The running loop, which is the queue's from now on.
    fn bind(&self, call: &str) -> Rc<Core> {
        let core = context::current(call, Rc::clone);
        if self.core.borrow().as_ptr() != Rc::as_ptr(&core) {
            assert!(self.len() == 0, "`{call}`: tasks of another loop are waiting here already");
            self.core.replace(Rc::downgrade(&core));
        }
        core
    }

    fn enter(&self, call: &str, target: Target, note: N, cx: &Context<'_>) -> Entered {
        let core = self.bind(call);
        let wait = OpenWait::new(&core, target, cx);
        let ticket = self.line.borrow_mut().push(wait.key(), note);
        Entered { wait, ticket }
    }
}

impl<N> Default for Waiters<N> {
    fn default() -> Self {
        Waiters::new()
    }
}

/// One future's wait in a queue.
pub(super) struct Turn<'a, N = ()> {
    waiters: &'a Waiters<N>,
    entered: Option<Entered>,
}

struct Entered {
    wait: OpenWait,
    /// Names the entry in the queue; stale once a waker has taken that out.
    ticket: Key,
}

impl<'a, N> Turn<'a, N> {
    pub(super) fn new(waiters: &'a Waiters<N>) -> Turn<'a, N> {
        Turn { waiters, entered: None }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.entered.is_some()
    }

    /// Was it cancelled? A future that is polled again after that begins anew.
    pub(super) fn has_given_up(&self) -> bool {
        self.progress() == Some(Progress::Cancelled)
    }

    fn progress(&self) -> Option<Progress> {
        self.entered.as_ref().map(|entered| entered.wait.progress())
    }

    /// Enters the queue, on the first poll, with what `entry` makes; ready when it has been woken.
    pub(super) fn poll(
        &mut self,
        call: &str,
        entry: impl FnOnce() -> (Target, N),
        cx: &Context<'_>,
    ) -> Poll<()> {
        if let Some(entered) = &self.entered {
            return match entered.wait.touch(cx) {
                Progress::Set => Poll::Ready(()),
                Progress::Pending | Progress::Cancelled => Poll::Pending,
            };
        }
        let (target, note) = entry();
        self.entered = Some(self.waiters.enter(call, target, note, cx));
        Poll::Pending
    }

    /// Ends it, and tells whether it had begun and been woken.
    pub(super) fn leave(&mut self) -> bool {
        let Some(Entered { wait, ticket }) = self.entered.take() else {
            return false;
        };
        let left = self.waiters.line.borrow_mut().remove(ticket);
        drop(left);
        wait.progress() == Progress::Set
    }
}

impl<N> Drop for Turn<'_, N> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The queue itself: a slab, linked in order of arrival, so that leaving from the middle costs no more
/// than from the front.
struct Line<N> {
    entries: Keyed<Waiter<N>>,
    list: List,
}

struct Waiter<N> {
    wait: WaitKey,
    note: N,
    links: Links,
}

impl<N> Waiter<N> {
    fn progress(&self, state: &State) -> Progress {
        state.waits.get(self.wait).map_or(Progress::Cancelled, |wait| wait.progress)
    }
}

impl<N> Linked for Keyed<Waiter<N>> {
    fn links(&mut self, index: u32) -> &mut Links {
        &mut self[index].links
    }
}

impl<N> Line<N> {
    const fn new() -> Line<N> {
        Line { entries: Keyed::new(), list: List::EMPTY }
    }

    fn first(&self) -> Option<&Waiter<N>> {
        self.iter().next()
    }

    fn iter(&self) -> impl Iterator<Item = &Waiter<N>> {
        let at = |index: u32| (index != NIL).then(|| &self.entries[index]);
        std::iter::successors(at(self.list.head), move |waiter| at(waiter.links.next))
    }

    fn push(&mut self, wait: WaitKey, note: N) -> Key {
        let ticket = self.entries.insert(Waiter { wait, note, links: Links::OUT });
        self.list.push_back(&mut self.entries, ticket.index);
        ticket
    }

    fn remove(&mut self, ticket: Key) -> Option<Waiter<N>> {
        self.entries.get(ticket)?;
        self.list.remove(&mut self.entries, ticket.index);
        self.entries.remove(ticket)
    }

    fn remove_first(&mut self) -> Option<Waiter<N>> {
        match self.list.head {
            NIL => None,
            head => self.remove(self.entries.key_at(head)),
        }
    }

    fn drop_given_up(&mut self, state: &State) {
        while self.first().is_some_and(|waiter| waiter.progress(state) == Progress::Cancelled) {
            self.remove_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;
    use crate::EventLoop;
    use crate::target::What;

    #[test]
    fn a_queue_does_not_keep_its_loop_alive() {
        let waiters = Rc::new(Waiters::<()>::new());
        let mut event_loop = EventLoop::builder().virtual_clock().build().unwrap();
        let mut turn = {
            let waiters = Rc::clone(&waiters);
            Box::pin(async move {
                let mut turn = Turn::new(&waiters);
                let entry = || (Target::Plain(What::Event), ());
                std::future::poll_fn(|cx| turn.poll("a test", entry, cx)).await;
            })
        };
        let begun = async move {
            std::future::poll_fn(|cx| Poll::Ready(turn.as_mut().poll(cx).is_pending())).await;
            (turn,)
        };
        let (turn,) = event_loop.run_until_complete(begun).unwrap();
        assert_eq!(waiters.len(), 1);
        drop(event_loop);
        assert!(waiters.core.borrow().upgrade().is_some(), "one still waits");
        drop(turn);
        assert_eq!(waiters.len(), 0);
        assert!(waiters.core.borrow().upgrade().is_none());
    }
}
