//! Child processes, as asyncio's `create_subprocess_exec` and its `Process`.
//!
//! ```
//! use wheelhouse::process::Command;
//! use wheelhouse::run;
//!
//! run(async {
//!     let output = Command::new("sh").arg("-c").arg("echo out; echo err >&2; exit 3").output().await?;
//!     assert_eq!(output.status.code(), Some(3));
//!     assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
//!     std::io::Result::Ok(())
//! })
//! .unwrap()
//! .unwrap();
//! ```
//!
//! # No zombies
//!
//! A child that ends stays in the system's table until its parent asks how it ended. Whoever awaits
//! [`Child::wait`] does so. A [`Child`] that is dropped before leaves that to the loop on whose thread it is dropped.
//! Where none runs, or when that loop goes, a thread waits for the children that are left, and ends with the last
//! of them. Other children of the process, those of the standard library for example, are never waited for.
//!
//! # Waiting
//!
//! On Linux a child's end is told by a descriptor of its own (`pidfd`). Elsewhere, and where the system refuses one,
//! by `SIGCHLD`; see [`signal`](crate::signal) for what that means to the process.

mod child;
mod command;
mod communicate;
mod exit;
mod orphan;

pub use child::{Child, ChildStderr, ChildStdin, ChildStdout};
pub use command::Command;
pub(crate) use orphan::collecting_orphans;
pub use std::process::{ExitStatus, Output, Stdio};
