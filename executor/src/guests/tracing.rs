//! One `tracing` span a task: what a task logs can be told from what others log.
//!
//! The span is a root. It is entered in each step of its task, and while the task's future is dropped. It
//! has the name `task`, the fields `id`, `name` (if one was given) and `spawned_at`, and *follows from*
//! the span in which the task was spawned.

use std::future::Future;
use std::panic::Location;

use tracing::instrument::Instrumented;
use tracing::{Instrument, Span, field};

/// Wraps a task's future in its span.
pub(crate) fn in_span<F: Future>(
    future: F,
    id: u64,
    name: Option<&str>,
    spawned_at: &'static Location<'static>,
) -> Instrumented<F> {
    let span = tracing::info_span!(
        parent: None,
        "task",
        id,
        name = field::Empty,
        spawned_at = %spawned_at,
    );
    if let Some(name) = name {
        span.record("name", name);
    }
    span.follows_from(Span::current());
    future.instrument(span)
}
