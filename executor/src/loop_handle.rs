//! A loop as other threads see it: asyncio's `call_soon_threadsafe` and `run_coroutine_threadsafe`.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::cell::AnyValue;
use crate::context;
use crate::error::{JoinError, LoopClosed};
use crate::handle::Task;
use crate::remote::{Message, Remote};
use crate::spawn;

/// A weak, clonable handle for other threads. After the loop is gone, each call is an error that says so.
///
/// While one exists, a virtual clock does not jump on its own: somebody may still wake the loop.
pub struct LoopHandle {
    remote: Arc<Remote>,
}

impl LoopHandle {
    /// That of the loop that runs on this thread, as asyncio's `get_running_loop`.
    ///
    /// # Panics
    ///
    /// Outside a running loop.
    #[track_caller]
    pub fn current() -> LoopHandle {
        context::current("LoopHandle::current", |core| LoopHandle::new(&core.remote))
    }

    pub(crate) fn new(remote: &Arc<Remote>) -> LoopHandle {
        remote.handle_made();
        LoopHandle { remote: Arc::clone(remote) }
    }

    /// Runs `callback` on the loop's thread, in the order in which callbacks were sent.
    ///
    /// # Errors
    ///
    /// If the loop has been dropped.
    #[track_caller]
    pub fn call_soon_threadsafe(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<(), LoopClosed> {
        self.send("call_soon_threadsafe", Message::Call(Box::new(callback), Location::caller()))
    }

    /// Starts a task on the loop's thread: `make` travels there and builds the future, which need not be
    /// `Send`. Its result can be awaited from any executor, or blocked on.
    ///
    /// # Errors
    ///
    /// If the loop has been dropped.
    #[track_caller]
    pub fn spawn_threadsafe<M, F>(&self, make: M) -> Result<RemoteTask<F::Output>, LoopClosed>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send,
    {
        let shared = Arc::new(Shared::new());
        let completer = Completer { shared: Arc::clone(&shared) };
        let at = Location::caller();
        let start = move || start(make, completer, at);
        self.send("spawn_threadsafe", Message::Call(Box::new(start), at))?;
        Ok(RemoteTask { shared, remote: Arc::clone(&self.remote) })
    }

    /// Stops the loop after the turn that runs.
    ///
    /// # Errors
    ///
    /// If the loop has been dropped.
    pub fn stop(&self) -> Result<(), LoopClosed> {
        self.send("stop", Message::Stop)
    }

    /// Has the loop been dropped?
    #[must_use = "this only looks"]
    pub fn is_closed(&self) -> bool {
        self.remote.is_closed()
    }

    fn send(&self, call: &'static str, message: Message) -> Result<(), LoopClosed> {
        self.remote.send(message).map_err(|_| LoopClosed { call })
    }
}

impl Clone for LoopHandle {
    fn clone(&self) -> Self {
        LoopHandle::new(&self.remote)
    }
}

impl Drop for LoopHandle {
    fn drop(&mut self) {
        self.remote.handle_dropped();
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle").field("closed", &self.is_closed()).finish()
    }
}

/// On the loop's thread: the task itself, and who to tell of its end. The future is made inside the task, so
/// a panic of its maker is the task's, too.
fn start<M, F>(make: M, completer: Completer<F::Output>, at: &'static Location<'static>)
where
    M: FnOnce() -> F + 'static,
    F: Future + 'static,
    F::Output: Send,
{
    let future = async move { make().await };
    let task: Task<F::Output> =
        context::current("spawn_threadsafe", |core| spawn::start(core, future, AnyValue, None, at));
    let handle = task.handle().clone();
    let mut state = completer.shared.lock();
    state.task = Some((handle.index(), handle.id().0));
    if state.cancel_asked {
        handle.cancel();
    }
    drop(state);
    handle.add_done_callback(move |_| completer.complete(task.take().map_err(RemoteError::Task)));
}

/// Why a [`RemoteTask`] has no value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RemoteError {
    /// How the task ended.
    Task(JoinError),
    /// The loop was dropped before the task was done.
    LoopClosed,
    /// It was blocked on from the loop's own thread, which would wait for itself.
    OnLoopThread,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemoteError::Task(error) => error.fmt(f),
            RemoteError::LoopClosed => f.write_str("the loop was dropped before the task was done"),
            RemoteError::OnLoopThread => f.write_str(
                "`RemoteTask::block` on the loop's own thread would wait for itself: await it",
            ),
        }
    }
}

