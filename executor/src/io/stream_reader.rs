//! Reading by lines, separators and lengths, asyncio's `StreamReader`.
//!
//! A [`StreamReader`] takes bytes from its [`Input`] into a buffer and hands them out in the pieces one asks for.
//! It takes them out of the buffer only when a piece is whole, so nothing is lost with a read that is
//! cancelled.

use std::cmp::Reverse;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;

use super::byte_stream::{ByteStream, Reads};

/// Where a [`StreamReader`] gets its bytes.
pub trait Input {
    /// Reads what is there, up to the length of `buf`; waits if nothing is. Zero is the end.
    ///
    /// What a future that was dropped did not return must not be lost.
    fn read(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>>;
}

impl<I: Input> Input for &mut I {
    fn read(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        (**self).read(buf)
    }
}

impl<T: Reads> Input for ByteStream<T> {
    fn read(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        ByteStream::read(self, buf)
    }
}

/// To read a stream here, and write it elsewhere.
impl<T: Reads> Input for &ByteStream<T> {
    fn read(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        ByteStream::read(self, buf)
    }
}

/// How long a piece may become, if nobody says otherwise; asyncio's `_DEFAULT_LIMIT`.
const LIMIT: usize = 64 * 1024;

/// How much is read at once.
const PIECE: usize = 8 * 1024;

/// Lines, and other pieces, of a stream.
///
/// ```
/// use wheelhouse::io::StreamReader;
/// use wheelhouse::net::{TcpListener, TcpStream};
/// use wheelhouse::run;
///
/// run(async {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let client = TcpStream::connect_addr(listener.local_addr()?).await?;
///     client.write_all(b"GET /\nHost: here\n\nbody").await?;
///     drop(client);
///     let (stream, _) = listener.accept().await?;
///     let mut reader = StreamReader::new(stream);
///     assert_eq!(reader.readline().await?, b"GET /\n");
///     assert_eq!(reader.next_line().await?.as_deref(), Some("Host: here"));
///     assert_eq!(reader.readuntil(b"\n").await?, b"\n");
///     assert_eq!(reader.readexactly(4).await?, b"body");
///     assert_eq!(reader.next_line().await?, None);
///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
/// })
/// .unwrap()
/// .unwrap();
/// ```
///
/// # Cancel safety
///
/// Every read is cancel safe: what was not returned stays in the buffer.
pub struct StreamReader<I> {
    input: I,
    /// What has been read and not yet handed out, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    limit: usize,
    ended: bool,
}

impl<I: Input> StreamReader<I> {
    /// Reads `input` by pieces of up to 64 KiB.
    pub fn new(input: I) -> StreamReader<I> {
        StreamReader::with_limit(input, LIMIT)
    }

    /// Reads `input` by pieces of up to `limit` bytes, the separator not counted. What a peer sends without
    /// one takes no more memory than that.
    ///
    /// # Panics
    ///
    /// If `limit` is zero.
    #[track_caller]
    pub fn with_limit(input: I, limit: usize) -> StreamReader<I> {
        assert!(limit > 0, "`StreamReader::with_limit` was given a limit of zero bytes");
        StreamReader { input, buffer: Vec::new(), start: 0, limit, ended: false }
    }

    /// Reads a line, with its newline. At the end of the stream that is what is left, or nothing.
    ///
    /// # Errors
    ///
    /// [`ReadError::TooLong`] for a line beyond the limit, which is left out: the next call goes on behind
    /// what was read of it. [`ReadError::Io`] if the input fails.
    pub async fn readline(&mut self) -> Result<Vec<u8>, ReadError> {
        match self.readuntil(b"\n").await {
            Err(ReadError::Incomplete { partial, .. }) => Ok(partial),
            Err(ReadError::TooLong { length, found, limit }) => {
                self.take(if found { length + 1 } else { self.buffered().len() });
                Err(ReadError::TooLong { length, found, limit })
            }
            read => read,
        }
    }

