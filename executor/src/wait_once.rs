//! A plain wait that something completes once: asyncio's `loop.create_future()`, as its combinators use it.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::context::Core;
use crate::handle::TaskHandle;
use crate::observer::{OnDone, Watching};
use crate::state::State;
use crate::target::{Target, What};
use crate::wait::OpenWait;
use crate::waits::WaitKey;

/// The completing side. It may be set before anybody waits.
pub(crate) struct Signal {
    set: Cell<bool>,
    waiter: Cell<Option<WaitKey>>,
}

impl Signal {
    pub(crate) fn new() -> Rc<Signal> {
        Rc::new(Signal { set: Cell::new(false), waiter: Cell::new(None) })
    }

    /// Completes the wait, once.
    pub(crate) fn set(&self, state: &mut State) {
        if self.set.replace(true) {
            return;
        }
        if let Some(waiter) = self.waiter.get() {
            state.set_wait(waiter);
        }
    }
}

impl OnDone for Signal {
    fn note(&self, state: &mut State, _: u32, _: usize) -> bool {
        self.set(state);
        false
    }
}

/// The waiting side; as every plain wait it is given up when it is cancelled.
pub(crate) struct WaitOnce {
    core: Rc<Core>,
    signal: Rc<Signal>,
    what: What,
    wait: Option<OpenWait>,
}

impl WaitOnce {
    pub(crate) fn new(core: &Rc<Core>, what: What) -> WaitOnce {
        WaitOnce { core: Rc::clone(core), signal: Signal::new(), what, wait: None }
    }

    pub(crate) fn signal(&self) -> Rc<Signal> {
        Rc::clone(&self.signal)
    }
}

impl Future for WaitOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.signal.set.get() {
            self.wait = None;
            return Poll::Ready(());
        }
        match &self.wait {
            Some(wait) => drop(wait.touch(cx)),
            None => {
                let wait = OpenWait::new(&self.core, &Target::Plain(self.what), cx);
                self.signal.waiter.set(Some(wait.key()));
                self.wait = Some(wait);
            }
        }
        Poll::Pending
    }
}

/// A task's end, waited for without forwarding. Dropped before that, it takes its callback back.
pub(crate) struct TaskEnd {
    ended: WaitOnce,
    _watching: Watching,
}

impl TaskEnd {
    pub(crate) fn new(task: &TaskHandle, what: What) -> TaskEnd {
        let ended = WaitOnce::new(task.core(), what);
        let mut watching = Watching::new(task.core(), 1);
        watching.watch(task, &ended.signal, 0);
        TaskEnd { ended, _watching: watching }
    }
}

impl Future for TaskEnd {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.ended).poll(cx)
    }
}
