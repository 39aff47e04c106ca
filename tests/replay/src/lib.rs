//! Runs programs of a small task language on wheelhouse and notes what they do, event by event.
//!
//! The same programs run on CPython's asyncio, whose traces are the referee of this project: see
//! `docs/task-language.md`. Everything here uses the public API of the crate only.

mod act;
mod block;
mod combine;
mod error;
mod objects;
pub mod program;
mod run;
mod sync;
mod trace;
mod world;

pub use run::{Turning, run};
pub use trace::{Event, Outcome};
