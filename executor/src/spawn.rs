//! Starting tasks: asyncio's `create_task`.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use crate::cell::{self, AnyValue, Ending, ErrFails};
use crate::context::{self, Core};
use crate::error::BoxError;
use crate::event_loop::EventLoop;
use crate::handle::{Task, TaskHandle};
use crate::task::CellBox;

/// Starts a task; its first step runs in the next turn (rule T3). Any `'static` future will do, `Send` or
/// not, and whatever it returns is its value.
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + 'static,
{
    let at = Location::caller();
    context::current("spawn", |core| start(core, future, AnyValue, None, at))
}

/// Starts a task whose `Err` is a failure (rule C17): it trips `FIRST_EXCEPTION`, task groups and
/// `try_gather`, and is reported if nobody ever looks.
///
/// ```
/// use wheelhouse::{JoinError, run, try_spawn};
///
/// run(async {
///     let task = try_spawn(async { "twelve".parse::<u32>() });
///     let Err(JoinError::Failed(failed)) = task.await else { panic!() };
///     assert_eq!(failed.error().to_string(), "invalid digit found in string");
/// })
/// .unwrap();
/// ```
///
/// # Panics
///
/// Outside a running loop.
#[track_caller]
pub fn try_spawn<F, T, E>(future: F) -> Task<T>
where
    F: Future<Output = Result<T, E>> + 'static,
    T: 'static,
    E: Into<BoxError> + 'static,
{
    let at = Location::caller();
    context::current("try_spawn", |core| start(core, future, ErrFails, None, at))
}

/// Starts a task with a name: see [`Task::builder`].
#[derive(Clone, Default)]
#[must_use = "a builder starts nothing until `spawn` or `try_spawn`"]
pub struct Builder {
    name: Option<Arc<str>>,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder::default()
    }

    /// What messages, reports and traces call the task.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Builder {
        self.name = Some(name.into());
        self
    }

    /// As [`spawn`].
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
    {
        let at = Location::caller();
        context::current("spawn", |core| start(core, future, AnyValue, self.name, at))
    }

    /// As [`try_spawn`].
    #[track_caller]
    pub fn try_spawn<F, T, E>(self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: Into<BoxError> + 'static,
    {
        let at = Location::caller();
        context::current("try_spawn", |core| start(core, future, ErrFails, self.name, at))
    }

    /// As [`EventLoop::spawn`]: into a loop that need not run yet.
    #[track_caller]
    pub fn spawn_on<F>(self, event_loop: &EventLoop, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
    {
        start(event_loop.core(), future, AnyValue, self.name, Location::caller())
    }

    /// As [`spawn_on`](Builder::spawn_on), for a task whose `Err` is a failure.
    #[track_caller]
    pub fn try_spawn_on<F, T, E>(self, event_loop: &EventLoop, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: Into<BoxError> + 'static,
    {
        start(event_loop.core(), future, ErrFails, self.name, Location::caller())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("task::Builder").field("name", &self.name).finish()
    }
}

/// Puts a future into the loop, running or not.
///
/// # Panics
///
/// While the loop is being dropped.
pub(crate) fn start<F, E>(
    core: &Rc<Core>,
    future: F,
    ending: E,
    name: Option<Arc<str>>,
    spawned_at: &'static Location<'static>,
) -> Task<E::Value>
where
    F: Future + 'static,
    E: Ending<F::Output> + 'static,
{
    Task::new(start_cell(core, cell::new(future, ending, spawned_at), name))
}

/// As [`start`], for a future whose type no longer matters.
#[inline]
pub(crate) fn start_cell(core: &Rc<Core>, cell: CellBox, name: Option<Arc<str>>) -> TaskHandle {
    TaskHandle::adopt(core, take_in(core, cell, name))
}

fn take_in(core: &Core, cell: CellBox, name: Option<Arc<str>>) -> u32 {
    assert!(!core.remote.is_closed(), "`spawn` was called while the loop is being dropped");
    #[cfg(feature = "tracing")]
    let cell = {
        let id = core.peek(|state| state.tasks.spawned() + 1);
        crate::guests::tracing::in_span(cell, id, name.as_deref())
    };
    let task = core.with(|state| state.add_task(cell));
    if let Some(name) = name {
        core.with(|state| state.name_task(task, name));
    }
    task
}
