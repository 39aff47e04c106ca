//! One `tracing` span a task: what a task logs can be told from what others log.
//!
//! The span is a root. It is entered in each step of its task, and while the task's future is dropped. It
//! has the name `task`, the fields `id`, `name` (if one was given) and `spawned_at`, and *follows from*
//! the span in which the task was spawned.

use std::any::Any;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use tracing::{Span, field};

use crate::cell::{Ended, Fault, TaskCell};
use crate::task::CellBox;

/// Wraps a task's cell in its span.
pub(crate) fn in_span(cell: CellBox, id: u64, name: Option<&str>) -> CellBox {
    let span = tracing::info_span!(
        parent: None,
        "task",
        id,
        name = field::Empty,
        spawned_at = %cell.spawned_at(),
    );
    if let Some(name) = name {
        span.record("name", name);
    }
    span.follows_from(Span::current());
    Box::pin(Spanned { span, cell })
}

struct Spanned {
    span: Span,
    cell: CellBox,
}

impl TaskCell for Spanned {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let Spanned { span, cell } = &mut *self;
        span.in_scope(|| cell.as_mut().poll(cx))
    }

    fn clear(mut self: Pin<&mut Self>) {
        let Spanned { span, cell } = &mut *self;
        span.in_scope(|| cell.as_mut().clear());
    }

    fn fail(mut self: Pin<&mut Self>, fault: Fault) {
        let Spanned { span, cell } = &mut *self;
        span.in_scope(|| cell.as_mut().fail(fault));
    }

    fn output(self: Pin<&mut Self>) -> Option<&mut dyn Any> {
        self.get_mut().cell.as_mut().output()
    }

    fn fault(&self) -> Option<&Fault> {
        self.cell.fault()
    }

    fn spawned_at(&self) -> &'static Location<'static> {
        self.cell.spawned_at()
    }
}