    /// Reads a line without its newline (`\n` or `\r\n`); `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// As [`readline`](StreamReader::readline); [`ReadError::Io`] of
    /// [`InvalidData`](io::ErrorKind::InvalidData) for a line that is not UTF-8, which is left out.
    pub async fn next_line(&mut self) -> Result<Option<String>, ReadError> {
        let line = self.readline().await?;
        if line.is_empty() {
            return Ok(None);
        }
        let text = line
            .strip_suffix(b"\n")
            .map_or(&line[..], |text| text.strip_suffix(b"\r").unwrap_or(text));
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error).into()),
        }
    }

    /// Reads up to `separator`, and with it.
    ///
    /// # Errors
    ///
    /// [`ReadError::Incomplete`] if the stream ends before. [`ReadError::TooLong`] beyond the limit; what was
    /// read stays in the buffer. [`ReadError::NoSeparator`] if it is empty. [`ReadError::Io`] if the input fails.
    pub async fn readuntil(&mut self, separator: &[u8]) -> Result<Vec<u8>, ReadError> {
        self.readuntil_any(&[separator]).await
    }

    /// Reads up to that of the `separators` whose end comes first, and with it.
    ///
    /// # Errors
    ///
    /// As [`readuntil`](StreamReader::readuntil); [`ReadError::NoSeparator`] also if there is none at all.
    pub async fn readuntil_any(&mut self, separators: &[&[u8]]) -> Result<Vec<u8>, ReadError> {
        let lengths = || separators.iter().map(|separator| separator.len());
        let shortest = lengths().min().unwrap_or(0);
        let longest = lengths().max().unwrap_or(0);
        if shortest == 0 {
            return Err(ReadError::NoSeparator);
        }
        // A separator cannot begin before this.
        let mut searched = 0;
        loop {
            if let Some((length, end)) = find_first(self.buffered(), separators, searched) {
                return self.take_piece(length, end);
            }
            searched = (self.buffered().len() + 1).saturating_sub(longest);
            if searched > self.limit {
                return Err(ReadError::TooLong {
                    length: searched,
                    found: false,
                    limit: self.limit,
                });
            }
            if !self.fill().await? {
                let partial = self.take(self.buffered().len());
                return Err(ReadError::Incomplete { partial, expected: None });
            }
        }
    }

    /// Reads exactly `length` bytes, beyond the limit, too.
    ///
    /// # Errors
    ///
    /// [`ReadError::Incomplete`] if the stream ends before. [`ReadError::Io`] if the input fails.
    pub async fn readexactly(&mut self, length: usize) -> Result<Vec<u8>, ReadError> {
        while self.buffered().len() < length {
            if !self.fill().await? {
                let partial = self.take(self.buffered().len());
                return Err(ReadError::Incomplete { partial, expected: Some(length) });
            }
        }
        Ok(self.take(length))
    }

    /// Reads what is there, up to `most` bytes; waits if nothing is. Nothing is the end of the stream, if
    /// `most` is not zero.
    ///
    /// # Errors
    ///
    /// If the input fails.
    pub async fn read(&mut self, most: usize) -> io::Result<Vec<u8>> {
        if self.buffered().is_empty() && most > 0 {
            self.fill().await?;
        }
        Ok(self.take(most.min(self.buffered().len())))
    }

    /// Reads all that comes up to the end of the stream, beyond the limit, too.
    ///
    /// # Errors
    ///
    /// If the input fails.
    pub async fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        while self.fill().await? {}
        Ok(self.take(self.buffered().len()))
    }

    /// Takes more into the buffer; `false` at the end.
    async fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let room = Room::behind(&mut self.buffer);
        let read = self.input.read(&mut room.buffer[room.filled..]).await?;
        room.keep(read);
        self.ended = read == 0;
        Ok(!self.ended)
    }
}

impl<I> StreamReader<I> {
    /// Has a read met the end of the stream? Then all of it has been handed out.
    #[must_use = "this only looks"]
    pub fn at_eof(&self) -> bool {
        self.ended
    }

