//! Errors of the task language.

use std::fmt;

use wheelhouse::{GroupError, JoinError};

use crate::program::Name;

/// An error that a program can raise and catch. A cancel is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// One of the program's own: `E1`, `E2`, `E3`.
    User(Name),
    /// One of the library's, by the name of Python's class for it.
    Library(&'static str),
    /// What a task group failed with, in the order it collected them.
    Group(Vec<Error>),
    /// None of the language: a fault of the interpreter or the loop, shown in the trace.
    Foreign(String),
}

impl Error {
    pub(crate) const TIMEOUT: Error = Error::Library("TimeoutError");
    pub(crate) const RUNTIME: Error = Error::Library("RuntimeError");
    pub(crate) const VALUE: Error = Error::Library("ValueError");
    pub(crate) const SHUT_DOWN: Error = Error::Library("QueueShutDown");
    pub(crate) const INVALID_STATE: Error = Error::Library("InvalidStateError");

    /// The error that a failed task of the program returned.
    pub(crate) fn of_task(error: &JoinError) -> Error {
        match error.downcast_ref::<Error>() {
            Some(error) => error.clone(),
            None => Error::Foreign(error.to_string()),
        }
    }

    pub(crate) fn of_group(error: &GroupError) -> Error {
        Error::Group(error.errors().iter().map(Error::of_task).collect())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::User(name) => f.write_str(name),
            Error::Library(class) => f.write_str(class),
            Error::Foreign(text) => write!(f, "!{text}"),
            Error::Group(errors) => {
                let errors: Vec<String> = errors.iter().map(Error::to_string).collect();
                write!(f, "Group({})", errors.join(","))
            }
        }
    }
}

impl std::error::Error for Error {}
