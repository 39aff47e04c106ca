//! Statements that wait for tasks.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use wheelhouse::{
    ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, JoinError, Task, as_completed, gather, shield,
    timeout_with, try_gather, try_task_group, wait, wait_for, wait_for_task,
};

use crate::block::{Ended, Flow, Frame, block, value_of};
use crate::error::Error;
use crate::program::{Block, Child, Name, NewTask, Stmt, Value, WaitMode};
use crate::world::{Spawned, World, outcome, text};

/// Runs a statement of this module; `None` if it is another's.
pub(crate) async fn statement(frame: &mut Frame<'_>, stmt: &Stmt) -> Option<Ended> {
    let world = frame.world;
    let done = match stmt {
        Stmt::Timeout { name, ms, body } => {
            return Some(timeout_block(frame, name, *ms, body).await);
        }
        Stmt::TaskGroup { name, children, body } => {
            return Some(group_block(frame, name, children, body).await);
        }
        Stmt::Gather { children, return_exceptions } => {
            gather_all(world, children, *return_exceptions).await
        }
        Stmt::Wait { children, mode, timeout } => {
            wait_some(world, children, *mode, *timeout).await;
            Ok(())
        }
        Stmt::WaitFor { ms, of } => wait_for_child(frame, *ms, of).await,
        Stmt::Shield { of } => shield_child(world, of).await,
        Stmt::AsCompleted { children, timeout } => each_completed(world, children, *timeout).await,
        _ => return None,
    };
    Some(done.map(|()| Flow::Next))
}

/// The task that a statement with a single child waits for.
pub(crate) fn child(world: &Rc<World>, child: &Child, op: &str) -> Option<Rc<Spawned>> {
    let found = world.child(child);
    if let (None, Child::Existing { task }) = (&found, child) {
        world.emit(format!("{op}:{task}=notask"));
    }
    found
}

fn tasks(children: &[Rc<Spawned>]) -> impl Iterator<Item = &Task<Value>> {
    children.iter().map(|child| &child.task)
}

async fn gather_all(
    world: &Rc<World>,
    children: &[Child],
    return_exceptions: bool,
) -> Result<(), Error> {
    let children = world.children(children);
    let results: Vec<Result<Value, JoinError>> = if return_exceptions {
        gather(tasks(&children)).await
    } else {
        let values = value_of(try_gather(tasks(&children)).await).await?;
        values.into_iter().map(Ok).collect()
    };
    let outcomes: Vec<String> = results.iter().map(outcome).collect();
    world.emit(format!("gather=[{}]", outcomes.join(",")));
    Ok(())
}

async fn wait_some(world: &Rc<World>, children: &[Child], mode: WaitMode, limit: Option<u64>) {
    let children = world.children(children);
    let until = match mode {
        WaitMode::FirstCompleted => FIRST_COMPLETED,
        WaitMode::FirstException => FIRST_EXCEPTION,
        WaitMode::AllCompleted => ALL_COMPLETED,
    };
    let limit = limit.map(Duration::from_millis);
    let Ok(waited) = wait(tasks(&children), until).timeout(limit).await else {
        return world.emit("wait=empty");
    };
    let names = |tasks: Vec<&Task<Value>>| {
        let names: Vec<String> = tasks.iter().map(|task| task.name().to_string()).collect();
        names.join(",")
    };
    world.emit(format!("wait=done[{}]pending[{}]", names(waited.done), names(waited.pending)));
}

async fn wait_for_child(frame: &mut Frame<'_>, ms: Option<u64>, of: &Child) -> Result<(), Error> {
    let world = frame.world;
    let value = match (of, ms) {
        (Child::New(new), None) => block(frame, &new.body).await?.value(),
        (Child::New(new), Some(ms)) if ms > 0 => {
            let body = block(frame, &new.body);
            let ended = wait_for(body, Duration::from_millis(ms)).await;
            ended.unwrap_or(Err(Error::TIMEOUT))?.value()
        }
        _ => {
            let Some(spawned) = child(world, of, "wait_for") else {
                return Ok(());
            };
            let waited = match ms {
                None => spawned.join().await,
                Some(ms) => wait_for_task(&spawned.task, Duration::from_millis(ms))
                    .await
                    .map_err(|_| Error::TIMEOUT)?,
            };
            value_of(waited).await?
        }
    };
    world.emit(format!("wait_for={}", text(value)));
    Ok(())
}

async fn timeout_block(frame: &mut Frame<'_>, name: &Name, ms: Option<u64>, body: &Block) -> Ended {
    let world = frame.world;
    let ended = timeout_with(ms.map(Duration::from_millis), |handle| {
        world.timeouts.borrow_mut().insert(Arc::clone(name), handle);
        block(frame, body)
    });
    let flow = ended.await.unwrap_or(Err(Error::TIMEOUT))?;
    let expired = world.timeouts.borrow()[name].expired();
    world.emit(format!("timeout:{name}={}", if expired { "expired" } else { "ok" }));
    Ok(flow)
}

async fn shield_child(world: &Rc<World>, of: &Child) -> Result<(), Error> {
    let Some(spawned) = child(world, of, "shield") else {
        return Ok(());
    };
    let value = value_of(shield(&spawned.task).await).await?;
    world.emit(format!("shield:{}={}", spawned.name, text(value)));
    Ok(())
}

async fn group_block(
    frame: &mut Frame<'_>,
    name: &Name,
    children: &[NewTask],
    body: &Block,
) -> Ended {
    let world = frame.world;
    let ended = try_task_group(async |group| {
        world.groups.borrow_mut().insert(Arc::clone(name), group.clone());
        for child in children {
            world.spawn_into(&group, &child.name, &child.body)?;
        }
        block(frame, body).await
    });
    let flow = ended.await.map_err(|error| Error::of_group(&error))?;
    world.emit(format!("group:{name}=ok"));
    Ok(flow)
}

async fn each_completed(
    world: &Rc<World>,
    children: &[Child],
    limit: Option<u64>,
) -> Result<(), Error> {
    let children = world.children(children);
    let mut series = as_completed(children.iter().map(|child| child.task.handle().clone()));
    if let Some(limit) = limit {
        series = series.timeout(Duration::from_millis(limit));
    }
    // Python drops nothing: a series that its task abandons stays, and time can still jump to its timer.
    let series = world.keep(series);
    while let Some(next) = poll_fn(|cx| series.borrow_mut().poll_next_task(cx)).await {
        let ended = next.map_err(|_| Error::TIMEOUT)?;
        let child = children.iter().find(|child| *child.task.handle() == ended);
        let child = child.expect("it gives back what it was given");
        world.emit(format!("next:{}={}", child.name, child.outcome()));
    }
    world.emit("as_completed=end");
    Ok(())
}
