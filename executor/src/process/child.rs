//! A child that was started.

use std::io;
use std::process::ExitStatus;

use super::communicate::Exchange;
use super::exit::Exit;
use super::orphan::Parent;
use crate::io::{PipeReader, PipeWriter};
use crate::signal::Signal;

/// A child's standard input. The child sees its end when it is dropped.
pub type ChildStdin = PipeWriter;
/// A child's standard output.
pub type ChildStdout = PipeReader;
/// A child's standard error.
pub type ChildStderr = PipeReader;

/// A child process: see [`Command::spawn`](super::Command::spawn).
///
/// Dropped before the child has ended, it leaves no zombie behind (see [the module](super)); the child runs on, or
/// is killed if [`kill_on_drop`](super::Command::kill_on_drop) says so.
#[derive(Debug)]
#[must_use = "dropped at once, it can neither be waited for nor killed"]
pub struct Child {
    /// What is written to it, if that is a pipe.
    pub stdin: Option<ChildStdin>,
    /// What it writes, if that is a pipe.
    pub stdout: Option<ChildStdout>,
    /// What it writes to standard error, if that is a pipe.
    pub stderr: Option<ChildStderr>,
    pub(crate) exchange: Exchange,
    // Goes before the parent, which may need a descriptor.
    exit: Option<Exit>,
    parent: Parent,
}

impl Child {
    pub(crate) fn new(mut std: std::process::Child, kill_on_drop: bool) -> io::Result<Child> {
        let (stdin, stdout, stderr) = (std.stdin.take(), std.stdout.take(), std.stderr.take());
        // From here on it is reaped, whatever goes wrong.
        let parent = Parent::new(std, kill_on_drop);
        Ok(Child {
            stdin: stdin.map(PipeWriter::from_fd).transpose()?,
            stdout: stdout.map(PipeReader::from_fd).transpose()?,
            stderr: stderr.map(PipeReader::from_fd).transpose()?,
            exchange: Exchange::default(),
            exit: None,
            parent,
        })
    }

    /// Waits for its end. That does not close its input: a child that reads to the end of it is waited for in
    /// vain until [`stdin`](Child::stdin) is dropped, and one that fills a pipe until somebody reads it.
    /// [`communicate`](Child::communicate) sees to both.
    ///
    /// # Errors
    ///
    /// What the operating system says; [`Misplaced`](crate::io::Misplaced) outside its loop.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: how it ended is kept.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            match &mut self.exit {
                Some(exit) => exit.wait().await?,
                // Looked at once more when it is watched: it may have ended meanwhile.
                unwatched => *unwatched = Some(Exit::watch(self.parent.id())?),
            }
        }
    }

    #[cfg(test)]
    pub(super) fn watch_with(&mut self, exit: Exit) {
        self.exit = Some(exit);
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.parent.try_wait()
    }

    /// Its process id; `None` once it is known to have ended: the system may have given it to another since.
    pub fn id(&self) -> Option<u32> {
        self.parent.is_running().then(|| self.parent.id())
    }

    /// Kills it, by `SIGKILL`. One that is known to have ended is left alone.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn kill(&mut self) -> io::Result<()> {
        self.send_signal(Signal::KILL)
    }

    /// Sends it a signal. One that is known to have ended is left alone.
    ///
    /// # Errors
    ///
    /// What the operating system says, for example that there is no such signal.
    pub fn send_signal(&mut self, signal: Signal) -> io::Result<()> {
        self.parent.send(signal)
    }
}
