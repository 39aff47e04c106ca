//! Statements that wait for shared objects.

use std::future::Future;
use std::pin::Pin;

use wheelhouse::sync::{Condition, LockGuard};

use crate::block::{Ended, Flow, Frame, block};
use crate::error::Error;
use crate::program::{Block, Name, Stmt};
use crate::world::{World, text};

/// Runs a statement of this module; `None` if it is another's.
pub(crate) async fn statement(frame: &mut Frame<'_>, stmt: &Stmt) -> Option<Ended> {
    let world = frame.world;
    let objects = &world.objects;
    let done = match stmt {
        Stmt::Lock { lock, body } => {
            let _guard = objects.locks[lock].lock().await;
            world.emit(format!("lock:{lock}"));
            return Some(block(frame, body).await);
        }
        Stmt::Sem { sem, body } => {
            let _permit = objects.sems[sem].acquire().await;
            world.emit(format!("sem:{sem}"));
            return Some(block(frame, body).await);
        }
        Stmt::Cond { cond, body } => return Some(cond_block(frame, cond, body).await),
        Stmt::CondWait { cond } => {
            let held = frame.held.as_deref_mut().expect("it stands inside a `cond`");
            held.wait(cond).await;
            world.emit(format!("cond_wait:{cond}"));
            Ok(())
        }
        Stmt::EventWait { event } => {
            objects.events[event].wait().await;
            world.emit(format!("event_wait:{event}"));
            Ok(())
        }
        Stmt::Acquire { lock } => {
            objects.locks[lock].acquire().await;
            world.emit(format!("acquire:{lock}"));
            Ok(())
        }
        Stmt::SemAcquire { sem } => {
            objects.sems[sem].acquire().await.forget();
            world.emit(format!("sem_acquire:{sem}"));
            Ok(())
        }
        Stmt::Put { .. } | Stmt::Get { .. } | Stmt::Join { .. } => queue(world, stmt).await,
        Stmt::BarrierWait { .. } | Stmt::BarrierAbort { .. } | Stmt::BarrierReset { .. } => {
            barrier(world, stmt).await
        }
        _ => return None,
    };
    Some(done.map(|()| Flow::Next))
}

async fn queue(world: &World, stmt: &Stmt) -> Result<(), Error> {
    let queues = &world.objects.queues;
    match stmt {
        Stmt::Put { queue, value } => {
            queues[queue].put(*value).await?;
            world.emit(format!("put:{queue}={}", text(*value)));
        }
        Stmt::Get { queue } => {
            let value = queues[queue].get().await?;
            world.emit(format!("get:{queue}={}", text(value)));
        }
        Stmt::Join { queue } => {
            queues[queue].join().await;
            world.emit(format!("join:{queue}"));
        }
        other => unreachable!("{other:?}"),
    }
    Ok(())
}

async fn barrier(world: &World, stmt: &Stmt) -> Result<(), Error> {
    let barriers = &world.objects.barriers;
    match stmt {
        Stmt::BarrierWait { barrier } => {
            let waited = barriers[barrier].wait().await;
            let index = waited.map_err(|_| Error::Library("BrokenBarrierError"))?;
            world.emit(format!("barrier_wait:{barrier}={index}"));
        }
        Stmt::BarrierAbort { barrier } => {
            barriers[barrier].abort().await;
            world.emit(format!("barrier_abort:{barrier}"));
        }
        Stmt::BarrierReset { barrier } => {
            barriers[barrier].reset().await;
            world.emit(format!("barrier_reset:{barrier}"));
        }
        other => unreachable!("{other:?}"),
    }
    Ok(())
}

/// A condition whose lock is held by a block around.
pub(crate) trait Held {
    /// Waits for the condition with this name, here or further out.
    fn wait<'a>(&'a mut self, name: &'a Name) -> Pin<Box<dyn Future<Output = ()> + 'a>>;
}

struct HeldCondition<'a> {
    name: &'a Name,
    condition: &'a Condition,
    guard: LockGuard<'a>,
    outer: Option<&'a mut dyn Held>,
}

impl Held for HeldCondition<'_> {
    fn wait<'a>(&'a mut self, name: &'a Name) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        if self.name == name {
            return Box::pin(self.condition.wait(&mut self.guard));
        }
        self.outer.as_deref_mut().expect("it stands inside a `cond` of this name").wait(name)
    }
}

async fn cond_block(frame: &mut Frame<'_>, name: &Name, body: &Block) -> Ended {
    let world = frame.world;
    let condition = &world.objects.conds[name];
    let guard = condition.lock().await;
    world.emit(format!("cond:{name}"));
    let outer = frame.held.as_mut().map(|held| &mut **held as &mut dyn Held);
    let mut held = HeldCondition { name, condition, guard, outer };
    block(&mut Frame { world, held: Some(&mut held) }, body).await
}
