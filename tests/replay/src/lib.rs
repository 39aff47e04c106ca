//! Runs programs of a small task language on wheelhouse and notes what they do, event by event.
//!
//! The same programs run on Python's asyncio, whose traces are the referee of this project: see
//! `docs/task-language.md`. Everything here uses the public API of the crate only.

mod act;
mod block;
mod combine;
mod compare;
mod error;
mod objects;
pub mod program;
mod referee;
mod run;
mod shrink;
mod sync;
mod trace;
mod world;

pub use compare::Difference;
pub use referee::Referee;
pub use run::{Turning, run};
pub use trace::{Event, Outcome};
