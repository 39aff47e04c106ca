//! A hierarchical timer wheel.
#![forbid(unsafe_code)]

mod bag;
mod due;
mod level;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod schedule;
mod slab;
mod wheel;

pub use slab::TimerKey;
pub use wheel::{Expired, TimerWheel};

#[cfg(test)]
mod properties;
