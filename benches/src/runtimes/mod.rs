//! The runtimes: one [`Runtime`](crate::Runtime) each.

mod smol;
mod tokio;
mod wheelhouse;

pub use smol::Smol;
pub use tokio::Tokio;
pub use wheelhouse::Wheelhouse;
