//! `task_group`: children that do not outlive their parent's block (rule C12); asyncio's `TaskGroup`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use crate::cancelled::Cancelled;
use crate::cell::{AnyValue, Ending, ErrFails};
use crate::context::Core;
use crate::error::{BoxError, GroupClosed, GroupError, JoinError, TaskFailed, TaskId};
use crate::handle::{Task, TaskHandle, current_task};
use crate::observe::ExceptionContext;
use crate::observer::{Action, OnDone};
use crate::scoped::{Exit, InScope, OpenScope, ScopeRef};
use crate::spawn;
use crate::state::{Place, State};
use crate::target::What;
use crate::wait_once::{Signal, WaitOnce};

/// Runs `body` with a group to spawn children into, and waits for every child before it returns.
///
/// The first child that fails cancels the others and the body; then all errors come back together. A
/// cancel of the parent cancels the children, waits for them, and goes on outwards.
///
/// ```
/// use wheelhouse::{run, task_group};
///
/// let sum = run(task_group(async |group| {
///     let a = group.spawn(async { 1 }).unwrap();
///     let b = group.spawn(async { 2 }).unwrap();
///     a.await.unwrap() + b.await.unwrap()
/// }));
/// assert_eq!(sum.unwrap().unwrap(), 3);
/// ```
///
/// # Cancel safety
///
/// Cancel safe: a cancel waits for the children. Dropped by foreign code (the losing side of a `select!`),
/// the group aborts them instead, since nobody is left to wait (rule C14).
pub async fn task_group<B, F>(body: B) -> Result<F::Output, GroupError>
where
    B: FnOnce(TaskGroup) -> F,
    F: Future,
    F::Output: 'static,
{
    run_group(body, AnyValue::of).await
}

/// As [`task_group`], for a body whose `Err` is an error of the group: it cancels the children, and comes
/// back as the last of the group's errors.
///
/// # Cancel safety
///
/// As [`task_group`].
pub async fn try_task_group<B, F, T, E>(body: B) -> Result<T, GroupError>
where
    B: FnOnce(TaskGroup) -> F,
    F: Future<Output = Result<T, E>>,
    T: 'static,
    E: Into<BoxError> + 'static,
{
    run_group(body, ErrFails::of).await
}

/// asyncio's `__aenter__`, the block, and `__aexit__`. Body and children are waited for in one scope, so
/// that a child's failure can cancel either.
async fn run_group<B, F, T>(
    body: B,
    value_of: fn(F::Output) -> Result<T, BoxError>,
) -> Result<T, GroupError>
where
    B: FnOnce(TaskGroup) -> F,
    F: Future,
{
    let scope = OpenScope::new("task_group");
    let members = Members::new(&scope);
    let guard = Guard { members: &members };
    let exit = InScope::new(&scope, body(TaskGroup { members: Rc::clone(&members) })).await;
    members.exiting.set(true);
    let ended = match exit {
        Exit::Value(output) => value_of(output).map_err(Some),
        Exit::Cancelled => Err(None),
    };
    if ended.is_err() && !members.aborting.get() {
        members.abort();
    }
    let mut cancelled = matches!(ended, Err(None));
    while let Some(emptied) = members.wait_for_children() {
        let exit = InScope::new(&scope, emptied).await;
        // A cancel while the group is aborting changes nothing: it is counted, and swallowed.
        if matches!(exit, Exit::Cancelled) && !members.aborting.get() {
            cancelled = true;
            members.abort();
        }
    }
    members.finished.set(true);
    drop(guard);
    scope.close();
    let mut errors = members.errors.take();
    if cancelled && errors.is_empty() {
        Cancelled::raise().await;
    }
    match ended {
        Ok(value) if errors.is_empty() => return Ok(value),
        Err(Some(error)) => errors.push(error_of_body(error)),
        _ => {}
    }
    renew_request(members.scope.core());
    Err(GroupError { errors })
}

/// Errors win over a cancel from outside, but do not swallow it: the request is made anew and takes effect
/// at the next await.
fn renew_request(core: &Core) {
    core.with(|state| {
        let place = state.current;
        if place != Place::NOWHERE && state.requests_around(place) > 0 {
            state.uncancel(place.task);
            state.cancel(place.task, None);
        }
    });
}

fn error_of_body(error: BoxError) -> JoinError {
    let task = current_task().expect("a group's body runs in a task").name();
    JoinError::Failed(TaskFailed { task, error: error.into() })
}

/// A group that is dropped before it is done has nobody left to wait for its children: it aborts them.
struct Guard<'a> {
    members: &'a Members,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.members.finished.set(true);
        for child in self.members.snapshot() {
            child.abort();
        }
    }
}

/// A group, as its body and its children see it; clonable.
#[derive(Clone)]
pub struct TaskGroup {
    members: Rc<Members>,
}

impl TaskGroup {
    /// Starts a child; only a panic of it is a failure.
    ///
    /// # Errors
    ///
    /// [`GroupClosed`], if the group is aborting or has finished. The future is then dropped.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<Task<F::Output>, GroupClosed>
    where
        F: Future + 'static,
    {
        self.start(future, AnyValue, None)
    }

