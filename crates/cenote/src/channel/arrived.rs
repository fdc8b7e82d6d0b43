//! A message that can be read: where it is, and what its cell says of it.

use super::cell;
use super::ring::Ring;
use crate::layout::Shape;
use crate::sync::Readable;

/// What a cell says of its message: of which nothing is used before it is checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    pub(super) tag: u32,
    pub(super) len: usize,
    /// Where its bytes are mapped.
    pub(super) offset: usize,
    /// In which chunk they are, if not in the cell.
    pub(super) chunk: Option<usize>,
}

impl Arrived {
    /// Of the message at a position: `None` if it is said to be where none can be. `short` is how long one in a cell can be.
    #[inline(always)]
    pub(super) fn at<W: Readable>(
        ring: &Ring<'_, W>,
        position: u64,
        shape: &Shape,
        short: usize,
    ) -> Option<Self> {
        let cell = ring.cell(position);
        let (tag, len) = cell::said(cell);
        if len <= short {
            let offset = shape.cells_at() + ring.cell_at(position) * size_of::<u64>() + cell::MESSAGE_AT;
            return Some(Self { tag, len, offset, chunk: None });
        }
        let chunk = usize::try_from(cell::chunk(cell)).ok()?;
        if len > shape.longest || chunk >= shape.chunks {
            return None;
        }
        Some(Self { tag, len, offset: shape.chunk_at(chunk), chunk: Some(chunk) })
    }
}
