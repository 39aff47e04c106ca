//! [`ByteStream`]: bytes in and out, asyncio's `sock_recv`, `sock_sendall` and their like, written once for sockets,
//! their [halves](super::halves), and pipes.
//!
//! What a stream can do is a matter of its parameter: a [`TcpStream`](crate::net::TcpStream) reads and writes, the
//! halves it is split into do one of both.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use super::pieces::write_pieces;
use super::source::Io;
use crate::reactor::Direction;

/// What a stream's bytes go through.
pub trait Transport {
    /// The operating system's object.
    type Os: AsRawFd + AsFd;
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "nobody outside can name or make a transport")]
    fn io(&self) -> &Io<Self::Os>;
}

/// An object that is read by reference, as those of the operating system are.
pub trait ReadsShared {
    /// Reads once.
    fn read(&self, buf: &mut [u8]) -> io::Result<usize>;
    /// Reads once, into several buffers.
    fn read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
}

impl<T> ReadsShared for T
where
    for<'a> &'a T: io::Read,
{
    fn read(mut self: &Self, buf: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut self, buf)
    }

    fn read_vectored(mut self: &Self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        io::Read::read_vectored(&mut self, bufs)
    }
}

/// An object that is written by reference.
pub trait WritesShared {
    /// Writes once.
    fn write(&self, buf: &[u8]) -> io::Result<usize>;
    /// Writes once, from several buffers.
    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;
}

impl<T> WritesShared for T
where
    for<'a> &'a T: io::Write,
{
    fn write(mut self: &Self, buf: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut self, buf)
    }

    fn write_vectored(mut self: &Self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        io::Write::write_vectored(&mut self, bufs)
    }
}

/// A transport that can be read.
pub trait Reads: Transport<Os: ReadsShared> {
    /// Whether a read that does not fill its buffer has taken all there was. It holds for TCP, but not for
    /// pipes in packet mode or Unix sockets that carry descriptors: there a read ends at what it must not
    /// join. Urgent data ends a read of TCP, too; the reactor sees it come.
    const SHORT_IS_EMPTY: bool = false;
}

/// A transport that can be written.
pub trait Writes: Transport<Os: WritesShared> {
    /// Whether a write that takes less than it is given has filled all the room there was.
    const SHORT_IS_FULL: bool = false;
    /// Tells the peer that nothing more comes; by itself a transport has no way to.
    fn end(_: &Self::Os) -> io::Result<()> {
        Ok(())
    }
}

/// A stream of bytes: a socket, a half of one, a pipe.
///
/// Any number of tasks may read and write it at once, by reference. Each operation then is whole in itself,
/// and who waits is served in order of arrival. The methods of `futures_io` (feature `futures-io`) remember
/// one reader and one writer, the last that asked.
///
/// Dropping it closes it, or what is left of it: a socket that was split closes with its last half.
pub struct ByteStream<T: Transport>(pub(crate) T);

/// The smallest and the largest piece that [`ByteStream::read_to_end`] reads at once.
const PIECE: (usize, usize) = (8 * 1024, 256 * 1024);

impl<T: Reads> ByteStream<T> {
    /// Reads what is there, up to the length of `buf`; waits if nothing is. Zero is the end of the stream, if
    /// `buf` is not empty.
    ///
    /// # Errors
    ///
    /// What the operating system says; [`Misplaced`](super::Misplaced) if it must wait where it cannot.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was not returned was not read.
    pub async fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io().when_ready(Direction::Read, |os| self.read_once(os, buf)).await
    }

    /// As [`read`](ByteStream::read), into several buffers, one after the other.
    ///
    /// # Errors
    ///
    /// As [`read`](ByteStream::read).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was not returned was not read.
    pub async fn read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.io().when_ready(Direction::Read, |os| os.read_vectored(bufs)).await
    }

    /// Fills `buf`.
    ///
    /// # Errors
    ///
    /// [`UnexpectedEof`](ErrorKind::UnexpectedEof) if the stream ends before; else as [`read`](ByteStream::read).
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: a part may have been read into `buf`, and nobody tells how much. Where that matters,
    /// [`read`](ByteStream::read) in a loop.
    pub async fn read_exact(&self, buf: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buf.len() {
            match self.read(&mut buf[filled..]).await? {
                0 => return Err(ended_early(filled, buf.len())),
                read => filled += read,
            }
        }
        Ok(())
    }

    /// Reads up to the end of the stream, appending to `bytes`, and returns how much that was.
    ///
    /// It takes as much memory as the peer sends. Where the peer is not to be trusted,
    /// [`read`](ByteStream::read) up to a limit.
    ///
    /// # Errors
    ///
    /// As [`read`](ByteStream::read). What was read before stays in `bytes`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read is in `bytes`, and a second call goes on.
    pub async fn read_to_end(&self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let before = bytes.len();
        loop {
            let read = self.io().when_ready(Direction::Read, |os| self.append_once(os, bytes));
            if read.await? == 0 {
                return Ok(bytes.len() - before);
            }
        }
    }

    /// Reads what is there, or says [`WouldBlock`](ErrorKind::WouldBlock).
    ///
    /// # Errors
    ///
    /// As [`read`](ByteStream::read).
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io().try_now(Direction::Read, |os| self.read_once(os, buf))
    }

    /// Waits until there is something to read, or the stream has ended. It may be wrong: a
    /// [`try_read`](ByteStream::try_read) that then says [`WouldBlock`](ErrorKind::WouldBlock) sets it right.
    ///
    /// # Errors
    ///
    /// As [`read`](ByteStream::read).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the stream stays readable.
    pub async fn readable(&self) -> io::Result<()> {
        self.io().when_ready(Direction::Read, |_| Ok(())).await
    }

    fn read_once(&self, os: &T::Os, buf: &mut [u8]) -> io::Result<usize> {
        let read = os.read(buf)?;
        if T::SHORT_IS_EMPTY && read > 0 && read < buf.len() {
            self.io().note_drained(Direction::Read);
        }
        Ok(read)
    }

    fn append_once(&self, os: &T::Os, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let before = bytes.len();
        let piece = before.clamp(PIECE.0, PIECE.1);
        bytes.resize(before + piece, 0);
        let read = self.read_once(os, &mut bytes[before..]);
        bytes.truncate(before + read.as_ref().map_or(0, |read| *read));
        read
    }
}

