//! The words of a channel, and what they are: all that it takes to look into it, or to wait there.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::channel::ring::{Ring, Rules};
use crate::channel::waiting::Bell;
use crate::error::Result;
use crate::layout::{ARRIVALS, CONTROL_WORDS, Shape, To, WhenFull};
use crate::sys::{Mapping, Words};

const WORD: usize = size_of::<AtomicU64>();

/// The words of an attached channel, which it keeps mapped.
pub(in crate::channel) struct Frame<W = AtomicU64> {
    /// What is in front of the chunks.
    pub(super) words: Words<W>,
    rules: Rules,
    to: To,
    bits: u32,
    cell_bits: u32,
    record_words: usize,
}

impl Frame {
    pub(in crate::channel) fn to_write(mapping: &Arc<Mapping>, shape: &Shape) -> Result<Self> {
        Words::of(mapping, shape.chunk_words_end()).map(|words| Self::of(words, shape))
    }

    /// Where those sleep who wait for a message.
    #[inline(always)]
    pub(in crate::channel) fn arrivals(&self) -> Bell<'_, AtomicU64> {
        self.bell(ARRIVALS, self.to != To::OneOfMany)
    }

    #[inline(always)]
    pub(super) fn bell(&self, offset: usize, all: bool) -> Bell<'_, AtomicU64> {
        let (control, _) = self.split();
        Bell { word: &control[offset / WORD], waker: &control[offset / WORD + 1], all }
    }

    pub(in crate::channel) fn mapping(&self) -> &Arc<Mapping> {
        self.words.mapping()
    }
}

impl<W> Frame<W> {
    pub(super) fn of(words: Words<W>, shape: &Shape) -> Self {
        let drop_oldest = shape.when_full == WhenFull::DropOldest;
        let rules = Rules {
            senders_claim: !shape.one_sender,
            receivers_claim: shape.receivers_claim(),
            drop_oldest,
            topic: shape.is_topic(),
        };
        let (cell_bits, record_words) = (shape.cell_bits(), shape.record_words());
        Self { words, rules, to: shape.to, bits: shape.bits, cell_bits, record_words }
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
        Ring { control, records, cells, cell_bits: self.cell_bits, bits: self.bits, rules: self.rules }
    }
}
