//! The algorithm of channels: a ring of cells, each with a word that says what became of the message there.
//!
//! Positions count from 0 and never come again; a position is a cell and a lap, and the first lap is 1, so that memory
//! of zeros is a ring that nobody has used. Senders go from one position to the next, and so do receivers.
//!
//! Where several send, who wants a position exchanges the cell's word for one with its name in it, writes, and exchanges
//! that for "published": who dies in between has its name there, and whoever comes by, and is told by the kernel that it
//! is gone, passes over. Where several receive, they take and finish in the same way; what a dead one has taken is taken
//! by another. Where only one sends, and only one receives, they need none of this: one publishes, the other says how
//! far it is, and a death is as if nothing had begun.
//!
//! Of a topic everybody reads everything, and nobody changes a cell for it: who has read one looks whether it is the same
//! still. Who publishes goes round and round, and waits, if that was wanted, for those who say in their records that they
//! are behind.

mod keeping;
mod mark;
mod reading;
mod receiving;
mod records;
mod sending;

use std::sync::atomic::Ordering;

pub(super) use keeping::Candidates;
pub(super) use mark::By;
use mark::{Mark, State};
pub(super) use reading::{ReadingAt, Seen};
pub(super) use receiving::{Found, Glance, ReceivingAt, Survey};
pub(super) use records::{behind, unsubscribe};
pub(super) use sending::{Claim, SendingAt, sent};

use crate::layout::{CONTROL_WORDS, DEEPEST, DROPPED, HEAD, SKIPPED, SUBSCRIBED, TAIL};
use crate::sync::{Readable, Word};

const WORD: usize = size_of::<u64>();

/// How often cells that others change all the time are tried before they are left alone for a moment: beyond looking at
/// each of them once.
const TRIES: u64 = 1000;
/// Who sends among several says this often how far they are: who comes later looks from there on.
const STRIDE: u64 = 16;
/// Who sends looks this often how deep it is.
const SOUNDING: u64 = 64;

/// Who sends and who receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Whether several may send, and so have to claim.
    pub(super) senders_claim: bool,
    /// Whether several may receive, or senders drop what is oldest, so that receivers have to claim.
    pub(super) receivers_claim: bool,
    /// Whether a sender that finds no room puts its message in the place of the oldest.
    pub(super) drop_oldest: bool,
    /// Whether everybody reads everything.
    pub(super) topic: bool,
}

impl Rules {
    /// Whether a sender has to claim: also where it is alone, but those who receive need to know who it is.
    #[inline]
    fn claims(self) -> bool {
        self.senders_claim || self.receivers_claim
    }

    /// Whether there is room only behind the head.
    #[inline]
    fn waits_for_head(self) -> bool {
        !(self.receivers_claim || self.topic && self.drop_oldest)
    }
}

/// The words of a channel.
pub(super) struct Ring<'a, W> {
    /// What is in front of the cells.
    pub(super) control: &'a [W; CONTROL_WORDS],
    /// Of a topic: what those who subscribe say of themselves.
    pub(super) records: &'a [W],
    pub(super) cells: &'a [W],
    /// A cell has two to the power of this words.
    pub(super) cell_bits: u32,
    /// There are two to the power of this many cells.
    pub(super) bits: u32,
    pub(super) rules: Rules,
}

/// Who knows who lives.
pub(super) trait Living {
    type Error;

    /// Whether an attachment is no more.
    fn is_gone(&self, who: By) -> Result<bool, Self::Error>;
}

/// What is in shared memory makes no sense: somebody has scribbled there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonsense;

impl<'a, W: Readable> Ring<'a, W> {
    #[inline]
    pub(super) fn depth(&self) -> u64 {
        1 << self.bits
    }

    #[inline]
    fn lap(&self, position: u64) -> u64 {
        (position >> self.bits).wrapping_add(1)
    }

    /// How many cells to look at, at most, before they are left alone for a moment.
    fn tries(&self) -> u64 {
        TRIES + self.depth()
    }