impl Error for RemoteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RemoteError::Task(error) => Some(error),
            _ => None,
        }
    }
}

/// A task of a loop on another thread: see [`LoopHandle::spawn_threadsafe`]. Dropping it detaches.
///
/// # Cancel safety
///
/// Cancel safe with `&mut`: the result stays until it is received.
#[must_use = "dropping it detaches the task; await it, or block on it"]
pub struct RemoteTask<T> {
    shared: Arc<Shared<T>>,
    remote: Arc<Remote>,
}

impl<T> RemoteTask<T> {
    /// Requests that the task be cancelled. Without effect on one that has ended.
    pub fn cancel(&self) {
        let mut state = self.shared.lock();
        state.cancel_asked = true;
        if let Some((index, id)) = state.task {
            drop(state);
            let cancel = move || cancel_by_id(index, id);
            // A loop that is gone has ended the task already.
            let _ = self.remote.send(Message::Call(Box::new(cancel), Location::caller()));
        }
    }

    /// Has the task ended?
    #[must_use = "this only looks"]
    pub fn is_done(&self) -> bool {
        self.shared.lock().completed
    }

    /// Blocks this thread until the task has ended.
    ///
    /// # Errors
    ///
    /// How the task ended if not with a value; [`RemoteError::OnLoopThread`], at once, on the loop's own
    /// thread while it runs.
    pub fn block(self) -> Result<T, RemoteError> {
        if self.on_loop_thread() {
            return Err(RemoteError::OnLoopThread);
        }
        let state = self.shared.ended.wait_while(self.shared.lock(), RemoteState::is_unended);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.result.take().expect("it was waited for")
    }

    /// As [`block`](RemoteTask::block), for at most `limit`. If the task has not ended by then it runs on,
    /// and this gives itself back: to be waited for again, or cancelled.
    ///
    /// # Errors
    ///
    /// Itself, if the time ran out.
    pub fn block_timeout(self, limit: Duration) -> Result<Result<T, RemoteError>, Self> {
        if self.on_loop_thread() {
            return Ok(Err(RemoteError::OnLoopThread));
        }
        let state = self.shared.lock();
        let waited = self.shared.ended.wait_timeout_while(state, limit, RemoteState::is_unended);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let result = state.result.take();
        drop(state);
        result.ok_or(self)
    }

    fn on_loop_thread(&self) -> bool {
        context::is_at_home(&self.remote)
    }
}

impl<T> Future for RemoteTask<T> {
    type Output = Result<T, RemoteError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.shared.lock();
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> fmt::Debug for RemoteTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteTask").field("done", &self.is_done()).finish()
    }
}

fn cancel_by_id(index: u32, id: u64) {
    context::current("RemoteTask::cancel", |core| {
        core.with(|state| {
            if state.tasks[index].id == id {
                state.cancel(index, None);
            }
        });
    });
}

struct Shared<T> {
    state: Mutex<RemoteState<T>>,
    ended: Condvar,
}

struct RemoteState<T> {
    result: Option<Result<T, RemoteError>>,
    waker: Option<Waker>,
    /// Where the task lives, and its id.
    task: Option<(u32, u64)>,
    cancel_asked: bool,
    /// The result has come, even if it has been received since.
    completed: bool,
}

impl<T> RemoteState<T> {
    fn is_unended(&mut self) -> bool {
        self.result.is_none()
    }
}

impl<T> Shared<T> {
    fn new() -> Shared<T> {
        let state = RemoteState {
            result: None,
            waker: None,
            task: None,
            cancel_asked: false,
            completed: false,
        };
        Shared { state: Mutex::new(state), ended: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, RemoteState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Completes the result, once; dropped without that, the loop is gone.
struct Completer<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Completer<T> {
    fn complete(&self, result: Result<T, RemoteError>) {
        let mut state = self.shared.lock();
        if std::mem::replace(&mut state.completed, true) {
            return;
        }
        state.result = Some(result);
        let waker = state.waker.take();
        drop(state);
        self.shared.ended.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Completer<T> {
    fn drop(&mut self) {
        self.complete(Err(RemoteError::LoopClosed));
    }
}
