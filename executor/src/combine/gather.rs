//! `gather` and `try_gather`: all of them, in their order; asyncio's `gather`, `_GatheringFuture`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::Joinable;
use crate::context::Core;
use crate::error::JoinError;
use crate::handle::TaskHandle;
use crate::observer::{OnDone, Watching};
use crate::state::State;
use crate::target::{Forward, Target};
use crate::wait::OpenWait;
use crate::waits::WaitKey;

/// Waits for all of `tasks` and gives how each ended, in their order: asyncio's
/// `gather(.., return_exceptions=True)`. It belongs to the loop of the first; a task of another loop is not
/// waited for, and its result is [`JoinError::OtherLoop`].
///
/// The tasks are watched from this call on. A cancel of the waiter is forwarded to every one of them
/// (rule C9), and the gather then ends cancelled whatever they make of it, once all are done.
///
/// ```
/// use wheelhouse::{gather, run, spawn};
///
/// let squares = run(async {
///     let tasks = (1..=3).map(|n| spawn(async move { n * n }));
///     gather(tasks).await.into_iter().map(Result::unwrap).collect::<Vec<i32>>()
/// });
/// assert_eq!(squares.unwrap(), [1, 4, 9]);
/// ```
///
/// # Cancel safety
///
/// Not cancel safe: the values of tasks that were handed over by value are lost with it. Keep the tasks,
/// and gather handles or references, where that matters.
pub fn gather<I>(tasks: I) -> Gather<I::Item>
where
    I: IntoIterator,
    I::Item: Joinable,
{
    Gather::new(tasks, false)
}

/// Waits for all of `tasks` and gives their values in order, or the first failure or cancel as soon as
/// there is one; the other tasks then run on: asyncio's plain `gather`.
///
/// # Cancel safety
///
/// Not cancel safe: the values of tasks that were handed over by value are lost with it. Keep the tasks,
/// and gather handles or references, where that matters.
pub fn try_gather<I>(tasks: I) -> TryGather<I::Item>
where
    I: IntoIterator,
    I::Item: Joinable,
{
    TryGather::new(tasks)
}

/// The future of [`gather`].
#[must_use = "a gather gives nothing until it is awaited"]
pub struct Gather<K> {
    tasks: Vec<K>,
    watch: Rc<Watch>,
    wait: Option<OpenWait>,
}

/// The future of [`try_gather`].
#[must_use = "a gather gives nothing until it is awaited"]
pub struct TryGather<K> {
    inner: Gather<K>,
}

impl<K: Joinable> Gather<K> {
    pub(crate) fn new<I: IntoIterator<Item = K>>(tasks: I, fails_fast: bool) -> Self {
        let tasks: Vec<K> = tasks.into_iter().collect();
        let watch = Watch::new(&tasks, fails_fast);
        Gather { tasks, watch, wait: None }
    }

    /// Has everything ended that it waits for?
    #[must_use = "this only looks"]
    pub fn is_done(&self) -> bool {
        self.watch.ending.get().is_some()
    }

    /// Cancels every task that has not ended; `false` if all have. The gather then ends cancelled.
    pub fn cancel(&self) -> bool {
        self.watch.cancel()
    }

    /// Calls `callback` from the loop once the gather is done. A gather can be used outside any task this
    /// way.
    pub fn add_done_callback(&self, callback: impl FnOnce() + 'static) {
        self.watch.add_done_callback(Box::new(callback));
    }

    fn poll_ending(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        let Some(ending) = self.watch.ending.get() else {
            self.suspend(cx);
            return Poll::Pending;
        };
        if ending == Ending::Cancelled {
            // Our own cancel came back: it goes on here, in the scope that awaits.
            self.suspend(cx);
            self.wait.as_ref().expect("it was just opened").raise();
            return Poll::Pending;
        }
        self.wait = None;
        Poll::Ready(ending)
    }

    fn suspend(&mut self, cx: &mut Context<'_>) {
        match &self.wait {
            Some(wait) => drop(wait.touch(cx)),
            None => self.wait = self.watch.open_wait(cx),
        }
    }
}

impl<K> Drop for Gather<K> {
    fn drop(&mut self) {
        self.watch.abandon();
    }
}

impl<K: Joinable> TryGather<K> {
    pub(crate) fn new<I: IntoIterator<Item = K>>(tasks: I) -> Self {
        TryGather { inner: Gather::new(tasks, true) }
    }
}

impl<K: Joinable + Unpin> Future for Gather<K> {
    type Output = Vec<Result<K::Value, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.poll_ending(cx));
        let tasks = std::mem::take(&mut self.tasks);
        Poll::Ready(tasks.into_iter().map(Joinable::into_result).collect())
    }
}

impl<K: Joinable + Unpin> Future for TryGather<K> {
    type Output = Result<Vec<K::Value>, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ending = ready!(self.inner.poll_ending(cx));
        let mut tasks = std::mem::take(&mut self.inner.tasks);
        Poll::Ready(match ending {
            Ending::First(number) => Err(tasks
                .swap_remove(number)
                .into_result()
                .err()
                .expect("it ended without a value")),
            _ => tasks.into_iter().map(Joinable::into_result).collect(),
        })
    }
}

impl<K> fmt::Debug for Gather<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather")
            .field("tasks", &self.tasks.len())
            .field("unfinished", &self.watch.unfinished.get())
            .finish_non_exhaustive()
    }
}

