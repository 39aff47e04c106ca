//! Signals of the operating system, as asyncio's `add_signal_handler`, and as futures.
//!
//! - [`signals`] listens to some signals for as long as it is held; [`once`] waits for one of them, and
//!   [`ctrl_c`] for the keyboard's.
//! - [`add_signal_handler`] runs a callback in the loop, which need not be `Send`.
//! - [`run`](crate::run) turns the first Ctrl-C into a cancel of its main task, and the second one ends the
//!   process. [`die_of`] ends it as a signal would, after the clean-up.
//!
//! In the signal's own context nothing happens but a write to a pipe. All else happens in the loop, in a turn of
//! its own.
//!
//! # What is global
//!
//! A process has one set of signals, whatever it is made of. So this is the one thing here that loops share: a
//! table of who listens to what. Any number of loops and threads may listen to the same signal, and each hears it.
//! While anybody listens, what the signal does by default is off; when nobody does any more, it is on again.
//!
//! # Signals coalesce
//!
//! A listener is told that a signal has come, not how often: what comes again before it was received is the same.
//! Unix has it so. Count nothing by signals; look at what they are about.

mod handler;
mod inlet;
mod interrupt;
mod kind;
mod listen;
mod registry;

pub(crate) use handler::Handlers;
pub use handler::{add_signal_handler, remove_signal_handler};
pub(crate) use interrupt::CtrlC;
pub use interrupt::die_of;
pub use kind::{Signal, SignalError};
pub use listen::{Once, Signals, ctrl_c, once, signals};
