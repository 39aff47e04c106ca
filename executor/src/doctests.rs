//! The examples in the README and in docs/, compiled and run by `cargo test --doc`.

#[doc = include_str!("../../README.md")]
mod readme {}

#[doc = include_str!("../../docs/architecture.md")]
mod architecture {}

#[doc = include_str!("../../docs/cancellation-model.md")]
mod cancellation_model {}

#[doc = include_str!("../../docs/asyncio-map.md")]
mod asyncio_map {}

#[doc = include_str!("../../docs/beyond-asyncio.md")]
mod beyond_asyncio {}

#[doc = include_str!("../../docs/asyncio-tests.md")]
mod asyncio_tests {}

#[cfg(feature = "net")]
#[doc = include_str!("../../docs/networking.md")]
mod networking {}

#[cfg(all(feature = "net", feature = "precise", target_os = "linux"))]
#[doc = include_str!("../../docs/embedding.md")]
mod embedding {}

#[doc = include_str!("../../docs/sync.md")]
mod sync {}

#[cfg(feature = "futures-io")]
#[doc = include_str!("../../docs/guests.md")]
mod guests {}

#[cfg(feature = "process")]
#[doc = include_str!("../../docs/threads-signals-children.md")]
mod threads_signals_children {}

#[doc = include_str!("../../docs/task-language.md")]
mod task_language {}

#[cfg(feature = "schedule")]
#[doc = include_str!("../../docs/cookbook.md")]
mod cookbook {}

#[doc = include_str!("../../docs/exercises.md")]
mod exercises {}

#[doc = include_str!("../../docs/guarantees.md")]
mod guarantees {}

#[cfg(feature = "schedule")]
#[doc = include_str!("../../docs/from-asyncio.md")]
mod from_asyncio {}

#[doc = include_str!("../../docs/one-turn.md")]
mod one_turn {}

#[cfg(feature = "schedule")]
#[doc = include_str!("../../docs/scheduling.md")]
mod scheduling {}
