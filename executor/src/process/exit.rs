//! How a loop hears of a child's end.

use std::io;

use crate::signal::{Signal, SignalError, Signals, signals};

/// Something to wait for that comes with, or soon after, a child's end.
#[derive(Debug)]
pub(crate) enum Exit {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Pidfd(crate::io::AsyncFd<std::os::fd::OwnedFd>),
    /// Some child has ended; whoever waits looks at its own.
    SomeChild(Signals),
}

impl Exit {
    pub(crate) fn watch(pid: u32) -> io::Result<Exit> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(pidfd) = pidfd(pid) {
            return Ok(Exit::Pidfd(crate::io::AsyncFd::read_only(pidfd)));
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = pid;
        Exit::by_signal()
    }

    fn by_signal() -> io::Result<Exit> {
        Ok(Exit::SomeChild(signals(&[Signal::CHLD]).map_err(into_io)?))
    }

    pub(crate) async fn wait(&mut self) -> io::Result<()> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Exit::Pidfd(pidfd) => pidfd.readable().await.map(drop),
            Exit::SomeChild(signals) => signals.recv().await.map(drop).map_err(into_io),
        }
    }
}

/// A descriptor that is readable once the process has ended. `None` where the system has none to give.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn pidfd(pid: u32) -> Option<std::os::fd::OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let pid = Pid::from_raw(pid.try_into().ok()?)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

fn into_io(error: SignalError) -> io::Error {
    match error {
        SignalError::Io(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Command;

    #[test]
    fn a_child_is_waited_for_by_signal_where_there_is_no_pidfd() {
        crate::run(async {
            for _ in 0..20 {
                let mut child = Command::shell("exit 3").spawn().unwrap();
                child.watch_with(Exit::by_signal().unwrap());
                assert_eq!(child.wait().await.unwrap().code(), Some(3));
            }
        })
        .unwrap();
    }
}
