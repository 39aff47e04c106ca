//! Waiting for several tasks at once, a file each. All of them watch tasks through done callbacks, so
//! their waiter resumes a turn later than a direct await would (rule T5).

pub(crate) mod as_completed;
pub(crate) mod gather;
pub(crate) mod gather_tuple;
pub(crate) mod shield;
pub(crate) mod task_group;
pub(crate) mod wait;
pub(crate) mod wait_for;

use crate::error::JoinError;
use crate::handle::{Task, TaskHandle};

/// What combinators take: a task by value, a reference to one whose value can be cloned, or an untyped
/// handle.
pub trait Joinable {
    /// What its value is here.
    type Value;
    /// The task.
    fn task(&self) -> &TaskHandle;
    /// How the task ended. Called once it has, or for a task of another loop, which is not waited for.
    fn into_result(self) -> Result<Self::Value, JoinError>;
}

impl<T: 'static> Joinable for Task<T> {
    type Value = T;

    fn task(&self) -> &TaskHandle {
        self.handle()
    }

    fn into_result(self) -> Result<T, JoinError> {
        self.take()
    }
}

impl<T: Clone + 'static> Joinable for &Task<T> {
    type Value = T;

    fn task(&self) -> &TaskHandle {
        self.handle()
    }

    fn into_result(self) -> Result<T, JoinError> {
        self.outcome().unwrap_or_else(|| Err(JoinError::OtherLoop(self.name())))
    }
}

impl<T: 'static> Joinable for &mut Task<T> {
    type Value = T;

    fn task(&self) -> &TaskHandle {
        self.handle()
    }

    fn into_result(self) -> Result<T, JoinError> {
        self.take()
    }
}

impl Joinable for TaskHandle {
    type Value = ();

    fn task(&self) -> &TaskHandle {
        self
    }

    fn into_result(self) -> Result<(), JoinError> {
        self.ended()
    }
}