impl<K> fmt::Debug for TryGather<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// All are done.
    All,
    /// This one ended without a value, and that is enough.
    First(usize),
    /// A request was accepted and has come back.
    Cancelled,
}

/// What the tasks' done callbacks tell: asyncio's outer future.
struct Watch {
    /// How many there are.
    tasks: usize,
    fails_fast: bool,
    unfinished: Cell<usize>,
    cancel_requested: Cell<bool>,
    ending: Cell<Option<Ending>>,
    waiter: Cell<Option<WaitKey>>,
    callbacks: RefCell<Vec<Box<dyn FnOnce()>>>,
    /// The loop of the tasks; a gather of nothing has none, and needs none.
    core: Option<Rc<Core>>,
    /// Our done callbacks at the tasks.
    watching: RefCell<Option<Watching>>,
}

impl Watch {
    fn new<K: Joinable>(tasks: &[K], fails_fast: bool) -> Rc<Watch> {
        let core = tasks.first().map(|first| first.task().core());
        let watch = Rc::new(Watch {
            unfinished: Cell::new(tasks.len()),
            tasks: tasks.len(),
            fails_fast,
            cancel_requested: Cell::new(false),
            ending: Cell::new(None),
            waiter: Cell::new(None),
            callbacks: RefCell::default(),
            core: core.map(Rc::clone),
            watching: RefCell::new(None),
        });
        match core {
            Some(core) => watch.watch_tasks(core, tasks),
            None => watch.ending.set(Some(Ending::All)),
        }
        watch
    }

    /// Tasks that have ended already count at once, without a turn, and so do those of another loop; the
    /// others are watched first.
    fn watch_tasks<K: Joinable>(self: &Rc<Self>, core: &Rc<Core>, tasks: &[K]) {
        let mut watching = Watching::new(core, tasks.len());
        let mut others = Vec::new();
        for (number, task) in tasks.iter().map(Joinable::task).enumerate() {
            if task.is_done() || !watching.watch(task, self, number) {
                others.push((number, task));
            }
        }
        self.watching.replace(Some(watching));
        for (number, task) in others {
            let ended = task.ended();
            core.with(|state| self.note_end(state, &ended, number));
        }
    }

    /// A task has ended: asyncio's `_done_callback`.
    fn note_end(&self, state: &mut State, ended: &Result<(), JoinError>, number: usize) {
        self.unfinished.set(self.unfinished.get() - 1);
        if self.ending.get().is_some() {
            return;
        }
        match ended {
            Err(error) if self.fails_fast => {
                let own = error.is_cancelled() && self.cancel_requested.get();
                self.end(state, if own { Ending::Cancelled } else { Ending::First(number) });
            }
            _ if self.unfinished.get() > 0 => {}
            _ if self.cancel_requested.get() => self.end(state, Ending::Cancelled),
            _ => self.end(state, Ending::All),
        }
    }

    fn end(&self, state: &mut State, ending: Ending) {
        self.ending.set(Some(ending));
        if let Some(waiter) = self.waiter.take() {
            state.set_wait(waiter);
        }
    }

    fn add_done_callback(&self, callback: Box<dyn FnOnce()>) {
        match &self.core {
            Some(core) if self.ending.get().is_some() => {
                drop(core.call_soon(callback, Location::caller()));
            }
            Some(_) => self.callbacks.borrow_mut().push(callback),
            None => callback(),
        }
    }

    /// The gather is dropped. If nobody is left to be told of its end, its callbacks are taken back: a task
    /// that lives long may be gathered often.
    fn abandon(&self) {
        if self.ending.get().is_some() || !self.callbacks.borrow().is_empty() {
            return;
        }
        drop(self.watching.take());
    }

    fn open_wait(self: &Rc<Self>, cx: &Context<'_>) -> Option<OpenWait> {
        let core = self.core.as_ref()?;
        let target = Target::Forward(Rc::clone(self) as Rc<dyn Forward>);
        let wait = OpenWait::new(core, &target, cx);
        self.waiter.set(Some(wait.key()));
        Some(wait)
    }

    fn cancel(&self) -> bool {
        let Some(core) = &self.core else { return false };
        core.with(|state| {
            let mut tasks = Vec::new();
            let accepted = self.forward(state, &mut tasks);
            state.forward(tasks);
            accepted
        })
    }
}

impl OnDone for Watch {
    fn note(&self, state: &mut State, task: u32, number: usize) -> bool {
        let before = self.ending.get();
        let ended = state.ending(task);
        self.note_end(state, &ended, number);
        self.ending.get() != before
    }

    /// The gather is done: its callbacks come behind whoever awaits it.
    fn act(&self, core: &Rc<Core>, _: &TaskHandle) {
        for callback in self.callbacks.take() {
            core.call_soon(callback, Location::caller());
        }
    }
}

impl Forward for Watch {
    fn forward(&self, state: &mut State, tasks: &mut Vec<u32>) -> bool {
        if self.ending.get().is_some() {
            return false;
        }
        let before = tasks.len();
        if let Some(watching) = &*self.watching.borrow() {
            tasks.extend(watching.living(state));
        }
        let accepted = tasks.len() > before;
        self.cancel_requested.set(self.cancel_requested.get() || accepted);
        accepted
    }

    fn describe(&self) -> String {
        format!("a gather of {} task(s), {} unfinished", self.tasks, self.unfinished.get())
    }
}
