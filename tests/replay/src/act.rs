//! Statements that never suspend: all that callbacks may do, and some that tasks do, too.

use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use wheelhouse::{CallHandle, call_later, call_soon, current_task, time};

use crate::error::Error;
use crate::program::{Block, Name, Stmt};
use crate::world::{World, text};

/// What a statement raised.
#[derive(Debug)]
pub(crate) enum Raised {
    Error(Error),
    Cancelled,
}

impl From<Error> for Raised {
    fn from(error: Error) -> Self {
        Raised::Error(error)
    }
}

impl Raised {
    pub(crate) fn name(&self) -> String {
        match self {
            Raised::Error(error) => error.to_string(),
            Raised::Cancelled => "Cancelled".to_owned(),
        }
    }
}

/// Does a statement that does not suspend.
pub(crate) fn act(world: &Rc<World>, stmt: &Stmt) -> Result<(), Raised> {
    let objects = &world.objects;
    match stmt {
        Stmt::Log { label } => world.emit(format!("log:{label}")),
        Stmt::Raise { error } if **error == *"Cancelled" => return Err(Raised::Cancelled),
        Stmt::Raise { error } => return Err(Error::User(Arc::clone(error)).into()),
        Stmt::Spawn(new) => drop(world.spawn(new)),
        Stmt::TgSpawn { group, name, body } => {
            let group = world.groups.borrow()[group].clone();
            world.spawn_into(&group, name, body)?;
        }
        Stmt::Cancel { task } => match world.task(task) {
            Some(spawned) => world.emit(format!("cancel:{task}={}", spawned.task.cancel())),
            None => world.emit(format!("cancel:{task}=notask")),
        },
        Stmt::Uncancel => {
            let left = current_task().expect("only tasks uncancel").uncancel();
            world.emit(format!("uncancel={left}"));
        }
        Stmt::Cancelling => {
            let count = current_task().expect("only tasks ask").cancelling();
            world.emit(format!("cancelling={count}"));
        }
        Stmt::Reschedule { timeout, ms } => {
            let handle = world.timeouts.borrow()[timeout].clone();
            let when = ms.map(|ms| time() + Duration::from_millis(ms));
            handle.reschedule(when).map_err(|_| Error::RUNTIME)?;
        }
        Stmt::AddDoneCallback { task, label, body } => add_done_callback(world, task, label, body),
        Stmt::CallSoon { name, body } => {
            let handle = call_soon(callback(world, name, body));
            world.calls.borrow_mut().insert(Arc::clone(name), handle);
        }
        Stmt::CallLater { name, ms, body } => {
            let handle = call_later(Duration::from_millis(*ms), callback(world, name, body));
            world.calls.borrow_mut().insert(Arc::clone(name), handle);
        }
        Stmt::CancelHandle { name } => {
            let handle = world.calls.borrow().get(name).cloned();
            handle.as_ref().map(CallHandle::cancel);
            let found = if handle.is_some() { "ok" } else { "none" };
            world.emit(format!("cancel_handle:{name}={found}"));
        }
        Stmt::FutSet { fut, value } => {
            world.objects.fut(fut).set(*value).map_err(|_| Error::INVALID_STATE)?;
        }
        Stmt::FutErr { fut, error } => {
            let error = Error::User(Arc::clone(error));
            world.objects.fut(fut).set_err(error).map_err(|_| Error::INVALID_STATE)?;
        }
        Stmt::FutCancel { fut } => {
            world.emit(format!("fut_cancel:{fut}={}", world.objects.fut(fut).cancel()));
        }
        Stmt::EventSet { event } => objects.events[event].set(),
        Stmt::EventClear { event } => objects.events[event].clear(),
        Stmt::Release { lock } => objects.locks[lock].release().map_err(|_| Error::RUNTIME)?,
        Stmt::SemRelease { sem } => objects.sems[sem].release().map_err(|_| Error::VALUE)?,
        Stmt::PutNowait { queue, value } => {
            objects.queues[queue].put_nowait(*value)?;
            world.emit(format!("put:{queue}={}", text(*value)));
        }
        Stmt::GetNowait { queue } => {
            let value = objects.queues[queue].get_nowait()?;
            world.emit(format!("get:{queue}={}", text(value)));
        }
        Stmt::TaskDone { queue } => objects.queues[queue].task_done()?,
        Stmt::Shutdown { queue, immediate } => objects.queues[queue].shutdown(*immediate),
        Stmt::CondNotify { cond, n } => {
            let cond = &objects.conds[cond];
            let notified = n.map_or_else(|| cond.notify_all(), |n| cond.notify(n));
            notified.map_err(|_| Error::RUNTIME)?;
        }
        other => panic!("this statement may suspend: {other:?}"),
    }
    Ok(())
}

fn callback(world: &Rc<World>, name: &Name, body: &Block) -> impl FnOnce() + 'static {
    let (world, name, body) = (Rc::clone(world), Arc::clone(name), Rc::clone(body));
    move || {
        world.emit(format!("callback:{name}"));
        act_all(&world, &body);
    }
}

fn add_done_callback(world: &Rc<World>, task: &Name, label: &Name, body: &Block) {
    let Some(spawned) = world.task(task) else {
        return world.emit(format!("add_done_callback:{task}=notask"));
    };
    let (world, label, body) = (Rc::clone(world), Arc::clone(label), Rc::clone(body));
    let ended = Rc::clone(&spawned);
    spawned.task.add_done_callback(move |_| {
        world.emit(format!("done_cb:{label}:{}={}", ended.name, ended.outcome()));
        act_all(&world, &body);
    });
}

/// The body of a callback. What it raises goes to the loop, the way a callback's panic does.
fn act_all(world: &Rc<World>, body: &[Stmt]) {
    if let Err(raised) = body.iter().try_for_each(|stmt| act(world, stmt)) {
        resume_unwind(Box::new(raised));
    }
}
