//! The one allocation of a task: a cell that holds the future, then its output, until a handle takes it.
//!
//! The loop keeps cells of every type in one slab, as `Pin<Box<dyn TaskCell>>`; the joiner, who knows the
//! type, takes the output through a `dyn Any` slot.

use std::any::Any;
use std::error::Error;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::error::{BoxError, Panic};

/// A task's future or output, whatever its type.
pub(crate) trait TaskCell {
    /// Polls the future; when it is ready, its place is taken by the output.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended>;
    /// Drops whatever is inside.
    fn clear(self: Pin<&mut Self>);
    /// Drops whatever is inside and keeps why the task failed.
    fn fail(self: Pin<&mut Self>, fault: Fault);
    /// Shows the output, as an `Option<T>`, to code that knows its type; for `None` there is none.
    fn output(self: Pin<&mut Self>) -> Option<&mut dyn Any>;
    fn fault(&self) -> Option<&Fault>;
    fn spawned_at(&self) -> &'static Location<'static>;
}

/// How a future that was ready ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Finished,
    Failed,
}

/// Why a task failed (rule C17).
#[derive(Clone)]
pub(crate) enum Fault {
    Error(Arc<dyn Error + Send + Sync>),
    Panic(Arc<Panic>),
}

/// Tells a value from a failure in what a future returned.
pub(crate) trait Ending<O> {
    type Value: 'static;
    fn of(output: O) -> Result<Self::Value, BoxError>;
}

/// `spawn`: any output is a value.
pub(crate) struct AnyValue;

impl<T: 'static> Ending<T> for AnyValue {
    type Value = T;
    fn of(output: T) -> Result<T, BoxError> {
        Ok(output)
    }
}

/// `try_spawn`: an `Err` is a failure.
pub(crate) struct ErrFails;

impl<T: 'static, E: Into<BoxError>> Ending<Result<T, E>> for ErrFails {
    type Value = T;
    fn of(output: Result<T, E>) -> Result<T, BoxError> {
        output.map_err(Into::into)
    }
}

/// A new cell around `future`.
pub(crate) fn new<F, E>(
    future: F,
    _: E,
    spawned_at: &'static Location<'static>,
) -> Pin<Box<dyn TaskCell>>
where
    F: Future + 'static,
    E: Ending<F::Output> + 'static,
{
    Box::pin(Cell::<F, E::Value, E> {
        stage: Stage::Running { future },
        spawned_at,
        ending: PhantomData,
    })
}

pin_project! {
    struct Cell<F, T, E> {
        #[pin]
        stage: Stage<F, T>,
        spawned_at: &'static Location<'static>,
        ending: PhantomData<E>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F, T> {
        Running { #[pin] future: F },
        Finished { output: Option<T> },
        Failed { fault: Fault },
        Empty,
    }
}

impl<F, E> TaskCell for Cell<F, E::Value, E>
where
    F: Future,
    E: Ending<F::Output>,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let mut stage = self.project().stage;
        let StageProjection::Running { future } = stage.as_mut().project() else {
            unreachable!("a task that has ended is not stepped")
        };
        let output = E::of(ready!(future.poll(cx)));
        let (next, ended) = match output {
            Ok(value) => (Stage::Finished { output: Some(value) }, Ended::Finished),
            Err(error) => (Stage::Failed { fault: Fault::Error(error.into()) }, Ended::Failed),
        };
        stage.set(next);
        Poll::Ready(ended)
    }

    fn clear(self: Pin<&mut Self>) {
        self.project().stage.set(Stage::Empty);
    }

    fn fail(self: Pin<&mut Self>, fault: Fault) {
        self.project().stage.set(Stage::Failed { fault });
    }

    fn output(self: Pin<&mut Self>) -> Option<&mut dyn Any> {
        match self.project().stage.project() {
            StageProjection::Finished { output } => Some(output),
            _ => None,
        }
    }

    fn fault(&self) -> Option<&Fault> {
        match &self.stage {
            Stage::Failed { fault } => Some(fault),
            _ => None,
        }
    }

    fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }
}
