//! Connecting to a host of several addresses: asyncio's `create_connection`, with its `staggered_race`.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::address::{Address, lookup};
use super::tcp::TcpStream;
use crate::time::{Sleep, sleep};

/// How long an attempt has before the next one starts beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// A connection to be: see [`TcpStream::connecting`].
#[derive(Clone, Debug)]
#[must_use = "nothing is connected until `connect`"]
pub struct TcpConnecting {
    to: Address,
    from: Option<Address>,
}

impl TcpConnecting {
    pub(super) fn new(to: Address) -> TcpConnecting {
        TcpConnecting { to, from: None }
    }

    /// The address of this end; if nobody says, the system chooses. Of several, each attempt takes the first
    /// that can be had of those of its family. Port 0 lets the system choose the port.
    pub fn local_addr(mut self, from: impl Into<Address>) -> TcpConnecting {
        self.from = Some(from.into());
        self
    }

    /// Connects, as [`TcpStream::connect`].
    ///
    /// # Errors
    ///
    /// As [`TcpStream::connect`]. An attempt fails, too, if none of the addresses of this end can be had.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: all attempts are given up, and their sockets closed.
    pub async fn connect(self) -> Result<TcpStream, ConnectError> {
        let TcpConnecting { to, from } = self;
        let fail = |cause| ConnectError { to: to.clone(), cause };
        let addresses = lookup(to.clone()).await.map_err(|error| fail(Cause::Lookup(error)))?;
        let locals = match from {
            None => None,
            Some(from) => match lookup(from.clone()).await {
                Ok(locals) => Some(locals),
                Err(error) => return Err(fail(Cause::LocalLookup(from, error))),
            },
        };
        let race = Race::new(alternate(addresses), locals);
        race.await.map_err(|attempts| fail(Cause::Attempts(attempts)))
    }
}

/// Families alternate, beginning with that of the first address; within each the order stays.
fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::with_capacity(first.len() + second.len());
    while first.len() + second.len() > 0 {
        mixed.extend(first.next());
        mixed.extend(second.next());
    }
    mixed
}

/// Attempts side by side, each started a while after the one before.
struct Race {
    waiting: std::vec::IntoIter<SocketAddr>,
    /// What this end may be bound to; `None` leaves it to the system.
    locals: Option<Vec<SocketAddr>>,
    running: Vec<(SocketAddr, TcpStream)>,
    failed: Vec<(SocketAddr, io::Error)>,
    /// Until the next attempt may start.
    stagger: Sleep,
}

impl Race {
    fn new(addresses: Vec<SocketAddr>, locals: Option<Vec<SocketAddr>>) -> Race {
        let (waiting, stagger) = (addresses.into_iter(), sleep(STAGGER));
        Race { waiting, locals, running: Vec::new(), failed: Vec::new(), stagger }
    }

    /// Starts the next attempt; `false` if there is none left to start.
    fn start(&mut self) -> bool {
        let Some(address) = self.waiting.next() else { return false };
        match self.begin(address) {
            Ok(stream) => self.running.push((address, stream)),
            Err(error) => self.failed.push((address, error)),
        }
        self.stagger = sleep(STAGGER);
        true
    }

    fn begin(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let Some(locals) = &self.locals else { return TcpStream::begin_connect(address) };
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        bind_to_one(&socket, locals, address)?;
        TcpStream::begin_connect_bound(socket, address)
    }

    /// Polls the attempts that run. Those that have failed leave; the first that has not wins.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<TcpStream> {
        let mut n = 0;
        while n < self.running.len() {
            match self.running[n].1.poll_connected(cx) {
                Poll::Ready(Ok(())) => return Some(self.running.remove(n).1),
                Poll::Ready(Err(error)) => {
                    let (address, _) = self.running.remove(n);
                    self.failed.push((address, error));
                }
                Poll::Pending => n += 1,
            }
        }
        None
    }
}

