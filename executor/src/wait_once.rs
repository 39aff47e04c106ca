//! A plain wait that something completes once: asyncio's `loop.create_future()`, as its combinators use it.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::context::Core;
use crate::handle::TaskHandle;
use crate::observer::{OnDone, Watching};
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

    /// Completes the wait; `false` if that has been done before.
    pub(crate) fn set(&self, core: &Core) -> bool {
        let first = !self.set.replace(true);
        if let Some(waiter) = self.waiter.get().filter(|_| first) {
            core.with(|state| state.set_wait(waiter));
        }
        first
    }
}

impl OnDone for Signal {
    fn task_done(self: Rc<Self>, core: &Rc<Core>, _: &TaskHandle, _: usize) {
        self.set(core);
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
                let wait = OpenWait::new(&self.core, Target::Plain(self.what), cx);
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
        let watching = Watching::new(task, ended.signal(), 0);
        TaskEnd { ended, _watching: watching }
    }
}

impl Future for TaskEnd {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.ended).poll(cx)
    }
}
