//! `wait`: until the first, the first failure, or all of them; asyncio's `wait`, `_wait`.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::Joinable;
use crate::callback::CallHandle;
use crate::context::Core;
use crate::error::EmptyWait;
use crate::observer::{OnDone, Watching};
use crate::state::State;
use crate::target::What;
use crate::tasks::Life;
use crate::wait_once::{Signal, WaitOnce};

/// When [`wait`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnWhen {
    /// As soon as any task has ended.
    FirstCompleted,
    /// As soon as any task has failed, or when all have ended. A cancelled task is no failure (rule C17).
    FirstException,
    /// When all tasks have ended.
    AllCompleted,
}

/// asyncio's name for [`ReturnWhen::FirstCompleted`].
pub const FIRST_COMPLETED: ReturnWhen = ReturnWhen::FirstCompleted;
/// asyncio's name for [`ReturnWhen::FirstException`].
pub const FIRST_EXCEPTION: ReturnWhen = ReturnWhen::FirstException;
/// asyncio's name for [`ReturnWhen::AllCompleted`].
pub const ALL_COMPLETED: ReturnWhen = ReturnWhen::AllCompleted;

/// Waits for some of `tasks` and gives them all back, those that have ended and those that have not. It
/// never cancels any, and a cancel of the waiter does not reach them (rule C10). It belongs to the loop of the
/// first; a task of another loop is not waited for.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{FIRST_COMPLETED, run, sleep, spawn, wait};
///
/// run(async {
///     let fast = spawn(async { "fast" });
///     let slow = spawn(async { sleep(Duration::from_secs(60)).await; "slow" });
///     let mut waited = wait([fast, slow], FIRST_COMPLETED).await.unwrap();
///     assert_eq!(waited.done.remove(0).await.unwrap(), "fast");
///     assert_eq!(waited.pending.len(), 1);
/// })
/// .unwrap();
/// ```
///
/// # Cancel safety
///
/// Cancel safe with handles or references. Tasks handed over by value are detached when the wait is
/// dropped, and their values lost.
pub fn wait<I>(tasks: I, until: ReturnWhen) -> Wait<I::Item>
where
    I: IntoIterator,
    I::Item: Joinable,
{
    Wait { tasks: tasks.into_iter().collect(), until, timeout: None, begun: None }
}

/// What [`wait`] gives: every task it was given, in the order it was given them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Waited<K> {
    /// The tasks that have ended.
    pub done: Vec<K>,
    /// The tasks that have not.
    pub pending: Vec<K>,
}

/// The future of [`wait`].
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait<K> {
    tasks: Vec<K>,
    until: ReturnWhen,
    timeout: Option<Duration>,
    begun: Option<Begun>,
}

impl<K> Wait<K> {
    /// Returns after `limit` in any case, with what has ended until then. That is no error.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Wait<K> {
        self.timeout = limit.into();
        self
    }
}

impl<K: Joinable + Unpin> Future for Wait<K> {
    type Output = Result<Waited<K>, EmptyWait>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(first) = this.tasks.first() else { return Poll::Ready(Err(EmptyWait)) };
        let begun = this.begun.get_or_insert_with(|| {
            Begun::new(first.task().core(), &this.tasks, this.until, this.timeout)
        });
        ready!(Pin::new(&mut begun.released).poll(cx));
        this.begun = None;
        Poll::Ready(Ok(sort(std::mem::take(&mut this.tasks))))
    }
}

/// Mostly all have ended, so there is room for that from the start.
fn sort<K: Joinable>(tasks: Vec<K>) -> Waited<K> {
    let mut waited = Waited { done: Vec::with_capacity(tasks.len()), pending: Vec::new() };
    for task in tasks {
        let ended = task.task().is_done();
        if ended { waited.done.push(task) } else { waited.pending.push(task) }
    }
    waited
}

impl<K> fmt::Debug for Wait<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("tasks", &self.tasks.len())
            .field("until", &self.until)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A wait that has been polled. Its drop takes its timer and its callbacks back.
struct Begun {
    released: WaitOnce,
    _watched: Watching,
    timer: Option<CallHandle>,
}

impl Begun {
    fn new<K: Joinable>(
        core: &Rc<Core>,
        tasks: &[K],
        until: ReturnWhen,
        timeout: Option<Duration>,
    ) -> Begun {
        let released = WaitOnce::new(core, What::SeveralTasks);
        let timer = timeout.map(|limit| {
            let (signal, weak) = (released.signal(), Rc::downgrade(core));
            let release = move || {
                if let Some(core) = weak.upgrade() {
                    core.with(|state| signal.set(state));
                }
            };
            core.call_later(limit, Box::new(release), Location::caller())
        });
        let countdown =
            Rc::new(Countdown { left: Cell::new(0), until, released: released.signal() });
        let mut watched = Watching::new(core, tasks.len());
        let own = tasks.iter().filter(|task| watched.watch(task.task(), &countdown, 0));
        countdown.left.set(own.count());
        Begun { released, _watched: watched, timer }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.cancel();
        }
    }
}

/// asyncio's `_on_completion`.
struct Countdown {
    left: Cell<usize>,
    until: ReturnWhen,
    released: Rc<Signal>,
}

impl OnDone for Countdown {
    fn note(&self, state: &mut State, task: u32, _: usize) -> bool {
        self.left.set(self.left.get() - 1);
        let enough = match self.until {
            ReturnWhen::FirstCompleted => true,
            ReturnWhen::FirstException => state.tasks[task].life == Life::Failed,
            ReturnWhen::AllCompleted => false,
        };
        if enough || self.left.get() == 0 {
            self.released.set(state);
        }
        false
    }
}
