//! What other crates need to feel at home in this loop: their traits for executors, timers and streams,
//! each behind a feature of its own.

#[cfg(feature = "futures-task")]
pub(crate) mod futures_task;
#[cfg(feature = "hyper")]
pub mod hyper;
#[cfg(feature = "tracing")]
pub(crate) mod tracing;