fn ended_early(filled: usize, wanted: usize) -> io::Error {
    let text = format!("the stream ended after {filled} of {wanted} bytes");
    io::Error::new(ErrorKind::UnexpectedEof, text)
}

impl<T: Writes> ByteStream<T> {
    /// Writes what there is room for, and waits if there is none. Returns how much that was.
    ///
    /// # Errors
    ///
    /// What the operating system says; [`Misplaced`](super::Misplaced) if it must wait where it cannot.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was not counted was not written.
    pub async fn write(&self, buf: &[u8]) -> io::Result<usize> {
        self.io().when_ready(Direction::Write, |os| self.write_once(os, buf)).await
    }

    /// As [`write`](ByteStream::write), from several buffers, one after the other.
    ///
    /// # Errors
    ///
    /// As [`write`](ByteStream::write).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was not counted was not written.
    pub async fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.io().when_ready(Direction::Write, |os| self.write_pieces_once(os, bufs)).await
    }

    /// Writes all of `buf`, as fast as the peer takes it.
    ///
    /// # Errors
    ///
    /// As [`write`](ByteStream::write).
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: a part may have been written, and nobody tells how much. Where that matters,
    /// [`write`](ByteStream::write) in a loop.
    pub async fn write_all(&self, mut buf: &[u8]) -> io::Result<()> {
        while !buf.is_empty() {
            match self.write(buf).await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                written => buf = &buf[written..],
            }
        }
        Ok(())
    }

    /// Writes what there is room for, or says [`WouldBlock`](ErrorKind::WouldBlock).
    ///
    /// # Errors
    ///
    /// As [`write`](ByteStream::write).
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.io().try_now(Direction::Write, |os| self.write_once(os, buf))
    }

    /// Waits until there is room to write, or an error to see. It may be wrong: a
    /// [`try_write`](ByteStream::try_write) that then says [`WouldBlock`](ErrorKind::WouldBlock) sets it right.
    ///
    /// # Errors
    ///
    /// As [`write`](ByteStream::write).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the stream stays writable.
    pub async fn writable(&self) -> io::Result<()> {
        self.io().when_ready(Direction::Write, |_| Ok(())).await
    }

    /// Tells the peer that nothing more comes, as asyncio's `write_eof`: its reads end. Reading goes on here. A
    /// pipe has no such thing: it ends when it is dropped.
    ///
    /// # Errors
    ///
    /// What the operating system says, for example if the peer has reset the connection.
    pub fn finish(&self) -> io::Result<()> {
        T::end(self.io().get())
    }

    fn write_once(&self, os: &T::Os, buf: &[u8]) -> io::Result<usize> {
        let written = os.write(buf)?;
        self.note_written(written, buf.len());
        Ok(written)
    }

    fn write_pieces_once(&self, os: &T::Os, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = write_pieces(os, pieces)?;
        self.note_written(written, pieces.iter().map(|piece| piece.len()).sum());
        Ok(written)
    }

    fn note_written(&self, written: usize, wanted: usize) {
        if T::SHORT_IS_FULL && written < wanted {
            self.io().note_drained(Direction::Write);
        }
    }
}

impl<T: Transport> ByteStream<T> {
    pub(crate) fn io(&self) -> &Io<T::Os> {
        self.0.io()
    }
}

impl<T: Transport> AsFd for ByteStream<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io().get().as_fd()
    }
}

impl<T: Transport> AsRawFd for ByteStream<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.io().get().as_raw_fd()
    }
}

impl<T: Transport> fmt::Debug for ByteStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io().fmt(f)
    }
}

#[cfg(feature = "futures-io")]
mod futures {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::{ByteStream, Direction, IoSlice, IoSliceMut, Reads, ReadsShared, Writes, io};

    impl<T: Reads> futures_io::AsyncRead for ByteStream<T> {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            self.io().poll_when_ready(Direction::Read, cx, |os| self.read_once(os, buf))
        }

        fn poll_read_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &mut [IoSliceMut<'_>],
        ) -> Poll<io::Result<usize>> {
            let read = |os: &T::Os| os.read_vectored(bufs);
            self.io().poll_when_ready(Direction::Read, cx, read)
        }
    }

    impl<T: Writes> futures_io::AsyncWrite for ByteStream<T> {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.io().poll_when_ready(Direction::Write, cx, |os| self.write_once(os, buf))
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let write = |os: &T::Os| self.write_pieces_once(os, bufs);
            self.io().poll_when_ready(Direction::Write, cx, write)
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(self.finish())
        }
    }
}
