//! Waiting for the operating system, as asyncio's selector: the one place where the thread sleeps.

use std::io;
use std::time::Duration;

use crate::remote::Outlet;

/// The poll that everything the loop waits for is registered with.
pub(crate) struct Parker {
    poll: mio::Poll,
    events: mio::Events,
}

const WAKE: mio::Token = mio::Token(usize::MAX);

impl Parker {
    pub(crate) fn new() -> io::Result<(Parker, Outlet)> {
        let poll = mio::Poll::new()?;
        let outlet = Outlet {
            waker: mio::Waker::new(poll.registry(), WAKE)?,
            #[cfg(feature = "net")]
            registry: poll.registry().try_clone()?,
        };
        Ok((Parker { poll, events: mio::Events::with_capacity(1024) }, outlet))
    }

    /// What the last wait has brought.
    #[cfg(feature = "net")]
    pub(crate) fn events(&self) -> impl Iterator<Item = &mio::event::Event> {
        self.events.iter()
    }

    /// Waits until something happens, or for about `limit`; `None` is for ever. May end early.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> io::Result<()> {
        let limit = match limit {
            Some(limit) if !limit.is_zero() => Some(self.wait_precisely(limit)?),
            other => other,
        };
        match self.poll.poll(&mut self.events, limit) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            done => done,
        }
    }

    /// `epoll_wait` counts in milliseconds, rounded up: it would end a sleep of 300 us half a millisecond
    /// late. So it only waits up to the last millisecond; that one is left to `ppoll` on the poll's own
    /// descriptor. Returns what is left for `epoll_wait`.
    #[cfg(all(feature = "precise", any(target_os = "linux", target_os = "android")))]
    fn wait_precisely(&self, limit: Duration) -> io::Result<Duration> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        const COARSE: Duration = Duration::from_millis(2);
        if limit >= COARSE {
            let whole = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).min(86_400_000);
            return Ok(Duration::from_millis(whole - 1));
        }
        let mut fds = [PollFd::new(self.poll.registry(), PollFlags::IN)];
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(limit.subsec_nanos()) };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(Duration::ZERO),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(all(feature = "precise", any(target_os = "linux", target_os = "android"))))]
    fn wait_precisely(&self, limit: Duration) -> io::Result<Duration> {
        Ok(limit)
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Parker {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.poll.registry().as_fd()
    }
}
