//! Reading by lines, separators and lengths: what asyncio's `StreamReader` promises.

mod common;

use std::collections::VecDeque;
use std::io;

use common::{ms, run};
use wheelhouse::io::{Input, ReadError, StreamReader};
use wheelhouse::{sleep, time, timeout};

/// An input that gives what it is told to, piece by piece.
#[derive(Debug, Default)]
struct Script(VecDeque<Step>);

#[derive(Debug)]
enum Step {
    /// Some bytes are there.
    Bytes(Vec<u8>),
    /// Nothing is there for so many milliseconds.
    Wait(u64),
    /// The input fails.
    Fail(io::ErrorKind),
}

impl Script {
    /// Each piece comes a millisecond after the one before.
    fn of(pieces: &[&str]) -> Script {
        let steps = pieces.iter().flat_map(|piece| [Step::Wait(1), Step::Bytes((*piece).into())]);
        Script(steps.collect())
    }
}

impl Input for Script {
    async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(Step::Wait(pause)) = self.0.front() {
            sleep(ms(*pause)).await;
            self.0.pop_front();
        }
        match self.0.pop_front() {
            None => Ok(0),
            Some(Step::Fail(kind)) => Err(kind.into()),
            Some(Step::Wait(_)) => unreachable!("waits are over"),
            Some(Step::Bytes(mut bytes)) => {
                let rest = bytes.split_off(bytes.len().min(buf.len()));
                buf[..bytes.len()].copy_from_slice(&bytes);
                if !rest.is_empty() {
                    self.0.push_front(Step::Bytes(rest));
                }
                Ok(bytes.len())
            }
        }
    }
}

fn reader(pieces: &[&str]) -> StreamReader<Script> {
    StreamReader::new(Script::of(pieces))
}

/// The parts of a [`ReadError::Incomplete`].
fn incomplete<T: std::fmt::Debug>(read: Result<T, ReadError>) -> (Vec<u8>, Option<usize>) {
    match read {
        Err(ReadError::Incomplete { partial, expected }) => (partial, expected),
        other => panic!("{other:?}"),
    }
}

