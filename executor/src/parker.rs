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
        let waited = match limit {
            Some(limit) if !limit.is_zero() => self.wait_precisely(limit),
            limit => self.poll.poll(&mut self.events, limit),
        };
        match waited {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            waited => waited,
        }
    }

    /// `epoll_wait` counts in milliseconds, rounded up: it would end a sleep of 300 us half a millisecond
    /// late. So it leaves the last one to `ppoll` on the poll's own descriptor, the next time; and only if
    /// that ends because something has happened is there anything to ask the poll.
    #[cfg(all(feature = "precise", any(target_os = "linux", target_os = "android")))]
    fn wait_precisely(&mut self, limit: Duration) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        const LAST: Duration = Duration::from_millis(1);
        if limit >= 2 * LAST {
            return self.poll.poll(&mut self.events, Some(limit - LAST));
        }
        self.events.clear();
        let mut fds = [PollFd::new(self.poll.registry(), PollFlags::IN)];
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(limit.subsec_nanos()) };
        match poll(&mut fds, Some(&timeout))? {
            0 => Ok(()),
            _ => self.poll.poll(&mut self.events, Some(Duration::ZERO)),
        }
    }

    #[cfg(not(all(feature = "precise", any(target_os = "linux", target_os = "android"))))]
    fn wait_precisely(&mut self, limit: Duration) -> io::Result<()> {
        self.poll.poll(&mut self.events, Some(limit))
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Parker {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.poll.registry().as_fd()
    }
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use super::*;

    #[test]
    fn a_short_wait_brings_what_ended_it_and_the_next_one_nothing() {
        const MOMENT: Duration = Duration::from_micros(50);
        let (mut parker, outlet) = Parker::new().unwrap();
        outlet.waker.wake().unwrap();
        parker.wait(Some(MOMENT)).unwrap();
        assert_eq!(parker.events().count(), 1);
        parker.wait(Some(MOMENT)).unwrap();
        assert_eq!(parker.events().count(), 0);
    }
}