    /// Where a position's cell begins, in words from the first of all cells.
    #[inline]
    pub(super) fn cell_at(&self, position: u64) -> usize {
        ((position & (self.depth() - 1)) as usize) << self.cell_bits
    }

    /// A position's cell: its word, and then what it holds.
    #[inline]
    pub(super) fn cell(&self, position: u64) -> &'a [W] {
        let at = self.cell_at(position);
        &self.cells[at..at + (1 << self.cell_bits)]
    }

    #[inline]
    fn tail(&self) -> &'a W {
        &self.control[TAIL / WORD]
    }

    #[inline]
    pub(super) fn head(&self) -> &'a W {
        &self.control[HEAD / WORD]
    }

    /// How deep it was at most, as far as somebody looked.
    pub(super) fn deepest(&self) -> &'a W {
        &self.control[DEEPEST / WORD]
    }

    pub(super) fn dropped(&self) -> &'a W {
        &self.control[DROPPED / WORD]
    }

    pub(super) fn skipped(&self) -> &'a W {
        &self.control[SKIPPED / WORD]
    }

    /// Of a topic: how many records were ever used.
    fn subscribed(&self) -> &'a W {
        &self.control[SUBSCRIBED / WORD]
    }

    #[inline]
    fn word(&self, position: u64) -> &'a W {
        &self.cells[self.cell_at(position)]
    }
}

impl<W: Word> Ring<'_, W> {
    /// Where to go on from `next`: at `hint`, if that is ahead, and as near as it must be.
    #[inline]
    fn further(&self, next: u64, hint: &W) -> u64 {
        // Acquire: pairs with the Release in `publish`, as in `sending_from`. What is there is looked at.
        let hint = hint.load(Ordering::Acquire);
        if hint.wrapping_sub(next) <= self.depth() { hint } else { next }
    }

    /// Passes over a message whose sender is gone, or drops one whose receiver is: false if somebody has done so already.
    fn skip(&self, position: u64, seen: Mark) -> bool {
        let skipped = Mark::new(State::Skipped, self.lap(position));
        // Release: pairs with the Acquire in `claim`: what is written there comes after what the dead one did there.
        let done = self
            .word(position)
            .compare_exchange(seen.0, skipped.0, Ordering::Release, Ordering::Relaxed)
            .is_ok();
        if done {
            let counted = if seen.state() == Some(State::Taken) { self.dropped() } else { self.skipped() };
            // Relaxed: for people.
            counted.fetch_add(1, Ordering::Relaxed);
        }
        done
    }

    /// Passes over a message if it is still being written by somebody who is gone, or, if the oldest is dropped, being
    /// read: whether there is anything new to see.
    pub(super) fn skip_if_gone<L: Living>(&self, position: u64, living: &L) -> Result<bool, L::Error> {
        // Relaxed: the exchange looks whether it is the same still.
        let seen = Mark(self.word(position).load(Ordering::Relaxed));
        let is_held = match seen.state() {
            Some(State::Claimed) => true,
            Some(State::Taken) => self.rules.drop_oldest,
            _ => false,
        };
        if !is_held || seen.ahead_of(self.lap(position)) != 0 {
            return Ok(true);
        }
        Ok(living.is_gone(seen.who())? && self.skip(position, seen))
    }

    /// Whether what was sent at that position is of no use to anybody any more. False also if nobody has come there yet.
    pub(super) fn is_over(&self, position: u64) -> bool {
        if self.rules.receivers_claim || self.rules.topic {
            // Acquire: pairs with the Release of who finished it, or has claimed its cell anew, so that what is written now comes after its reading.
            Mark(self.word(position).load(Ordering::Acquire)).is_over(self.lap(position))
        } else {
            // Acquire: likewise.
            position < self.head().load(Ordering::Acquire)
        }
    }
}

#[cfg(all(test, loom))]
mod loom_model;
#[cfg(all(test, loom))]
mod loom_topic;
#[cfg(all(test, not(loom)))]
mod tests;
