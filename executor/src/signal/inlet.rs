//! The way of a signal into a loop: a pair of sockets, one end written to in the signal's context, the other
//! watched by the reactor.

use std::fmt;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use super::kind::{Signal, SignalError};
use super::registry::{Listening, Role};

pub(crate) struct Inlet {
    // Goes first: what comes in its place must not go unheard.
    listening: Vec<Listening>,
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

impl Inlet {
    pub(crate) fn open(signals: &[Signal], role: Role) -> Result<Inlet, SignalError> {
        let listening = signals.iter().map(|signal| Listening::begin(*signal, role));
        let listening = listening.collect::<Result<Vec<_>, _>>()?;
        let (read, write) = UnixStream::pair()?;
        let numbers = signals.iter().map(|signal| signal.as_raw());
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, numbers)?;
        Ok(Inlet { listening, delivery })
    }

    /// The signals that have come since the last time, each once.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Signal> + use<> {
        self.delivery.pending().map(Signal::from_raw)
    }
}

impl AsRawFd for Inlet {
    fn as_raw_fd(&self) -> RawFd {
        self.delivery.get_read().as_raw_fd()
    }
}

impl fmt::Debug for Inlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").field("listening", &self.listening).finish_non_exhaustive()
    }
}
