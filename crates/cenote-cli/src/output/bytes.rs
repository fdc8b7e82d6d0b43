//! The bytes of a segment that a command was asked for: a copy taken under the lock, or the segment itself.

use std::ops::{ControlFlow, Range};

use cenote::{Guard, Segment};

use crate::failure::Failure;

/// Bytes are handled in pieces of this size, however many there are.
const PIECE: usize = 256 << 10;

/// A range of a segment's bytes.
pub(crate) struct Bytes<'a> {
    range: Range<usize>,
    source: Source<'a>,
}

enum Source<'a> {
    Copied(Vec<u8>),
    /// With the lock, if it is to be held while they are read.
    InPlace(&'a Segment, #[expect(dead_code, reason = "it is held, not used")] Option<Guard<'a>>),
}

impl<'a> Bytes<'a> {
    /// A copy, made now.
    pub(crate) fn copied(segment: &Segment, range: Range<usize>) -> Result<Self, Failure> {
        let bytes = segment.read_to_vec(range.clone())?;
        Ok(Self { range, source: Source::Copied(bytes) })
    }

    /// Of a value or a blob, which was loaded as a whole.
    pub(crate) fn loaded(bytes: Vec<u8>) -> Self {
        Self { range: 0..bytes.len(), source: Source::Copied(bytes) }
    }

    /// Read when they are needed. The range lies within the segment.
    pub(crate) fn in_place(segment: &'a Segment, range: Range<usize>, lock: Option<Guard<'a>>) -> Self {
        Self { range, source: Source::InPlace(segment, lock) }
    }

    /// Where in the segment they begin.
    pub(crate) fn offset(&self) -> usize {
        self.range.start
    }

    pub(crate) fn len(&self) -> usize {
        self.range.len()
    }

    /// Hands them on piece by piece, until `to` says that it has enough. All pieces but the last have the same size,
    /// which is a multiple of 16.
    pub(crate) fn each_piece(
        &self,
        mut to: impl FnMut(&[u8]) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        match &self.source {
            Source::Copied(bytes) => {
                for piece in bytes.chunks(PIECE) {
                    if to(piece)?.is_break() {
                        break;
                    }
                }
            }
            Source::InPlace(segment, _) => {
                let mut buffer = vec![0; PIECE.min(self.len())];
                for start in self.range.clone().step_by(PIECE) {
                    let piece = &mut buffer[..PIECE.min(self.range.end - start)];
                    segment.read_at(start, piece)?;
                    if to(piece)?.is_break() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The first `count` of them, or all if there are fewer.
    pub(crate) fn first(&self, count: usize) -> Result<Vec<u8>, Failure> {
        let count = count.min(self.len());
        match &self.source {
            Source::Copied(bytes) => Ok(bytes[..count].to_vec()),
            Source::InPlace(segment, _) => Ok(segment.read_to_vec(self.offset()..self.offset() + count)?),
        }
    }

    /// All of them at once.
    pub(crate) fn into_vec(self) -> Result<Vec<u8>, Failure> {
        match self.source {
            Source::Copied(bytes) => Ok(bytes),
            Source::InPlace(segment, _) => Ok(segment.read_to_vec(self.range)?),
        }
    }
}
