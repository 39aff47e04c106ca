//! The standard streams, without blocking the loop.
//!
//! A terminal or a pipe is often shared with other processes, and `O_NONBLOCK` would be theirs, too: it is not set.
//! Instead each operation waits until the system says that it will not block, and then does a single one: a
//! read takes what is there, a write at most a piece that always fits. A regular file never blocks for long,
//! and cannot be watched: it is read and written at once.

use std::fs::File;
use std::io::{self, IoSlice, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::FileTypeExt;

use mio::Interest;

use super::byte_stream::{ByteStream, Reads, Transport, Writes};
use super::source::{Io, Kind, Readiness};

/// The standard input, unbuffered: what `std::io::stdin` has buffered is not seen. Two tasks, or processes, that
/// read it at once may block each other.
///
/// # Errors
///
/// If the operating system has no file descriptors left.
pub fn stdin() -> io::Result<Stdin> {
    let (file, readiness) = open(io::stdin())?;
    let kind = Kind { what: "Stdin", interest: Interest::READABLE, readiness };
    Ok(ByteStream(StdInput(Io::new(file, kind))))
}

/// The standard output, unbuffered.
///
/// # Errors
///
/// If the operating system has no file descriptors left.
pub fn stdout() -> io::Result<Stdout> {
    output("Stdout", io::stdout())
}

/// The standard error.
///
/// # Errors
///
/// If the operating system has no file descriptors left.
pub fn stderr() -> io::Result<Stdout> {
    output("Stderr", io::stderr())
}

/// The standard input: see [`stdin`].
pub type Stdin = ByteStream<StdInput>;

/// The standard output or error: see [`stdout`] and [`stderr`].
pub type Stdout = ByteStream<StdOutput>;

/// A standard stream, to be read.
#[derive(Debug)]
pub struct StdInput(Io<File>);

/// A standard stream, to be written.
#[derive(Debug)]
pub struct StdOutput(Io<Pieces>);

fn output(what: &'static str, fd: impl AsFd) -> io::Result<Stdout> {
    let (file, readiness) = open(fd)?;
    let kind = Kind { what, interest: Interest::WRITABLE, readiness };
    Ok(ByteStream(StdOutput(Io::new(Pieces(file), kind))))
}

/// A duplicate of the descriptor, and whether it has to be watched.
fn open(fd: impl AsFd) -> io::Result<(File, Readiness)> {
    let file = File::from(fd.as_fd().try_clone_to_owned()?);
    let kind = file.metadata()?.file_type();
    let watched = kind.is_fifo() || kind.is_socket() || file.is_terminal();
    Ok((file, if watched { Readiness::ToldEachTime } else { Readiness::Assumed }))
}

/// As much as a pipe that is writable at all has room for (`PIPE_BUF`).
const PIECE: usize = 4096;

/// A file that is written in pieces.
#[derive(Debug)]
pub struct Pieces(File);

impl AsRawFd for Pieces {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Pieces {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl io::Write for &Pieces {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&self.0).write(&buf[..buf.len().min(PIECE)])
    }

    /// The first of them that is not empty: together they could be too much.
    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let first = bufs.iter().find(|buf| !buf.is_empty());
        first.map_or(Ok(0), |buf| self.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[allow(private_interfaces, reason = "as in the trait")]
impl Transport for StdInput {
    type Os = File;

    fn io(&self) -> &Io<File> {
        &self.0
    }
}

impl Reads for StdInput {}

#[allow(private_interfaces, reason = "as in the trait")]
impl Transport for StdOutput {
    type Os = Pieces;

    fn io(&self) -> &Io<Pieces> {
        &self.0
    }
}

impl Writes for StdOutput {}
