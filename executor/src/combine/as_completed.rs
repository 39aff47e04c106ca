//! `as_completed`: one after the other, in the order in which they end; asyncio's
//! `_AsCompletedIterator`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Joinable;
use crate::callback::CallHandle;
use crate::context::Core;
use crate::error::Elapsed;
use crate::handle::TaskHandle;
use crate::observer::{OnDone, Watching};
use crate::state::State;
use crate::target::{Target, What};
use crate::wait::OpenWait;
use crate::waits::WaitKey;

/// Gives `tasks` back one by one as they end. They are watched from this call on, and never cancelled. A task
/// of another loop than the first is not waited for: it comes at once, and an await of it is refused.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse::{as_completed, run, sleep, spawn};
///
/// let order = run(async {
///     let nap = |ms| spawn(async move { sleep(Duration::from_millis(ms)).await; ms });
///     let mut naps = as_completed([nap(4), nap(1)]);
///     let mut order = Vec::new();
///     while let Some(task) = naps.next().await {
///         order.push(task.unwrap().await.unwrap());
///     }
///     order
/// });
/// assert_eq!(order.unwrap(), [1, 4]);
/// ```
pub fn as_completed<I>(tasks: I) -> AsCompleted<I::Item>
where
    I: IntoIterator,
    I::Item: Joinable,
{
    let tasks: Vec<Option<I::Item>> = tasks.into_iter().map(Some).collect();
    let feed = Feed::new(tasks.len());
    let mut watched = None;
    for (number, task) in tasks.iter().flatten().map(Joinable::task).enumerate() {
        let core = task.core();
        let watched = watched.get_or_insert_with(|| Watching::new(core, tasks.len()));
        if !watched.watch(task, &feed, number) {
            feed.skip(number);
        }
    }
    AsCompleted { left: tasks.len(), tasks, feed, watched, wait: None }
}

/// Tasks in the order in which they end: see [`as_completed`].
#[must_use = "this gives nothing until `next` is awaited"]
pub struct AsCompleted<K> {
    tasks: Vec<Option<K>>,
    feed: Rc<Feed>,
    /// `None` if there are no tasks.
    watched: Option<Watching>,
    left: usize,
    wait: Option<OpenWait>,
}

impl<K: Joinable> AsCompleted<K> {
    /// Ends the series after `limit` from now: for each task that has not ended by then, `next` gives an
    /// [`Elapsed`].
    pub fn timeout(self, limit: Duration) -> AsCompleted<K> {
        let Some(core) = self.watched.as_ref().map(Watching::core) else { return self };
        let when = core.time_after(limit);
        let (feed, weak) = (Rc::clone(&self.feed), Rc::downgrade(core));
        let expire = move || {
            if let Some(core) = weak.upgrade() {
                core.with(|state| feed.expire(state, when));
            }
        };
        let timer = core.call_at(when, Box::new(expire), Location::caller());
        self.feed.timer.replace(Some(timer));
        self
    }

    /// The next task that has ended, or [`Elapsed`] for one that did not in time; `None` after the last.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a task that was not returned comes again.
    pub async fn next(&mut self) -> Option<Result<K, Elapsed>> {
        poll_fn(|cx| self.poll_next_task(cx)).await
    }

    /// The polling form of [`next`](AsCompleted::next).
    pub fn poll_next_task(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<K, Elapsed>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let next = self.feed.ended.borrow_mut().pop_front();
        let Some(next) = next else {
            self.suspend(cx);
            return Poll::Pending;
        };
        self.wait = None;
        self.left -= 1;
        Poll::Ready(Some(next.map(|number| self.tasks[number].take().expect("a task ends once"))))
    }

    fn suspend(&mut self, cx: &Context<'_>) {
        let woken =
            self.wait.as_ref().is_some_and(|wait| Some(wait.key()) != self.feed.waiter.get());
        match &self.wait {
            Some(wait) if !woken => drop(wait.touch(cx)),
            _ => {
                let watched = self.watched.as_ref().expect("a task is left");
                let wait = OpenWait::new(watched.core(), &Target::Plain(What::NextTask), cx);
                self.feed.waiter.set(Some(wait.key()));
                self.wait = Some(wait);
            }
        }
    }
}

#[cfg(feature = "stream")]
impl<K: Joinable + Unpin> futures_core::Stream for AsCompleted<K> {
    type Item = Result<K, Elapsed>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Self::Item>> {
        self.poll_next_task(cx)
    }
}

impl<K> Drop for AsCompleted<K> {
    fn drop(&mut self) {
        if let Some(timer) = self.feed.timer.take() {
            timer.cancel();
        }
    }
}

impl<K> fmt::Debug for AsCompleted<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.left).finish_non_exhaustive()
    }
}

/// What the done callbacks fill and `next` empties.
struct Feed {
    ended: RefCell<VecDeque<Result<usize, Elapsed>>>,
    unfinished: Cell<usize>,
    waiter: Cell<Option<WaitKey>>,
    timer: RefCell<Option<CallHandle>>,
}

impl Feed {
    fn new(unfinished: usize) -> Rc<Feed> {
        Rc::new(Feed {
            ended: RefCell::new(VecDeque::with_capacity(unfinished)),
            unfinished: Cell::new(unfinished),
            waiter: Cell::new(None),
            timer: RefCell::new(None),
        })
    }

    /// A task of another loop is not waited for.
    fn skip(&self, number: usize) {
        self.unfinished.set(self.unfinished.get() - 1);
        self.ended.borrow_mut().push_back(Ok(number));
    }

    fn put(&self, state: &mut State, item: Result<usize, Elapsed>) {
        self.ended.borrow_mut().push_back(item);
        if let Some(waiter) = self.waiter.take() {
            state.set_wait(waiter);
        }
    }

    fn expire(&self, state: &mut State, when: u64) {
        for _ in 0..self.unfinished.take() {
            self.put(state, Err(Elapsed { deadline: Some(Duration::from_nanos(when)) }));
        }
    }
}

impl OnDone for Feed {
    fn note(&self, state: &mut State, _: u32, number: usize) -> bool {
        if self.unfinished.get() == 0 {
            return false;
        }
        self.unfinished.set(self.unfinished.get() - 1);
        self.put(state, Ok(number));
        self.unfinished.get() == 0
    }

    /// After the last task nothing is left to expire.
    fn act(&self, _: &Rc<Core>, _: &TaskHandle) {
        if let Some(timer) = self.timer.take() {
            timer.cancel();
        }
    }
}
