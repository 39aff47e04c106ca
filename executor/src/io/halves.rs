//! The halves of a stream, one to read from and one to write to: asyncio's `StreamReader` and `StreamWriter` of
//! one transport, without their buffers.
//!
//! A half is a [`ByteStream`] as well. What it goes through borrows the stream's transport, or has a share of it.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use super::byte_stream::{ByteStream, Reads, Transport, Writes};
use super::source::Io;

/// The reading half of a transport.
#[derive(Debug)]
pub struct ReadOnly<P>(P);

/// The writing half of a transport.
#[derive(Debug)]
pub struct WriteOnly<P>(P);

#[allow(private_interfaces, reason = "as in the trait")]
impl<P: Deref<Target: Transport>> Transport for ReadOnly<P> {
    type Os = <P::Target as Transport>::Os;

    fn io(&self) -> &Io<Self::Os> {
        self.0.io()
    }
}

impl<P: Deref<Target: Reads>> Reads for ReadOnly<P> {
    const SHORT_IS_EMPTY: bool = P::Target::SHORT_IS_EMPTY;
}

#[allow(private_interfaces, reason = "as in the trait")]
impl<P: Deref<Target: Transport>> Transport for WriteOnly<P> {
    type Os = <P::Target as Transport>::Os;

    fn io(&self) -> &Io<Self::Os> {
        self.0.io()
    }
}

impl<P: Deref<Target: Writes>> Writes for WriteOnly<P> {
    const SHORT_IS_FULL: bool = P::Target::SHORT_IS_FULL;

    fn end(os: &Self::Os) -> io::Result<()> {
        P::Target::end(os)
    }
}

/// A reading half that borrows the stream.
pub type ReadHalf<'a, T> = ByteStream<ReadOnly<&'a T>>;
/// A writing half that borrows the stream.
pub type WriteHalf<'a, T> = ByteStream<WriteOnly<&'a T>>;
/// A reading half that owns its share of the stream.
pub type OwnedReadHalf<T> = ByteStream<ReadOnly<Arc<T>>>;
/// A writing half that owns its share of the stream.
pub type OwnedWriteHalf<T> = ByteStream<WriteOnly<Arc<T>>>;

impl<T: Reads + Writes> ByteStream<T> {
    /// Two halves that borrow the stream, one to read from and one to write to.
    pub fn split(&self) -> (ReadHalf<'_, T>, WriteHalf<'_, T>) {
        (ByteStream(ReadOnly(&self.0)), ByteStream(WriteOnly(&self.0)))
    }

    /// Two halves that own the stream together, for two tasks. It is closed when both are gone; the writing
    /// half tells the peer of its end with [`finish`](ByteStream::finish) only.
    pub fn into_split(self) -> (OwnedReadHalf<T>, OwnedWriteHalf<T>) {
        let shared = Arc::new(self.0);
        (ByteStream(ReadOnly(Arc::clone(&shared))), ByteStream(WriteOnly(shared)))
    }
}

impl<T: Transport> OwnedReadHalf<T> {
    /// Puts the halves of a stream together again.
    ///
    /// # Errors
    ///
    /// If they are of different streams; both come back.
    pub fn reunite(self, write: OwnedWriteHalf<T>) -> Result<ByteStream<T>, ReuniteError<T>> {
        if !Arc::ptr_eq(&self.0.0, &write.0.0) {
            return Err(ReuniteError { read: self, write });
        }
        drop(write);
        let whole = Arc::into_inner(self.0.0).expect("a stream has two halves, and one is gone");
        Ok(ByteStream(whole))
    }
}

/// Two halves were to be put together that are not of the same stream. Both come back.
pub struct ReuniteError<T: Transport> {
    /// The reading half of one.
    pub read: OwnedReadHalf<T>,
    /// The writing half of another.
    pub write: OwnedWriteHalf<T>,
}

impl<T: Transport> fmt::Debug for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReuniteError { read, write } = self;
        f.debug_struct("ReuniteError").field("read", read).field("write", write).finish()
    }
}

impl<T: Transport> fmt::Display for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (read, write) = (self.read.as_raw_fd(), self.write.as_raw_fd());
        write!(f, "the halves of two streams, fd {read} and fd {write}, do not make one")
    }
}

impl<T: Transport> std::error::Error for ReuniteError<T> {}