/// The length that is told by a [`ReadError::TooLong`], and whether the separator was found.
fn too_long<T: std::fmt::Debug>(read: Result<T, ReadError>) -> (usize, bool) {
    match read {
        Err(ReadError::TooLong { length, found, .. }) => (length, found),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_is_put_together_of_pieces_and_the_rest_stays() {
    run(async {
        let mut reader = reader(&["chu", "nk1\nchunk2\nchu", "nk3"]);
        assert_eq!(reader.readline().await.unwrap(), b"chunk1\n");
        assert_eq!((reader.buffered(), time()), (&b"chunk2\nchu"[..], ms(2)));
        assert_eq!(reader.readline().await.unwrap(), b"chunk2\n");
        assert_eq!(time(), ms(2), "what is there needs no wait");
        assert_eq!(reader.readline().await.unwrap(), b"chunk3", "the end of the stream ends it");
        assert_eq!(reader.readline().await.unwrap(), b"");
        assert!(reader.at_eof());
    });
}

#[test]
fn the_end_is_not_reached_before_everything_was_handed_out() {
    run(async {
        let mut reader = reader(&["ab"]);
        assert_eq!(reader.readexactly(1).await.unwrap(), b"a");
        assert!(!reader.at_eof());
        assert_eq!(reader.read_to_end().await.unwrap(), b"b");
        assert!(reader.at_eof());
    });
}

#[test]
fn lines_for_people_have_no_newline_and_end_with_none() {
    run(async {
        let mut reader = reader(&["unix\ndos\r\n\nlast"]);
        for line in ["unix", "dos", "", "last"] {
            assert_eq!(reader.next_line().await.unwrap().as_deref(), Some(line));
        }
        assert_eq!(reader.next_line().await.unwrap(), None);
    });
}

#[test]
fn a_line_that_is_no_text_is_an_error_and_the_next_can_be_read() {
    run(async {
        let steps = [Step::Bytes(b"\xff\xfe\nfine\n".to_vec())];
        let mut reader = StreamReader::new(Script(steps.into()));
        match reader.next_line().await {
            Err(ReadError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::InvalidData),
            other => panic!("{other:?}"),
        }
        assert_eq!(reader.next_line().await.unwrap().as_deref(), Some("fine"));
    });
}

#[test]
fn a_line_beyond_the_limit_is_left_out() {
    run(async {
        let mut reader = StreamReader::with_limit(Script::of(&["12345678\nshort\n"]), 4);
        assert_eq!(too_long(reader.readline().await), (8, true));
        assert_eq!(too_long(reader.readline().await), (5, true));
        assert_eq!(reader.readline().await.unwrap(), b"");
    });
}

#[test]
fn a_line_as_long_as_the_limit_is_read() {
    run(async {
        let mut reader = StreamReader::with_limit(Script::of(&["1234\n12345\n"]), 4);
        assert_eq!(reader.readline().await.unwrap(), b"1234\n");
        assert_eq!(too_long(reader.readline().await), (5, true));
        let mut reader = StreamReader::with_limit(Script::of(&["1234", "\n"]), 4);
        assert_eq!(reader.readline().await.unwrap(), b"1234\n", "its newline may come later");
    });
}

#[test]
fn what_a_peer_sends_without_a_newline_takes_no_more_memory_than_the_limit() {
    run(async {
        let megabyte = "x".repeat(1 << 20);
        let mut reader = StreamReader::with_limit(Script::of(&[&megabyte, "\nnext\n"]), 1000);
        let (length, found) = too_long(reader.readline().await);
        assert!(length > 1000 && length < 20_000 && !found, "{length}");
        assert!(reader.buffered().is_empty(), "it is left out");
        while let Err(ReadError::TooLong { .. }) = reader.readline().await {}
        assert_eq!(reader.readline().await.unwrap(), b"next\n");
    });
}

#[test]
fn a_separator_may_be_split_between_pieces() {
    run(async {
        let mut reader = reader(&["oneAA", "Atwo", "AA", "A"]);
        assert_eq!(reader.readuntil(b"AAA").await.unwrap(), b"oneAAA");
        assert_eq!(reader.readuntil(b"AAA").await.unwrap(), b"twoAAA");
    });
}

#[test]
fn of_several_separators_the_one_that_ends_first_counts() {
    run(async {
        let mut reader = reader(&["one\r\ntwo,three;;"]);
        let ends: [&[u8]; 4] = [b";;", b"\r\n", b",", b"\n"];
        for piece in ["one\r\n", "two,", "three;;"] {
            assert_eq!(reader.readuntil_any(&ends).await.unwrap(), piece.as_bytes());
        }
    });
}

#[test]
fn of_two_separators_with_the_same_end_the_shorter_bounds_the_piece() {
    run(async {
        let mut reader = StreamReader::with_limit(Script::of(&["abc-END"]), 3);
        // `-END` would leave three bytes, which fit; `END` leaves four.
        assert_eq!(too_long(reader.readuntil_any(&[b"-END", b"END"]).await), (4, true));
    });
}

#[test]
fn an_empty_separator_is_an_error_and_takes_nothing() {
    run(async {
        let mut reader = reader(&["ab"]);
        for separators in [&[][..], &[&b"a"[..], b""]] {
            let refused = reader.readuntil_any(separators).await;
            assert!(matches!(refused, Err(ReadError::NoSeparator)), "{refused:?}");
        }
        assert_eq!(reader.readuntil(b"b").await.unwrap(), b"ab");
    });
}

#[test]
fn a_stream_that_ends_before_the_separator_gives_up_what_it_had() {
    run(async {
        let mut reader = reader(&["no sep", "arator"]);
        assert_eq!(incomplete(reader.readuntil(b"!").await), (b"no separator".to_vec(), None));
        assert!(reader.at_eof());
    });
}

#[test]
fn beyond_the_limit_a_search_leaves_everything_in_the_buffer() {
    run(async {
        let mut reader = StreamReader::with_limit(Script::of(&["some data", "!"]), 3);
        assert_eq!(too_long(reader.readuntil(b"!").await), (9, false));
        assert_eq!(reader.buffered(), b"some data");
        assert_eq!(reader.readexactly(10).await.unwrap(), b"some data!", "a length knows no limit");
    });
}

#[test]
fn a_length_is_read_whole_or_not_at_all() {
    run(async {
        let mut reader = reader(&["abc", "def"]);
        assert_eq!(reader.readexactly(0).await.unwrap(), b"");
        assert_eq!(reader.readexactly(4).await.unwrap(), b"abcd");
        assert_eq!(incomplete(reader.readexactly(3).await), (b"ef".to_vec(), Some(3)));
    });
}

#[test]
fn a_read_gives_what_is_there_up_to_a_number() {
    run(async {
        let mut reader = reader(&["abcde", "f"]);
        assert_eq!((reader.read(0).await.unwrap(), time()), (b"".to_vec(), ms(0)));
        assert_eq!(reader.read(3).await.unwrap(), b"abc");
        assert_eq!((reader.read(100).await.unwrap(), time()), (b"de".to_vec(), ms(1)));
        assert_eq!(reader.read(100).await.unwrap(), b"f");
        assert_eq!(reader.read(100).await.unwrap(), b"");
    });
}

#[test]
fn a_read_that_is_cancelled_loses_nothing() {
    run(async {
        let mut reader = reader(&["first ", "second\n"]);
        for _ in 0..2 {
            assert!(timeout(ms(1), reader.readline()).await.is_err());
        }
        assert!(timeout(ms(0), reader.readexactly(9)).await.is_err());
        assert_eq!(reader.readline().await.unwrap(), b"first second\n");
    });
}

#[test]
fn an_input_that_fails_keeps_what_it_gave_before() {
    run(async {
        let steps = [
            Step::Bytes(b"before ".to_vec()),
            Step::Fail(io::ErrorKind::ConnectionReset),
            Step::Bytes(b"after\n".to_vec()),
        ];
        let mut reader = StreamReader::new(Script(steps.into()));
        match reader.readline().await {
            Err(ReadError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
            other => panic!("{other:?}"),
        }
        assert_eq!(reader.readline().await.unwrap(), b"before after\n");
    });
}

#[test]
fn the_parts_of_a_reader_are_its_input_and_what_nobody_has_taken() {
    run(async {
        let mut reader = reader(&["head\nbody", "more"]);
        assert_eq!(reader.readline().await.unwrap(), b"head\n");
        let (mut input, rest) = reader.into_parts();
        let mut buf = [0; 8];
        let read = input.read(&mut buf).await.unwrap();
        assert_eq!((&rest[..], &buf[..read]), (&b"body"[..], &b"more"[..]));
    });
}

#[test]
fn errors_say_how_much_there_was() {
    let said = [
        ReadError::Incomplete { partial: b"ab".to_vec(), expected: Some(5) }.to_string(),
        ReadError::Incomplete { partial: b"ab".to_vec(), expected: None }.to_string(),
        ReadError::TooLong { length: 9, found: true, limit: 4 }.to_string(),
        ReadError::TooLong { length: 9, found: false, limit: 4 }.to_string(),
    ];
    let expected = [
        "the stream ended after 2 of 5 bytes",
        "the stream ended after 2 bytes, with no separator",
        "a piece of 9 bytes, where 4 are allowed",
        "9 bytes without a separator, where 4 are allowed",
    ];
    assert_eq!(said, expected);
}
