//! Where messages lie in shared memory, for the contenders that bring their own way of taking turns: a ring of slots for
//! each direction, and before them room for what tells whose turn it is.
#![allow(unsafe_code)]

use crate::harness::Fault;
use crate::harness::payload::Payload;
use crate::harness::plan::Config;
use crate::harness::region::Region;

/// Room at the beginning for words of either direction.
pub(super) const HEAD: usize = 4096;
/// Slots begin on pairs of lines, which some processors fetch together.
const PAIR: usize = 128;

/// One direction's slots as one side sees them: the next one is its own as soon as the turn is.
pub(super) struct Slots {
    start: usize,
    stride: usize,
    /// Bytes of a slot before its message.
    lead: usize,
    words: usize,
    depth: usize,
    next: usize,
}

/// How large memory for both directions is, with `lead` bytes in each slot before the message.
pub(super) fn size(config: &Config, lead: usize) -> usize {
    HEAD + 2 * config.depth * stride(config, lead)
}

fn stride(config: &Config, lead: usize) -> usize {
    (lead + config.bytes).next_multiple_of(PAIR)
}

impl Slots {
    /// Those of the direction 0, from the first side to the second, or 1.
    pub(super) fn of(config: &Config, direction: usize, lead: usize) -> Self {
        let stride = stride(config, lead);
        let start = HEAD + direction * config.depth * stride;
        Self { start, stride, lead, words: config.words(), depth: config.depth, next: 0 }
    }

    /// Where the next slot begins, with its lead.
    #[inline]
    pub(super) fn lead_at(&self) -> usize {
        self.start + self.next * self.stride
    }

    #[inline]
    fn offset(&self) -> usize {
        self.lead_at() + self.lead
    }

    #[inline]
    pub(super) fn advance(&mut self) {
        self.next = if self.next + 1 == self.depth { 0 } else { self.next + 1 };
    }

    /// The next slot to write.
    ///
    /// # Safety
    /// It is this side's turn, by a word that was read with acquire, until it gives the turn away.
    #[allow(clippy::mut_from_ref, reason = "whose turn it is, the words in the memory say")]
    #[inline]
    pub(super) unsafe fn words_mut<'a>(&self, region: &'a Region) -> &'a mut [u64] {
        // SAFETY: the caller promises what is asked; `size` has room for all slots.
        unsafe { region.words_mut(self.offset(), self.words) }
    }

    /// The next slot to read.
    ///
    /// # Safety
    /// As for [`words_mut`](Self::words_mut).
    #[inline]
    pub(super) unsafe fn words_of<'a>(&self, region: &'a Region) -> &'a [u64] {
        // SAFETY: the caller promises what is asked; `size` has room for all slots.
        unsafe { region.words(self.offset(), self.words) }
    }

    /// Writes the message into the next slot.
    ///
    /// # Safety
    /// As for [`words_mut`](Self::words_mut).
    #[inline]
    pub(super) unsafe fn fill(&mut self, region: &Region, message: Payload) {
        // SAFETY: the caller promises that it is this side's turn.
        message.fill(unsafe { self.words_mut(region) });
        self.advance();
    }

    /// Reads the message in the next slot.
    ///
    /// # Safety
    /// As for [`words_mut`](Self::words_mut).
    #[inline]
    pub(super) unsafe fn check(&mut self, region: &Region, message: Payload) -> Result<(), Fault> {
        // SAFETY: the caller promises that it is this side's turn.
        message.check(unsafe { self.words_of(region) })?;
        self.advance();
        Ok(())
    }
}