    /// Starts a child whose `Err` is a failure of the group.
    ///
    /// # Errors
    ///
    /// [`GroupClosed`], if the group is aborting or has finished. The future is then dropped.
    #[track_caller]
    pub fn try_spawn<F, T, E>(&self, future: F) -> Result<Task<T>, GroupClosed>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: Into<BoxError> + 'static,
    {
        self.start(future, ErrFails, None)
    }

    /// As [`spawn`](TaskGroup::spawn), with a name.
    ///
    /// # Errors
    ///
    /// [`GroupClosed`], if the group is aborting or has finished. The future is then dropped.
    #[track_caller]
    pub fn spawn_named<F>(
        &self,
        name: impl Into<Arc<str>>,
        future: F,
    ) -> Result<Task<F::Output>, GroupClosed>
    where
        F: Future + 'static,
    {
        self.start(future, AnyValue, Some(name.into()))
    }

    /// As [`try_spawn`](TaskGroup::try_spawn), with a name.
    ///
    /// # Errors
    ///
    /// [`GroupClosed`], if the group is aborting or has finished. The future is then dropped.
    #[track_caller]
    pub fn try_spawn_named<F, T, E>(
        &self,
        name: impl Into<Arc<str>>,
        future: F,
    ) -> Result<Task<T>, GroupClosed>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: Into<BoxError> + 'static,
    {
        self.start(future, ErrFails, Some(name.into()))
    }

    /// The children that have not ended, in order of creation.
    #[must_use = "this only looks"]
    pub fn children(&self) -> Vec<TaskHandle> {
        self.members.children.borrow().values().cloned().collect()
    }

    #[track_caller]
    fn start<F, E>(
        &self,
        future: F,
        ending: E,
        name: Option<Arc<str>>,
    ) -> Result<Task<E::Value>, GroupClosed>
    where
        F: Future + 'static,
        E: Ending<F::Output> + 'static,
    {
        let members = &self.members;
        members.admits()?;
        let task = spawn::start(members.scope.core(), future, ending, name, Location::caller());
        members.children.borrow_mut().insert(task.id(), task.handle().clone());
        task.observe(Action::Tell(Rc::clone(members) as Rc<dyn OnDone>, 0));
        Ok(task)
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("children", &self.members.children.borrow().len())
            .field("aborting", &self.members.aborting.get())
            .finish_non_exhaustive()
    }
}

/// What the group's handles, its future and its children's done callbacks share.
struct Members {
    scope: ScopeRef,
    children: RefCell<BTreeMap<TaskId, TaskHandle>>,
    errors: RefCell<Vec<JoinError>>,
    /// The body has ended; the group waits for its children.
    exiting: Cell<bool>,
    aborting: Cell<bool>,
    finished: Cell<bool>,
    /// Completed when the last child is gone, while the group waits for that.
    emptied: RefCell<Option<Rc<Signal>>>,
}

impl Members {
    fn new(scope: &OpenScope) -> Rc<Members> {
        Rc::new(Members {
            scope: scope.refer(),
            children: RefCell::default(),
            errors: RefCell::default(),
            exiting: Cell::new(false),
            aborting: Cell::new(false),
            finished: Cell::new(false),
            emptied: RefCell::new(None),
        })
    }

    /// A wait for the last child's end; `None` if no child is left.
    fn wait_for_children(&self) -> Option<WaitOnce> {
        if self.children.borrow().is_empty() {
            return None;
        }
        let wait = WaitOnce::new(self.scope.core(), What::Children);
        self.emptied.replace(Some(wait.signal()));
        Some(wait)
    }

    fn admits(&self) -> Result<(), GroupClosed> {
        if self.finished.get() || (self.exiting.get() && self.children.borrow().is_empty()) {
            return Err(GroupClosed::Finished);
        }
        if self.aborting.get() { Err(GroupClosed::Aborting) } else { Ok(()) }
    }

    /// asyncio's `_abort`: cancels every child that has not ended.
    fn abort(&self) {
        self.aborting.set(true);
        for child in self.snapshot() {
            child.cancel();
        }
    }

    fn snapshot(&self) -> Vec<TaskHandle> {
        self.children.borrow().values().cloned().collect()
    }
}

impl OnDone for Members {
    fn note(&self, _: &mut State, _: u32, _: usize) -> bool {
        true
    }

    /// asyncio's `_on_task_done`.
    fn act(&self, core: &Rc<Core>, task: &TaskHandle) {
        let removed = self.children.borrow_mut().remove(&task.id());
        drop(removed);
        if self.children.borrow().is_empty() {
            if let Some(emptied) = &*self.emptied.borrow() {
                core.with(|state| emptied.set(state));
            }
        }
        let Some(Err(error)) = task.ending() else { return };
        if !error.is_failure() {
            return;
        }
        if self.finished.get() {
            let message = "a child failed after its task group was gone";
            core.report(&ExceptionContext::task_failed(message, &error));
            return;
        }
        self.errors.borrow_mut().push(error);
        if !self.aborting.get() && !self.scope.is_called() {
            self.abort();
            core.with(|state| state.call_scope(self.scope.key()));
        }
    }
}