    /// What has been read from the input and not yet been handed out.
    #[must_use = "this only looks"]
    pub fn buffered(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The input.
    pub fn get_ref(&self) -> &I {
        &self.input
    }

    /// The input, to write to it for example. What is read from it directly is missing here.
    pub fn get_mut(&mut self) -> &mut I {
        &mut self.input
    }

    /// The input, and what has been read from it and not yet been handed out.
    pub fn into_parts(mut self) -> (I, Vec<u8>) {
        self.buffer.drain(..self.start);
        (self.input, self.buffer)
    }

    /// A piece of `length` bytes with its separator, which ends at `end`.
    fn take_piece(&mut self, length: usize, end: usize) -> Result<Vec<u8>, ReadError> {
        if length > self.limit {
            return Err(ReadError::TooLong { length, found: true, limit: self.limit });
        }
        Ok(self.take(end))
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let taken = self.buffered()[..length].to_vec();
        self.start += length;
        taken
    }
}

/// The separator whose end comes first, of two the shorter: where it begins, and where it ends. None begins before
/// `from`.
fn find_first(bytes: &[u8], separators: &[&[u8]], from: usize) -> Option<(usize, usize)> {
    let found = separators.iter().filter_map(|separator| {
        let begin = from + find(bytes.get(from..)?, separator)?;
        Some((begin, begin + separator.len()))
    });
    found.min_by_key(|(begin, end)| (*end, Reverse(*begin)))
}

fn find(bytes: &[u8], separator: &[u8]) -> Option<usize> {
    match separator {
        [byte] => bytes.iter().position(|other| other == byte),
        _ => bytes.windows(separator.len()).position(|window| window == separator),
    }
}

/// Room at the end of a buffer, taken back when a read is dropped or fails.
struct Room<'a> {
    buffer: &'a mut Vec<u8>,
    filled: usize,
}

impl<'a> Room<'a> {
    fn behind(buffer: &'a mut Vec<u8>) -> Room<'a> {
        let filled = buffer.len();
        buffer.resize(filled + PIECE, 0);
        Room { buffer, filled }
    }

    fn keep(mut self, read: usize) {
        self.filled += read;
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.buffer.truncate(self.filled);
    }
}

/// Why a [`StreamReader`] has no piece to give.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream ended before the piece was whole; asyncio's `IncompleteReadError`.
    Incomplete {
        /// What there was of it.
        partial: Vec<u8>,
        /// How long it was to be, if it was asked for by length.
        expected: Option<usize>,
    },
    /// The piece is longer than the limit; asyncio's `LimitOverrunError`.
    TooLong {
        /// How many bytes there are that belong to it, as far as is known.
        length: usize,
        /// Has its separator been found?
        found: bool,
        /// The limit.
        limit: usize,
    },
    /// There was no separator to look for, or an empty one.
    NoSeparator,
    /// The input failed.
    Io(io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Incomplete { partial, expected: Some(expected) } => {
                write!(f, "the stream ended after {} of {expected} bytes", partial.len())
            }
            ReadError::Incomplete { partial, expected: None } => {
                write!(f, "the stream ended after {} bytes, with no separator", partial.len())
            }
            ReadError::TooLong { length, found: true, limit } => {
                write!(f, "a piece of {length} bytes, where {limit} are allowed")
            }
            ReadError::TooLong { length, found: false, limit } => {
                write!(f, "{length} bytes without a separator, where {limit} are allowed")
            }
            ReadError::NoSeparator => {
                f.write_str("`readuntil` was given no separator, or an empty one")
            }
            ReadError::Io(error) => error.fmt(f),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ReadError::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::Io(error)
    }
}

impl<I: fmt::Debug> fmt::Debug for StreamReader<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("input", &self.input)
            .field("buffered", &self.buffered().len())
            .field("limit", &self.limit)
            .field("ended", &self.ended)
            .finish()
    }
}
