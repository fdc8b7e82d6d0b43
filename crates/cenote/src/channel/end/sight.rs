//! What can be seen of an attached channel: also by those who cannot write there.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Frame;
use crate::backend::AttachedNative;
use crate::channel::ring::{By, Living, Ring};
use crate::channel::waiting::Spin;
use crate::error::{Error, Result};
use crate::layout::Shape;
use crate::segment::Segment;
use crate::sync::Readable;
use crate::sys::{self, Mapping, WordToRead, Words};

/// Of an attached channel: its memory and its shape.
pub(in crate::channel) struct Sight<W = WordToRead> {
    /// It goes before the segment does.
    pub(super) frame: Frame<W>,
    pub(in crate::channel) segment: Segment,
    pub(in crate::channel) shape: Shape,
    /// Whose process it is.
    pub(super) forks: u32,
    pub(in crate::channel) spin: Spin,
    /// How long a message can be that lies in a cell.
    pub(in crate::channel) short: usize,
}

impl Sight {
    pub(in crate::channel) fn of(segment: Segment, shape: Shape) -> Result<Self> {
        let words = Words::to_read(&segment.shared_mapping()?, shape.chunk_words_end())?;
        Ok(Self::new(Frame::of(words, &shape), segment, shape))
    }
}

impl Sight<AtomicU64> {
    pub(super) fn to_write(segment: Segment, shape: Shape) -> Result<Self> {
        let frame = Frame::to_write(&segment.shared_mapping()?, &shape)?;
        Ok(Self::new(frame, segment, shape))
    }
}

impl<W: Readable> Sight<W> {
    fn new(frame: Frame<W>, segment: Segment, shape: Shape) -> Self {
        let (short, forks, spin) = (shape.inline().min(shape.longest), sys::generation(), Spin::new());
        Self { frame, segment, shape, forks, spin, short }
    }

    /// Whether this process attached it, rather than the one that it was forked from.
    #[inline]
    pub(in crate::channel) fn ensure_ours(&self) -> Result<()> {
        if self.forks == sys::generation() { Ok(()) } else { Err(sys::inherited()) }
    }

    /// Whether there is nothing the matter: the usual case.
    #[inline(always)]
    pub(in crate::channel) fn is_well(&self) -> bool {
        self.forks == sys::generation() && !self.mapping().is_lost()
    }

    #[inline]
    pub(in crate::channel) fn mapping(&self) -> &Arc<Mapping> {
        self.frame.words.mapping()
    }

    #[inline(always)]
    pub(in crate::channel) fn ring(&self) -> Ring<'_, W> {
        self.frame.ring()
    }

    pub(in crate::channel) fn living(&self) -> Result<Lives<'_>> {
        self.segment.native().map(Lives)
    }

    #[cold]
    pub(in crate::channel) fn during(&self, operation: &'static str, error: Error) -> Error {
        error.during(operation, self.segment.address())
    }

    /// Detaches, and reports errors.
    pub(in crate::channel) fn detach(self) -> Result<()> {
        let Self { frame, segment, .. } = self;
        // Whoever shares it goes before its segment does.
        drop(frame);
        segment.detach()
    }
}

/// The witnesses' word.
pub(in crate::channel) struct Lives<'a>(&'a AttachedNative);

impl Living for Lives<'_> {
    type Error = Error;

    fn is_gone(&self, who: By) -> Result<bool> {
        self.0.is_gone(who.slot.into(), who.generation)
    }
}
