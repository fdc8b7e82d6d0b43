//! The part of those who subscribe: they read what is there, change no cell, and look afterwards whether it was the same
//! all the time. So they may also be such as cannot write at all.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use super::mark::{Mark, State};
use super::{By, Nonsense, Ring, sent};
use crate::sync::{Readable, fence};

/// What there is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel) enum Seen {
    /// A message, at that position: to be copied, or kept, and then looked at again.
    Message(u64),
    /// Nobody has published anything.
    Nothing,
    /// The next one is being written, by that one.
    Unfinished(u64, By),
}

/// How far one who subscribes is.
#[derive(Debug)]
pub(in crate::channel) struct ReadingAt {
    /// The next position to look at.
    pub(in crate::channel) next: Cell<u64>,
    /// How many it was too slow for.
    pub(in crate::channel) missed: Cell<u64>,
}

impl<W: Readable> Ring<'_, W> {
    /// Where one begins who comes to read: behind all that is there, but for the last so many messages.
    pub(in crate::channel) fn reading_from(&self, last: u64) -> ReadingAt {
        let end = self.sent();
        // Acquire: pairs with the Release in `publish`, as in `sent` nothing is ordered.
        fence(Ordering::Acquire);
        let oldest = end.saturating_sub(self.depth());
        let (mut next, mut left) = (end, last);
        while next > oldest && left > 0 {
            let mark = Mark(self.word(next - 1).look());
            if mark.ahead_of(self.lap(next - 1)) > 0 {
                break;
            }
            left -= u64::from(mark == Mark::new(State::Published, self.lap(next - 1)));
            next -= 1;
        }
        ReadingAt { next: Cell::new(next), missed: Cell::new(0) }
    }

    /// The same as `read` for the usual case, in as few steps as it can be done: `None` says nothing.
    #[inline(always)]
    pub(in crate::channel) fn read_quickly(&self, at: &ReadingAt) -> Option<u64> {
        let next = at.next.get();
        if Mark(self.word(next).look()) != Mark::new(State::Published, self.lap(next)) {
            return None;
        }
        // Acquire: pairs with the Release in `publish`: the message is there.
        fence(Ordering::Acquire);
        Some(next)
    }

    /// Looks for the next message.
    pub(in crate::channel) fn read(&self, at: &ReadingAt) -> Result<Seen, Nonsense> {
        for _ in 0..self.tries() {
            let next = at.next.get();
            let lap = self.lap(next);
            let seen = Mark(self.word(next).look());
            // Acquire: pairs with the Release in `publish`: the message is there.
            fence(Ordering::Acquire);
            match seen.ahead_of(lap) {
                0 => {}
                ahead if ahead < 0 => return Ok(Seen::Nothing),
                ahead => {
                    self.catch_up(at, ahead as u64);
                    continue;
                }
            }
            match seen.state() {
                Some(State::Published) => return Ok(Seen::Message(next)),
                Some(State::Claimed) => return Ok(Seen::Unfinished(next, seen.who())),
                Some(State::Skipped) => at.next.set(next.wrapping_add(1)),
                // Its chunk was needed for another one.
                Some(State::Done) => self.miss(at, next.wrapping_add(1)),
                _ => return Err(Nonsense),
            }
        }
        Ok(Seen::Nothing)
    }

    /// Whether what was copied from a position, or kept, was there all the time.
    #[inline(always)]
    pub(in crate::channel) fn is_still_there(&self, position: u64) -> bool {
        // Acquire: pairs with the Release in `begin` and `claim`: who has read anything that was written later sees the claim.
        fence(Ordering::Acquire);
        Mark(self.word(position).look()) == Mark::new(State::Published, self.lap(position))
    }

    /// Goes on with what is likely to be there still, of one whose cell is so many laps ahead.
    fn catch_up(&self, at: &ReadingAt, laps: u64) {
        let next = at.next.get();
        // What is there now was claimed already, and so all before it is gone that is a lap older. More will be, in a moment.
        let claimed = next.wrapping_add(laps << self.bits);
        let tail = self.tail().look();
        let end = if tail.wrapping_sub(claimed) <= self.depth() { tail } else { claimed };
        let ahead = end.wrapping_sub(self.depth()).wrapping_add(self.depth() / 8).wrapping_sub(next);
        let gone = ((laps - 1) << self.bits) + 1;
        self.miss(at, next.wrapping_add(ahead.max(gone)));
    }

    fn miss(&self, at: &ReadingAt, next: u64) {
        at.missed.set(at.missed.get().wrapping_add(next.wrapping_sub(at.next.get())));
        at.next.set(next);
    }

    /// How many were sent, as far as can be seen from here.
    pub(in crate::channel) fn sent(&self) -> u64 {
        let word = |position| Some(self.word(position).look());
        sent(self.tail().look(), self.bits, word).unwrap_or_default()
    }
}
