//! Signals by name, and why one cannot be listened to.

use std::error::Error;
use std::fmt;
use std::io;

use signal_hook::consts::FORBIDDEN;
use signal_hook::consts::signal as number;

/// A signal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

impl Signal {
    /// A timer of the system.
    pub const ALRM: Signal = Signal(number::SIGALRM);
    /// A child has ended or stopped.
    pub const CHLD: Signal = Signal(number::SIGCHLD);
    /// Go on after a stop.
    pub const CONT: Signal = Signal(number::SIGCONT);
    /// The terminal is gone; by custom also: read the configuration again.
    pub const HUP: Signal = Signal(number::SIGHUP);
    /// Ctrl-C.
    pub const INT: Signal = Signal(number::SIGINT);
    /// Ends a process at once; nobody can listen to it.
    pub const KILL: Signal = Signal(number::SIGKILL);
    /// A write to a pipe that nobody reads.
    pub const PIPE: Signal = Signal(number::SIGPIPE);
    /// Ctrl-\.
    pub const QUIT: Signal = Signal(number::SIGQUIT);
    /// Stops a process; nobody can listen to it.
    pub const STOP: Signal = Signal(number::SIGSTOP);
    /// The polite way to end a process.
    pub const TERM: Signal = Signal(number::SIGTERM);
    /// For the program's own use.
    pub const USR1: Signal = Signal(number::SIGUSR1);
    /// For the program's own use.
    pub const USR2: Signal = Signal(number::SIGUSR2);
    /// The terminal's window has another size.
    pub const WINCH: Signal = Signal(number::SIGWINCH);

    /// The signal with this number.
    #[must_use = "this only names a signal"]
    pub fn from_raw(number: i32) -> Signal {
        Signal(number)
    }

    /// Its number.
    #[must_use = "reading a number does nothing by itself"]
    pub fn as_raw(self) -> i32 {
        self.0
    }

    /// A signal that can be listened to.
    pub(crate) fn audible(self) -> Result<Signal, SignalError> {
        if FORBIDDEN.contains(&self.0) { Err(SignalError::Forbidden(self)) } else { Ok(self) }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_hook::low_level::signal_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a signal cannot be listened to.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignalError {
    /// Nobody can listen to it: `SIGKILL`, `SIGSTOP`, and those that tell of a fault in the program.
    Forbidden(Signal),
    /// There is no such signal.
    Unknown(Signal),
    /// The system refused the pipe that signals come in by, or to watch it.
    Io(io::Error),
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignalError::Forbidden(signal) => write!(f, "nobody can listen to {signal}"),
            SignalError::Unknown(signal) => write!(f, "there is no {signal}"),
            SignalError::Io(error) => write!(f, "signals cannot be listened to: {error}"),
        }
    }
}

impl Error for SignalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            SignalError::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for SignalError {
    fn from(error: io::Error) -> Self {
        SignalError::Io(error)
    }
}
