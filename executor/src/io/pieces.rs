//! Writing several pieces at once.

use std::io::{self, IoSlice};

use super::byte_stream::WritesShared;

/// So many bytes are copied sooner than the system reads a list of pieces.
const JOINED: usize = 1024;

/// Writes once, the pieces one after the other. Small ones are joined first, and written as one.
pub(super) fn write_pieces(os: &impl WritesShared, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    if let [piece] = pieces {
        return os.write(piece);
    }
    let mut room = [0; JOINED];
    match joined(pieces, &mut room) {
        Some(bytes) => os.write(bytes),
        None => os.write_vectored(pieces),
    }
}

/// The pieces, one after the other, if there is room for them.
fn joined<'a>(pieces: &[IoSlice<'_>], room: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut end = 0;
    for piece in pieces {
        let begin = end;
        end += piece.len();
        room.get_mut(begin..end)?.copy_from_slice(piece);
    }
    Some(&room[..end])
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::Write;

    use super::*;

    /// Notes the pieces that each write brings.
    #[derive(Default)]
    struct Notes(RefCell<Vec<Vec<Vec<u8>>>>);

    impl Write for &Notes {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(piece)])
        }

        fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            self.0.borrow_mut().push(pieces.iter().map(|piece| piece.to_vec()).collect());
            Ok(pieces.iter().map(|piece| piece.len()).sum())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn writes_of(pieces: &[&[u8]]) -> Vec<Vec<Vec<u8>>> {
        let notes = Notes::default();
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let written = write_pieces(&notes, &slices).unwrap();
        assert_eq!(written, pieces.concat().len());
        notes.0.into_inner()
    }

    #[test]
    fn small_pieces_are_written_as_one() {
        assert_eq!(writes_of(&[b"one", b"", b"two"]), [[b"onetwo"]]);
        assert_eq!(writes_of(&[&[1; JOINED - 1], &[2]]), [[[&[1; JOINED - 1][..], &[2]].concat()]]);
    }

    #[test]
    fn large_pieces_are_not_copied() {
        assert_eq!(writes_of(&[&[1; JOINED], &[2]]), [[&[1; JOINED][..], &[2]]]);
        assert_eq!(writes_of(&[&[1; 2 * JOINED]]), [[[1; 2 * JOINED]]]);
    }
}
