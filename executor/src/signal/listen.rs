//! Signals as futures and as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mio::Interest;

use super::inlet::Inlet;
use super::kind::{Signal, SignalError};
use super::registry::Role;
use crate::io::{Io, Kind, Readiness};
use crate::reactor::Direction;

/// Listens to `signals` from now on. What they do by default is off for as long as this is held.
///
/// ```
/// use wheelhouse::run;
/// use wheelhouse::signal::{Signal, signals};
///
/// run(async {
///     let mut terms = signals(&[Signal::TERM, Signal::HUP]).unwrap();
///     # rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::HUP).unwrap();
///     match terms.recv().await.unwrap() {
///         Signal::HUP => println!("read the configuration again"),
///         signal => println!("{signal}: time to go"),
///     }
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// If one of them cannot be listened to, or the system refuses a pair of sockets.
pub fn signals(signals: &[Signal]) -> Result<Signals, SignalError> {
    Signals::open(signals, Role::User)
}

/// Waits for one signal, listening from this call on. An error of listening comes out of the await.
///
/// # Cancel safety
///
/// Cancel safe with `&mut`: a signal that has come stays. Dropping it ends the listening.
pub fn once(signal: Signal) -> Once {
    Once { listener: signals(&[signal]).map_err(Some) }
}

/// Waits for Ctrl-C, listening from this call on. While it is held, [`run`](crate::run) leaves Ctrl-C to it.
///
/// # Cancel safety
///
/// As [`once`].
pub fn ctrl_c() -> Once {
    once(Signal::INT)
}

/// Some signals, one after the other: see [`signals`].
#[must_use = "it listens, and so keeps the signals from doing what they do by default"]
pub struct Signals {
    io: Io<Inlet>,
    /// Signals that have come and were not received.
    come: VecDeque<Signal>,
}

impl Signals {
    pub(crate) fn open(signals: &[Signal], role: Role) -> Result<Signals, SignalError> {
        let kind =
            Kind { what: "signals", interest: Interest::READABLE, readiness: Readiness::Told };
        let io = Io::new(Inlet::open(signals, role)?, kind);
        Ok(Signals { io, come: VecDeque::new() })
    }

    /// The next signal. One that comes several times before it is received is received once.
    ///
    /// # Errors
    ///
    /// If the system refuses to watch for it; [`Misplaced`](crate::io::Misplaced), inside, in another loop than
    /// the first one that waited.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a signal that was not returned stays.
    pub async fn recv(&mut self) -> Result<Signal, SignalError> {
        loop {
            if let Some(signal) = self.try_recv() {
                return Ok(signal);
            }
            self.io.when_ready(Direction::Read, |_| Ok(())).await?;
            self.note_heard()?;
        }
    }

    /// The polling form of [`recv`](Signals::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Signals::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Signal, SignalError>> {
        loop {
            if let Some(signal) = self.try_recv() {
                return Poll::Ready(Ok(signal));
            }
            ready!(self.io.poll_when_ready(Direction::Read, cx, |_| Ok(())))?;
            self.note_heard()?;
        }
    }

    /// A signal that has come already.
    pub fn try_recv(&mut self) -> Option<Signal> {
        if self.come.is_empty() {
            self.come.extend(self.io.get_mut().take());
        }
        self.come.pop_front()
    }

    /// Before the pipe is emptied: what comes from here on is told anew.
    fn note_heard(&self) -> Result<(), SignalError> {
        Ok(self.io.note_blocked(Direction::Read).map_err(io::Error::from)?)
    }
}

#[cfg(feature = "stream")]
impl futures_core::Stream for Signals {
    type Item = Result<Signal, SignalError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Some)
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals")
            .field("inlet", self.io.get())
            .field("come", &self.come)
            .finish_non_exhaustive()
    }
}

/// One signal, once: see [`once`].
#[derive(Debug)]
#[must_use = "it listens, and so keeps the signal from doing what it does by default"]
pub struct Once {
    listener: Result<Signals, Option<SignalError>>,
}

impl Future for Once {
    type Output = Result<(), SignalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.listener {
            Ok(signals) => signals.poll_recv(cx).map_ok(drop),
            Err(refused) => match refused.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
        }
    }
}