/// Binds to the first of `locals` that can be had, of those of the family of `to`.
fn bind_to_one(socket: &Socket, locals: &[SocketAddr], to: SocketAddr) -> io::Result<()> {
    let none = format!("none of the local addresses is of the family of {to}");
    let mut refused = io::Error::new(ErrorKind::AddrNotAvailable, none);
    for local in locals.iter().filter(|local| local.is_ipv6() == to.is_ipv6()) {
        match socket.bind(&(*local).into()) {
            Ok(()) => return Ok(()),
            Err(error) => {
                refused = io::Error::new(error.kind(), format!("cannot bind to {local}: {error}"));
            }
        }
    }
    Err(refused)
}

impl Future for Race {
    type Output = Result<TcpStream, Vec<(SocketAddr, io::Error)>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let race = &mut *self;
        loop {
            let failed = race.failed.len();
            if let Some(winner) = race.poll_running(cx) {
                return Poll::Ready(Ok(winner));
            }
            let next_at_once = race.running.is_empty() || race.failed.len() > failed;
            let more = race.waiting.len() > 0;
            if more && (next_at_once || Pin::new(&mut race.stagger).poll(cx).is_ready()) {
                race.start();
            } else if race.running.is_empty() {
                return Poll::Ready(Err(std::mem::take(&mut race.failed)));
            } else {
                return Poll::Pending;
            }
        }
    }
}

/// No connection could be made to a host: see [`TcpStream::connect`]. It turns into an [`io::Error`] of the
/// same [`kind`](ConnectError::kind).
#[derive(Debug)]
pub struct ConnectError {
    to: Address,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Lookup(io::Error),
    /// Of the name of this end.
    LocalLookup(Address, io::Error),
    Attempts(Vec<(SocketAddr, io::Error)>),
}

impl ConnectError {
    /// Each address that was tried, and why in vain, in the order in which they failed. Empty if a name
    /// could not be looked up.
    #[must_use = "reading the attempts does nothing by itself"]
    pub fn attempts(&self) -> &[(SocketAddr, io::Error)] {
        match &self.cause {
            Cause::Lookup(_) | Cause::LocalLookup(..) => &[],
            Cause::Attempts(attempts) => attempts,
        }
    }

    /// The kind of all the errors, if they agree; else [`Other`](ErrorKind::Other).
    #[must_use = "reading the kind does nothing by itself"]
    pub fn kind(&self) -> ErrorKind {
        match &self.cause {
            Cause::Lookup(error) | Cause::LocalLookup(_, error) => error.kind(),
            Cause::Attempts(attempts) => {
                let mut kinds = attempts.iter().map(|(_, error)| error.kind());
                let first = kinds.next().unwrap_or(ErrorKind::NotFound);
                if kinds.all(|kind| kind == first) { first } else { ErrorKind::Other }
            }
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect to {}: ", self.to)?;
        match &self.cause {
            Cause::Lookup(error) => write!(f, "the name was not found: {error}"),
            Cause::LocalLookup(from, error) => {
                write!(f, "the name of this end, {from}, was not found: {error}")
            }
            Cause::Attempts(attempts) if attempts.is_empty() => f.write_str("it has no addresses"),
            Cause::Attempts(attempts) => {
                for (n, (address, error)) in attempts.iter().enumerate() {
                    let comma = if n == 0 { "" } else { "; " };
                    write!(f, "{comma}{address}: {error}")?;
                }
                Ok(())
            }
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Lookup(error) | Cause::LocalLookup(_, error) => Some(error),
            Cause::Attempts(attempts) => attempts.first().map(|(_, error)| error as _),
        }
    }
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_keep_their_order() {
        let v4 = |n| SocketAddr::from(([10, 0, 0, n], 80));
        let v6 = |n| SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, n], 80));
        let mixed = alternate(vec![v6(1), v6(2), v6(3), v4(1), v4(2)]);
        assert_eq!(mixed, [v6(1), v4(1), v6(2), v4(2), v6(3)]);
        assert_eq!(alternate(vec![v4(1), v6(1), v4(2)]), [v4(1), v6(1), v4(2)]);
        assert!(alternate(Vec::new()).is_empty());
    }
}
