//! Pipes: [`pipe`], and the ends of those that other processes hold.

use std::io;
use std::os::fd::OwnedFd;

use mio::Interest;
use mio::unix::pipe::{Receiver, Sender};

use super::byte_stream::{ByteStream, Reads, Transport, Writes};
use super::source::{Io, Kind, Readiness};

/// The reading end of a pipe.
pub type PipeReader = ByteStream<ReadEnd>;

/// The writing end of a pipe. The reader sees the end when it is dropped.
pub type PipeWriter = ByteStream<WriteEnd>;

/// A new pipe.
///
/// ```
/// use wheelhouse::io::pipe;
///
/// wheelhouse::run(async {
///     let (reader, writer) = pipe()?;
///     writer.write_all(b"through").await?;
///     drop(writer);
///     let mut bytes = Vec::new();
///     reader.read_to_end(&mut bytes).await?;
///     assert_eq!(bytes, b"through");
///     std::io::Result::Ok(())
/// })
/// .unwrap()
/// .unwrap();
/// ```
///
/// # Errors
///
/// If the operating system has no file descriptors left.
pub fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (writer, reader) = mio::unix::pipe::new()?;
    Ok((PipeReader::new(reader), PipeWriter::new(writer)))
}

/// A pipe, to be read.
#[derive(Debug)]
pub struct ReadEnd(Io<Receiver>);

/// A pipe, to be written.
#[derive(Debug)]
pub struct WriteEnd(Io<Sender>);

impl PipeReader {
    fn new(os: Receiver) -> PipeReader {
        ByteStream(ReadEnd(Io::new(os, kind("PipeReader", Interest::READABLE))))
    }

    /// Takes the reading end of a pipe, a child's `stdout` for example, and sets it not to block. That goes
    /// for everybody who shares it.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn from_fd(fd: impl Into<OwnedFd>) -> io::Result<PipeReader> {
        let receiver = Receiver::from(fd.into());
        receiver.set_nonblocking(true)?;
        Ok(PipeReader::new(receiver))
    }
}

impl PipeWriter {
    fn new(os: Sender) -> PipeWriter {
        ByteStream(WriteEnd(Io::new(os, kind("PipeWriter", Interest::WRITABLE))))
    }

    /// Takes the writing end of a pipe, a child's `stdin` for example, and sets it not to block. That goes for
    /// everybody who shares it.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn from_fd(fd: impl Into<OwnedFd>) -> io::Result<PipeWriter> {
        let sender = Sender::from(fd.into());
        sender.set_nonblocking(true)?;
        Ok(PipeWriter::new(sender))
    }
}

fn kind(what: &'static str, interest: Interest) -> Kind {
    Kind { what, interest, readiness: Readiness::Assumed }
}

impl From<PipeReader> for OwnedFd {
    /// The descriptor, which the loop watches no more. It does not block.
    fn from(reader: PipeReader) -> OwnedFd {
        reader.0.0.into_inner().into()
    }
}

impl From<PipeWriter> for OwnedFd {
    /// The descriptor, which the loop watches no more. It does not block.
    fn from(writer: PipeWriter) -> OwnedFd {
        writer.0.0.into_inner().into()
    }
}

#[allow(private_interfaces, reason = "as in the trait")]
impl Transport for ReadEnd {
    type Os = Receiver;

    fn io(&self) -> &Io<Receiver> {
        &self.0
    }
}

impl Reads for ReadEnd {}

#[allow(private_interfaces, reason = "as in the trait")]
impl Transport for WriteEnd {
    type Os = Sender;

    fn io(&self) -> &Io<Sender> {
        &self.0
    }
}

impl Writes for WriteEnd {}
