//! What a server does about an accept that failed: asyncio's `ACCEPT_RETRY_DELAY`.

use std::io;
use std::time::Duration;

use crate::context;
use crate::observe::ExceptionContext;
use crate::time::sleep;

/// How long to wait before the next accept, after one that failed.
pub(super) struct BackOff(Duration);

impl BackOff {
    pub(super) const NONE: BackOff = BackOff(Duration::ZERO);
    const LEAST: Duration = Duration::from_millis(5);
    const MOST: Duration = Duration::from_secs(1);

    /// What failed may have been one connection, the process, or the listener itself. A connection that
    /// went before it was accepted is no matter. Where file descriptors or memory have run out, another
    /// accept would fail at once: some time passes before it. A listener's error ends the server.
    pub(super) async fn after(&mut self, error: io::Error) -> io::Result<()> {
        if concerns_one_connection(&error) {
            return Ok(());
        }
        if !is_shortage(&error) {
            return Err(error);
        }
        if self.0.is_zero() {
            let message = format!("a server cannot accept for now, and will try again: {error}");
            context::current("accept", |core| core.report(&ExceptionContext::of(&message)));
        }
        self.0 = (self.0 * 2).clamp(BackOff::LEAST, BackOff::MOST);
        sleep(self.0).await;
        Ok(())
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted};
    use io::ErrorKind::{NetworkDown, NetworkUnreachable, PermissionDenied, TimedOut};
    // Linux passes errors of the new connection on through `accept`; a firewall's refusal is one.
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | PermissionDenied
            | TimedOut
    )
}

fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| shortages.contains(&Errno::from_raw_os_error(code)))
}
