//! Reading and writing without blocking the loop: what sockets, pipes and other descriptors share.
//!
//! [`ByteStream`] is what all of them are read and written through; [`AsyncFd`] takes any file descriptor, and
//! [`add_reader`] and [`add_writer`] are asyncio's callbacks. The sockets themselves are in [`net`](crate::net).
//!
//! # Which loop
//!
//! Nothing here belongs to a loop from the start. Whatever would block first registers with the loop that
//! runs, and stays with it. All of it is `Send`: an entry in the loop's tables, and the way to give it back.
//! Used in another loop, or after its own is gone, it is an [`io::Error`](std::io::Error) around a
//! [`Misplaced`].

mod async_fd;
mod byte_stream;
mod error;
mod halves;
mod pieces;
mod pipe;
mod source;
mod stdio;
mod stream_reader;
pub(crate) mod watch;

pub use async_fd::{AsyncFd, ReadyGuard, TryIoError};
pub use byte_stream::{ByteStream, Reads, Transport, Writes};
pub use error::Misplaced;
pub use halves::{
    OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReadOnly, ReuniteError, WriteHalf, WriteOnly,
};
pub use pipe::{PipeReader, PipeWriter, ReadEnd, WriteEnd, pipe};
pub(crate) use source::{Io, Kind, Readiness};
pub use stdio::{StdInput, StdOutput, Stdin, Stdout, stderr, stdin, stdout};
pub use stream_reader::{Input, ReadError, StreamReader};
pub use watch::{Watch, add_reader, add_writer, remove_reader, remove_writer};
