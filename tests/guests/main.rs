//! Crates that were not written for this loop, at work in it. `cargo test --features guests`.

#[path = "../common/mod.rs"]
mod common;
mod duplex;
mod http;
mod programs;
mod spans;
mod spawners;
