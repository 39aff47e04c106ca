//! Work by the clock, by rank and by need: what a program would otherwise build from tasks and sleeps.
//!
//! | here | in Python | what for |
//! |---|---|---|
//! | [`every`] | `while True: ...; await sleep(period)` | the same work again and again |
//! | [`once_after`], [`once_at`] | `threading.Timer`, `loop.call_later` | work that waits for its time |
//!
//! All of it is made of the crate's public parts: tasks, sleeps, queues. So it can be read as a set of
//! examples, and rebuilt outside where it does not fit. The guide, with the Python beside it, is
//! `docs/scheduling.md`.

mod every;
mod once;
mod race;

pub use every::{Every, Periodic, every};
pub use once::{Once, once_after, once_at};
