//! The runtimes: one [`Runtime`](crate::Runtime) each.

mod floor;
mod futures;
#[cfg(feature = "glommio")]
mod glommio;
mod monoio;
mod smol;
mod tokio;
mod wheelhouse;

pub use floor::Floor;
pub use futures::Futures;
#[cfg(feature = "glommio")]
pub use glommio::Glommio;
pub use monoio::{Monoio, MonoioDriver, MonoioEpoll, MonoioUring};
pub use smol::Smol;
pub use tokio::Tokio;
pub use wheelhouse::Wheelhouse;
