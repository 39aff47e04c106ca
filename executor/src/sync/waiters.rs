//! A queue of waiting futures, first come first served: what asyncio's primitives keep in `self._waiters`.
//!
//! ```text
//!             1 enter              2 wake              3 resume
//!   Turn ------------> in the queue ------> woken ------------> the owner takes what it was woken for
//!                        |                    |
//!                        | cancel             | cancel
//!                        v                    v
//!                      given up             still woken, but dropped before it is polled: the owner's
//!                      (wakers skip it)     `Drop` passes on what it was woken for (rule C6)
//! ```
//!
//! 1 [`Turn::enter`] · 2 [`Waiters::wake_next`] and its like · 3 [`Turn::resume`], which each poll begins
//! with: it tells how far the turn has come, and ends one that is over. [`Turn::leave`] ends it in any case;
//! dropping it leaves too.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::task::Context;

use crate::context::{self, Core};
use crate::keyed::{Key, Keyed};
use crate::lists::{Linked, Links, List, NIL};
use crate::state::State;
use crate::target::Target;
use crate::wait::Progress;
use crate::waits::WaitKey;

/// The waiting futures of one primitive, each with a note of what it wants. It learns its loop when
/// somebody waits; no allocation is made before.
pub(super) struct Waiters<N = ()> {
    line: RefCell<Line<N>>,
}

impl<N> Waiters<N> {
    pub(super) const fn new() -> Waiters<N> {
        Waiters { line: RefCell::new(Line::new()) }
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
                woken += usize::from(state.set_wait(next));
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
        let core = self.line.borrow().core.upgrade()?;
        Some(core.with(|state| lines(&mut self.line.borrow_mut(), state)))
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
    core: Rc<Core>,
    wait: WaitKey,
    /// Names the entry in the queue; stale once a waker has taken that out.
    ticket: Key,
}

/// How far a turn had come when its future was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not in the queue.
    Outside,
    Waiting,
    /// It was woken, and has left the queue.
    Woken,
    /// It was cancelled, and has left the queue. A future that is polled after that begins anew.
    GivenUp,
}

impl<'a, N> Turn<'a, N> {
    pub(super) fn new(waiters: &'a Waiters<N>) -> Turn<'a, N> {
        Turn { waiters, entered: None }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.entered.is_some()
    }

    /// Its future is polled: how far has it come?
    #[inline]
    pub(super) fn resume(&mut self, cx: &Context<'_>) -> Stage {
        let Some(Entered { core, wait, ticket }) = &self.entered else { return Stage::Outside };
        let mut waker = core.foreign_waker(cx);
        let stage = match core.with(|state| state.resume_wait(*wait, &mut waker)) {
            Progress::Pending => return Stage::Waiting,
            Progress::Set => Stage::Woken,
            Progress::Cancelled => Stage::GivenUp,
        };
        self.waiters.line.borrow_mut().remove(*ticket);
        self.entered = None;
        stage
    }

    /// Enters the queue, behind everybody who waits.
    pub(super) fn enter(&mut self, call: &str, target: &Target, note: N, cx: &Context<'_>) {
        let core = context::current(call, Rc::clone);
        self.waiters.line.borrow_mut().bind(call, &core);
        let wait = core.open_wait(target, cx);
        let ticket = self.waiters.line.borrow_mut().push(wait, note);
        self.entered = Some(Entered { core, wait, ticket });
    }

    /// Ends it, and tells whether it had been woken and not been [resumed](Turn::resume) since.
    #[inline]
    pub(super) fn leave(&mut self) -> bool {
        self.entered.take().is_some_and(|entered| self.waiters.let_go(entered))
    }
}

impl<N> Drop for Turn<'_, N> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<N> Waiters<N> {
    /// Ends a turn early; `true` if it had been woken.
    #[cold]
    fn let_go(&self, Entered { core, wait, ticket }: Entered) -> bool {
        self.line.borrow_mut().remove(ticket);
        core.with(|state| {
            let woken = state.waits[wait.index()].progress == Progress::Set;
            state.remove_wait(wait);
            woken
        })
    }
}

/// The queue itself: a slab, linked in order of arrival, so that leaving from the middle costs no more
/// than from the front.
struct Line<N> {
    /// The loop of those who wait, who keep it alive; or the last one there was.
    core: Weak<Core>,
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
        Line { core: Weak::new(), entries: Keyed::new(), list: List::EMPTY }
    }

    /// Makes this the queue of a loop.
    fn bind(&mut self, call: &str, core: &Rc<Core>) {
        if self.core.as_ptr() != Rc::as_ptr(core) {
            let free = self.list == List::EMPTY;
            assert!(free, "`{call}`: tasks of another loop are waiting here already");
            self.core = Rc::downgrade(core);
        }
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

    /// Takes a waiter out, unless a waker has.
    #[inline]
    fn remove(&mut self, ticket: Key) {
        if self.entries.get(ticket).is_some() {
            self.take(ticket);
        }
    }

    fn remove_first(&mut self) -> Option<WaitKey> {
        match self.list.head {
            NIL => None,
            head => Some(self.take(self.entries.key_at(head))),
        }
    }

    fn take(&mut self, ticket: Key) -> WaitKey {
        let Waiter { wait, links, .. } =
            self.entries.remove(ticket).expect("who is in the queue has an entry");
        self.list.unlink(&mut self.entries, ticket.index, links);
        wait
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
    use std::task::Poll;

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
                std::future::poll_fn(|cx| {
                    turn.enter("a test", &Target::Plain(What::Event), (), cx);
                    Poll::<()>::Pending
                })
                .await;
            })
        };
        let begun = async move {
            std::future::poll_fn(|cx| Poll::Ready(turn.as_mut().poll(cx).is_pending())).await;
            (turn,)
        };
        let (turn,) = event_loop.run_until_complete(begun).unwrap();
        assert_eq!(waiters.len(), 1);
        drop(event_loop);
        assert!(waiters.line.borrow().core.upgrade().is_some(), "one still waits");
        drop(turn);
        assert_eq!(waiters.len(), 0);
        assert!(waiters.line.borrow().core.upgrade().is_none());
    }
}
