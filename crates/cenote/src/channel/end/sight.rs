//! What can be seen of an attached channel: also by those who cannot write there.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::backend::AttachedNative;
use crate::channel::ring::{By, Living, Ring, Rules};
use crate::channel::waiting::Spin;
use crate::error::{Error, Result};
use crate::layout::{CONTROL_WORDS, Shape, WhenFull};
use crate::segment::Segment;
use crate::sync::Readable;
use crate::sys::{self, Mapping, WordToRead, Words};

/// Of an attached channel: its memory and its shape.
pub(in crate::channel) struct Sight<W = WordToRead> {
    /// What is in front of the chunks. It goes before the segment does.
    pub(super) words: Words<W>,
    pub(in crate::channel) segment: Segment,
    pub(in crate::channel) shape: Shape,
    rules: Rules,
    /// Whose process it is.
    pub(super) forks: u32,
    pub(in crate::channel) spin: Spin,
    cell_bits: u32,
    record_words: usize,
    /// How long a message can be that lies in a cell.
    pub(in crate::channel) short: usize,
}

impl Sight {
    pub(in crate::channel) fn of(segment: Segment, shape: Shape) -> Result<Self> {
        let words = Words::to_read(&segment.shared_mapping()?, shape.chunk_words_end())?;
        Ok(Self::new(words, segment, shape))
    }
}

impl Sight<AtomicU64> {
    pub(super) fn to_write(segment: Segment, shape: Shape) -> Result<Self> {
        let words = Words::of(&segment.shared_mapping()?, shape.chunk_words_end())?;
        Ok(Self::new(words, segment, shape))
    }
}

impl<W: Readable> Sight<W> {
    fn new(words: Words<W>, segment: Segment, shape: Shape) -> Self {
        let drop_oldest = shape.when_full == WhenFull::DropOldest;
        let rules = Rules {
            senders_claim: !shape.one_sender,
            receivers_claim: shape.receivers_claim(),
            drop_oldest,
            topic: shape.is_topic(),
        };
        let (cell_bits, record_words) = (shape.cell_bits(), shape.record_words());
        let (short, forks, spin) = (shape.inline().min(shape.longest), sys::generation(), Spin::new());
        Self { words, segment, shape, rules, forks, spin, cell_bits, record_words, short }
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
        self.words.mapping()
    }

    #[inline(always)]
    pub(super) fn control(&self) -> &[W; CONTROL_WORDS] {
        self.split().0
    }

    #[inline(always)]
    fn split(&self) -> (&[W; CONTROL_WORDS], &[W]) {
        #[expect(clippy::expect_used, reason = "the shape was checked to have them when it was attached")]
        self.words.split_first_chunk().expect("a channel has a control block")
    }

    #[inline(always)]
    pub(in crate::channel) fn ring(&self) -> Ring<'_, W> {
        let (control, rest) = self.split();
        let (records, cells) = rest.split_at(self.record_words);
        Ring { control, records, cells, cell_bits: self.cell_bits, bits: self.shape.bits, rules: self.rules }
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
        let Self { words, segment, .. } = self;
        // Whoever shares it goes before its segment does.
        drop(words);
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
