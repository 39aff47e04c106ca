//! What the tasks and callbacks of one running program share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use wheelhouse::{
    AsCompleted, CallHandle, EventLoop, JoinError, Task, TaskGroup, TaskHandle, TimeoutHandle,
};

use crate::block;
use crate::error::Error;
use crate::objects::Objects;
use crate::program::{Block, Child, Name, NewTask, Objects as Declared, Value};
use crate::trace::Trace;

/// Everything that a program can name. Names are unique, so nothing needs a scope.
pub(crate) struct World {
    trace: Rc<Trace>,
    tasks: RefCell<Vec<Rc<Spawned>>>,
    pub(crate) calls: RefCell<HashMap<Name, CallHandle>>,
    pub(crate) groups: RefCell<HashMap<Name, TaskGroup>>,
    pub(crate) timeouts: RefCell<HashMap<Name, TimeoutHandle>>,
    pub(crate) objects: Objects,
    series: RefCell<Vec<Series>>,
}

/// A series of `as_completed`.
type Series = Rc<RefCell<AsCompleted<TaskHandle>>>;

/// A task of the program.
pub(crate) struct Spawned {
    pub(crate) name: Name,
    pub(crate) task: Task<Value>,
}

impl World {
    pub(crate) fn new(trace: &Rc<Trace>, declared: &Declared) -> Rc<World> {
        Rc::new(World {
            trace: Rc::clone(trace),
            tasks: RefCell::default(),
            calls: RefCell::default(),
            groups: RefCell::default(),
            timeouts: RefCell::default(),
            objects: Objects::new(declared),
            series: RefCell::default(),
        })
    }

    /// Keeps a series until the end of the program.
    pub(crate) fn keep(&self, series: AsCompleted<TaskHandle>) -> Series {
        let series = Rc::new(RefCell::new(series));
        self.series.borrow_mut().push(Rc::clone(&series));
        series
    }

    pub(crate) fn emit(&self, what: impl Into<String>) {
        self.trace.emit(what);
    }

    /// The tasks, in order of creation.
    pub(crate) fn tasks(&self) -> Vec<Rc<Spawned>> {
        self.tasks.borrow().clone()
    }

    pub(crate) fn task(&self, name: &Name) -> Option<Rc<Spawned>> {
        self.tasks.borrow().iter().find(|spawned| spawned.name == *name).cloned()
    }

    fn register(&self, name: &Name, task: Task<Value>) -> Rc<Spawned> {
        let spawned = Rc::new(Spawned { name: Arc::clone(name), task });
        self.tasks.borrow_mut().push(Rc::clone(&spawned));
        spawned
    }

    pub(crate) fn spawn(self: &Rc<Self>, new: &NewTask) -> Rc<Spawned> {
        let future = block::task(Rc::clone(self), Rc::clone(&new.body));
        self.register(&new.name, Task::builder().name(Arc::clone(&new.name)).try_spawn(future))
    }

    pub(crate) fn spawn_main(
        self: &Rc<Self>,
        event_loop: &EventLoop,
        declared: Declared,
        body: &Block,
    ) -> Rc<Spawned> {
        let (world, body) = (Rc::clone(self), Rc::clone(body));
        let future = async move {
            world.objects.promise_all(&declared);
            block::task(world, body).await
        };
        let name: Name = "main".into();
        let main = Task::builder().name(Arc::clone(&name)).try_spawn_on(event_loop, future);
        self.register(&name, main)
    }

    /// Starts a task in a group, which may refuse it.
    pub(crate) fn spawn_into(
        self: &Rc<Self>,
        group: &TaskGroup,
        name: &Name,
        body: &Block,
    ) -> Result<Rc<Spawned>, Error> {
        let future = block::task(Rc::clone(self), Rc::clone(body));
        let task = group.try_spawn_named(Arc::clone(name), future).map_err(|_| Error::RUNTIME)?;
        Ok(self.register(name, task))
    }

    /// The task a statement waits for: an existing one, if it exists, or a new one.
    pub(crate) fn child(self: &Rc<Self>, child: &Child) -> Option<Rc<Spawned>> {
        match child {
            Child::Existing { task } => self.task(task),
            Child::New(new) => Some(self.spawn(new)),
        }
    }

    pub(crate) fn children(self: &Rc<Self>, children: &[Child]) -> Vec<Rc<Spawned>> {
        children.iter().filter_map(|child| self.child(child)).collect()
    }
}

impl Spawned {
    /// Waits for the task as an await of it does: a cancel is forwarded.
    pub(crate) async fn join(&self) -> Result<Value, JoinError> {
        self.task.handle().join().await?;
        self.task.outcome().expect("it ended")
    }

    /// How the task ended, as traces write it.
    pub(crate) fn outcome(&self) -> String {
        self.task.outcome().map_or_else(|| "pending".to_owned(), |result| outcome(&result))
    }
}

/// How a task ended, as traces write it.
pub(crate) fn outcome(result: &Result<Value, JoinError>) -> String {
    match result {
        Ok(value) => format!("ok:{}", text(*value)),
        Err(JoinError::Cancelled(_)) => "cancelled".to_owned(),
        Err(error) => format!("err:{}", Error::of_task(error)),
    }
}

pub(crate) fn text(value: Value) -> String {
    value.map_or_else(|| "null".to_owned(), |number| number.to_string())
}
