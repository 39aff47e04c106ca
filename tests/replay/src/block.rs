//! Blocks, and the statements of a task that structure it.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use wheelhouse::{Cancelled, JoinError, PromiseError, catch_cancel, sleep};

use crate::act::{Raised, act};
use crate::error::Error;
use crate::program::{Block, Catch, Stmt, Value};
use crate::sync::Held;
use crate::world::{World, text};
use crate::{combine, sync};

/// What a block of a task finds around it.
pub(crate) struct Frame<'a> {
    pub(crate) world: &'a Rc<World>,
    /// The innermost condition whose lock the task holds.
    pub(crate) held: Option<&'a mut dyn Held>,
}

/// How a block ends that does not raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Return(Value),
}

impl Flow {
    /// What a body that ends so returns.
    pub(crate) fn value(self) -> Value {
        match self {
            Flow::Next => None,
            Flow::Return(value) => value,
        }
    }
}

pub(crate) type Ended = Result<Flow, Error>;

/// The future of a task of the program.
pub(crate) async fn task(world: Rc<World>, body: Block) -> Result<Value, Error> {
    world.emit("start");
    let mut end = End { world: &world, outcome: "cancelled".to_owned() };
    let ended = block(&mut Frame { world: &world, held: None }, &body).await;
    end.outcome = match &ended {
        Ok(flow) => format!("ok:{}", text(flow.value())),
        Err(error) => format!("err:{error}"),
    };
    drop(end);
    ended.map(Flow::value)
}

/// Notes the end of a task's body, also if the body is dropped: then it was cancelled.
struct End<'a> {
    world: &'a World,
    outcome: String,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.world.emit(format!("end={}", self.outcome));
    }
}

/// A block; boxed, since blocks nest.
pub(crate) fn block<'a>(
    frame: &'a mut Frame<'_>,
    stmts: &'a [Stmt],
) -> Pin<Box<dyn Future<Output = Ended> + 'a>> {
    Box::pin(async move {
        for stmt in stmts {
            let flow = statement(frame, stmt).await?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    })
}

async fn statement(frame: &mut Frame<'_>, stmt: &Stmt) -> Ended {
    let world = frame.world;
    match stmt {
        Stmt::Return { value } => return Ok(Flow::Return(*value)),
        Stmt::Try { body, catch, handler, reraise } => {
            return guarded(frame, body, *catch, handler, *reraise).await;
        }
        Stmt::Finally { body, last } => return finally(frame, body, last).await,
        Stmt::Sleep { ms } => sleep(Duration::from_millis(*ms)).await,
        Stmt::Await { of } => {
            let Some(spawned) = combine::child(world, of, "await") else {
                return Ok(Flow::Next);
            };
            let value = value_of(spawned.join().await).await?;
            world.emit(format!("await:{}={}", spawned.name, text(value)));
        }
        Stmt::FutAwait { fut } => {
            let received = world.objects.fut(fut).promised().await;
            let value = kept(received).await?;
            world.emit(format!("fut_await:{fut}={}", text(value)));
        }
        _ => {
            if let Some(ended) = combine::statement(frame, stmt).await {
                return ended;
            }
            if let Some(ended) = sync::statement(frame, stmt).await {
                return ended;
            }
            raise(act(world, stmt)).await?;
        }
    }
    Ok(Flow::Next)
}

async fn raise(done: Result<(), Raised>) -> Result<(), Error> {
    match done {
        Ok(()) => Ok(()),
        Err(Raised::Error(error)) => Err(error),
        Err(Raised::Cancelled) => Cancelled::raise().await,
    }
}

enum Caught {
    Error(Error),
    Cancelled(Cancelled),
}

async fn guarded(
    frame: &mut Frame<'_>,
    body: &[Stmt],
    catch: Catch,
    handler: &[Stmt],
    reraise: bool,
) -> Ended {
    let ended = match catch {
        Catch::Error => block(frame, body).await.map_err(Caught::Error),
        Catch::Cancel => match catch_cancel(block(frame, body)).await {
            Ok(ended) => return ended,
            Err(cancelled) => Err(Caught::Cancelled(cancelled)),
        },
        Catch::Any => match catch_cancel(block(frame, body)).await {
            Ok(ended) => ended.map_err(Caught::Error),
            Err(cancelled) => Err(Caught::Cancelled(cancelled)),
        },
    };
    let caught = match ended {
        Ok(flow) => return Ok(flow),
        Err(caught) => caught,
    };
    frame.world.emit(match &caught {
        Caught::Error(error) => format!("caught={error}"),
        Caught::Cancelled(_) => "caught=Cancelled".to_owned(),
    });
    let flow = block(frame, handler).await?;
    match caught {
        _ if flow != Flow::Next || !reraise => Ok(flow),
        Caught::Error(error) => Err(error),
        Caught::Cancelled(cancelled) => cancelled.resume().await,
    }
}

async fn finally(frame: &mut Frame<'_>, body: &[Stmt], last: &[Stmt]) -> Ended {
    let ended = catch_cancel(block(frame, body)).await;
    frame.world.emit("finally");
    block(frame, last).await?;
    match ended {
        Ok(ended) => ended,
        Err(cancelled) => cancelled.resume().await,
    }
}

/// What an await of a task gives its awaiter; a cancel goes on there.
pub(crate) async fn value_of<T>(joined: Result<T, JoinError>) -> Result<T, Error> {
    match joined {
        Ok(value) => Ok(value),
        Err(JoinError::Cancelled(cancelled)) => cancelled.resume().await,
        Err(error) => Err(Error::of_task(&error)),
    }
}

/// The same for a bare future.
async fn kept(received: Result<Value, PromiseError>) -> Result<Value, Error> {
    match received {
        Ok(value) => Ok(value),
        Err(PromiseError::Cancelled(cancelled)) => cancelled.resume().await,
        Err(PromiseError::Failed(error)) => {
            Err(error.downcast_ref::<Error>().expect("programs set their own errors").clone())
        }
        Err(error) => Err(Error::Foreign(error.to_string())),
    }
}
