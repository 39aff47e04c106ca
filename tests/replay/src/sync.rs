//! Statements that wait for shared objects.

use std::future::Future;
use std::pin::Pin;

use crate::block::{Ended, Flow, Frame};
use crate::program::{Name, Stmt};

/// A condition whose lock is held, by a block around.
pub(crate) trait Held {
    /// Waits for the condition with this name, here or further out.
    fn wait<'a>(&'a mut self, name: &'a Name) -> Pin<Box<dyn Future<Output = ()> + 'a>>;
}

/// Runs a statement of this module; `None` if it is another's.
pub(crate) async fn statement(frame: &mut Frame<'_>, stmt: &Stmt) -> Option<Ended> {
    match stmt {
        _ => return None,
    }
    Some(Ok(Flow::Next))
}
