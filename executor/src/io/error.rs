//! Why a socket cannot be used here.

use std::error::Error;
use std::fmt;
use std::io;

/// A socket, or another descriptor, had to wait where it cannot. Comes inside of an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misplaced {
    /// No loop runs on this thread.
    NoLoop {
        /// What had to wait.
        what: &'static str,
    },
    /// Another loop runs on this thread than the one it is registered with.
    OtherLoop {
        /// What had to wait.
        what: &'static str,
    },
    /// The loop it is registered with has been dropped.
    LoopClosed {
        /// What had to wait.
        what: &'static str,
    },
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misplaced::NoLoop { what } => write!(
                f,
                "a {what} must wait, and no loop runs on this thread: use it in a task, for example inside \
                 `wheelhouse::run(async {{ .. }})`"
            ),
            Misplaced::OtherLoop { what } => write!(
                f,
                "a {what} is registered with another loop than the one that runs on this thread: use it \
                 where it was first used"
            ),
            Misplaced::LoopClosed { what } => {
                write!(f, "the loop that a {what} is registered with has been dropped")
            }
        }
    }
}

impl Error for Misplaced {}

impl From<Misplaced> for io::Error {
    fn from(misplaced: Misplaced) -> Self {
        io::Error::other(misplaced)
    }
}
