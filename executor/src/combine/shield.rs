//! `shield`: wait for a task without forwarding a cancel to it (rule C10); asyncio's `shield`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Joinable;
use crate::error::JoinError;
use crate::target::What;
use crate::wait_once::TaskEnd;

/// Waits for a task like an await of it, but a cancel of the waiter does not reach the task: the waiter is
/// cancelled at once and the task runs on.
///
/// # Cancel safety
///
/// Cancel safe with a `&mut task`. A task handed over by value is detached when the wait is dropped, and
/// its value lost.
pub fn shield<K: Joinable>(task: K) -> Shield<K> {
    Shield { task: Some(task), ended: None }
}

/// The future of [`shield`].
#[must_use = "a shield does nothing until it is awaited"]
pub struct Shield<K> {
    task: Option<K>,
    ended: Option<TaskEnd>,
}

impl<K: Joinable + Unpin> Future for Shield<K> {
    type Output = Result<K::Value, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let task = this.task.as_ref().expect("`shield` was polled after it ended").task();
        if this.ended.is_some() || !task.is_done() {
            let ended = this.ended.get_or_insert_with(|| TaskEnd::new(task, What::ShieldedTask));
            ready!(Pin::new(ended).poll(cx));
            this.ended = None;
        }
        Poll::Ready(this.task.take().expect("it was just there").into_result())
    }
}

impl<K: Joinable> fmt::Debug for Shield<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").field("task", &self.task.as_ref().map(Joinable::task)).finish()
    }
}
