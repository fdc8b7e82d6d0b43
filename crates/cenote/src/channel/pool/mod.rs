//! Chunks: where the messages lie that are too long for a cell. Each has a word that says who has it.
//!
//! Only those who send write the words. A chunk that was sent says at which position, and is free again as soon as the
//! ring says that this is over: who receives has nothing to give back, and so nothing to lose when it dies.
//!
//! Where one sends alone it writes what others would have to exchange: an exchange waits until all that was written before
//! has arrived, and that is the message.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use super::ring::{By, Candidates, Living, Ring};
use crate::sync::Word;

/// Nobody has had it yet, or it was given back.
const FREE: u64 = 0;
/// In the lowest four bits: somebody fills it, and has its name above them.
const LENT: u64 = 1;
/// It was sent, with the position above them.
const SENT: u64 = 2;
const STATE: u64 = 0xf;
const SHIFT: u32 = 4;
/// So many of the first ones are looked at each time.
const NEAR: usize = 16;

/// The words of all chunks.
pub(super) struct Pool<'a, W> {
    pub(super) words: &'a [W],
    /// Whether nobody else sends, to a queue.
    pub(super) alone: bool,
}

impl<W: Word> Pool<'_, W> {
    /// Takes one that is free: the first of the first few, so that few are in use, which stay in the processors' caches; else
    /// one of the others, looking from `cursor` on. `is_over` says whether what was sent at a position was received.
    pub(super) fn lend<L: Living>(
        &self,
        cursor: &Cell<usize>,
        me: By,
        is_over: impl Fn(u64) -> bool,
        living: &L,
    ) -> Result<Option<usize>, L::Error> {
        let free = |seen: u64| match seen & STATE {
            SENT => is_over(seen >> SHIFT),
            _ => seen == FREE,
        };
        if let Some(chunk) = self.find(cursor, me, |seen| Ok(free(seen)))? {
            return Ok(Some(chunk));
        }
        self.find(cursor, me, |seen| match seen & STATE {
            LENT => living.is_gone(By::of_bits(seen)),
            _ => Ok(false),
        })
    }

    #[inline]
    fn find<E>(
        &self,
        cursor: &Cell<usize>,
        me: By,
        may_be_had: impl Fn(u64) -> Result<bool, E>,
    ) -> Result<Option<usize>, E> {
        let (all, near) = (self.words.len(), NEAR.min(self.words.len()));
        let from = cursor.get().clamp(near, all);
        for chunk in (0..near).chain(from..all).chain(near..from) {
            // Relaxed: what was read there is ordered by the position's being over, and `exchange` looks again.
            let seen = self.words[chunk].load(Ordering::Relaxed);
            // Acquire: pairs with the Release in `give_back`.
            if may_be_had(seen)? && self.exchange(chunk, seen, lent(me), Ordering::Acquire) {
                if chunk >= near {
                    cursor.set(chunk + 1);
                }
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }

    /// Of a topic: takes chunks whose messages are over and in nobody's hands, looking from `cursor` on, up to so many.
    pub(super) fn set_aside(
        &self,
        ring: &Ring<'_, W>,
        cursor: &Cell<usize>,
        me: By,
        most: usize,
        to: &mut Vec<usize>,
    ) {
        let mut looked = 0;
        while looked < self.words.len() && to.is_empty() {
            let mut candidates = Candidates::default();
            looked += self.gather(ring, cursor, most, &mut candidates);
            ring.strike_kept(&mut candidates);
            while let Some((chunk, seen)) = candidates.pop() {
                let word = &self.words[chunk];
                // Acquire: pairs with the Release in `give_back`.
                if word.compare_exchange(seen, lent(me), Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    to.push(chunk);
                }
            }
        }
    }

    /// Chunks that are free, or were sent and are over: how many it has looked at.
    fn gather(&self, ring: &Ring<'_, W>, cursor: &Cell<usize>, most: usize, to: &mut Candidates) -> usize {
        for looked in 0..self.words.len() {
            if to.len() == most {
                return looked;
            }
            let chunk = cursor.get() % self.words.len();
            cursor.set(chunk + 1);
            // Relaxed: the exchange looks again.
            let seen = self.words[chunk].load(Ordering::Relaxed);
            if seen == FREE || seen & STATE == SENT && ring.is_over(seen >> SHIFT) {
                to.push(chunk, seen);
            }
        }
        self.words.len()
    }

    /// Frees what those had who are gone: whether there was anything.
    pub(super) fn free_those_of_the_gone<L: Living>(&self, living: &L) -> Result<bool, L::Error> {
        let mut any = false;
        for word in self.words {
            // Relaxed: the exchange looks whether it is the same still.
            let seen = word.load(Ordering::Relaxed);
            if seen & STATE == LENT && living.is_gone(By::of_bits(seen))? {
                // Release: as in `give_back`.
                any |= word.compare_exchange(seen, FREE, Ordering::Release, Ordering::Relaxed).is_ok();
            }
        }
        Ok(any)
    }

    /// Writes another word if it is still what it was.
    #[inline]
    fn exchange(&self, chunk: usize, seen: u64, new: u64, order: Ordering) -> bool {
        let word = &self.words[chunk];
        if !self.alone {
            return word.compare_exchange(seen, new, order, Ordering::Relaxed).is_ok();
        }
        // Relaxed: whoever sent before has let go of its end, or is dead, and by that it is ordered.
        let is_same = word.load(Ordering::Relaxed) == seen;
        if is_same {
            // Relaxed: likewise for who sends after us.
            word.store(new, Ordering::Relaxed);
        }
        is_same
    }

    /// Says that it is sent at that position: before that is published, so that no death loses it. False if it is not
    /// ours any more.
    #[inline]
    pub(super) fn send(&self, chunk: usize, position: u64, me: By) -> bool {
        let sent = position << SHIFT | SENT;
        // Relaxed: only senders look, and what they find is ordered by the position's being over.
        self.exchange(chunk, lent(me), sent, Ordering::Relaxed)
    }

    /// Of one that is not sent after all.
    pub(super) fn give_back(&self, chunk: usize, me: By) {
        // Release: pairs with the Acquire in `find`: what we wrote there is not written over what the next one writes.
        // If it fails somebody took us for dead, and has it.
        let _ = self.exchange(chunk, lent(me), FREE, Ordering::Release);
    }
}

fn lent(me: By) -> u64 {
    me.bits() | LENT
}

#[cfg(all(test, loom))]
mod loom_model;
#[cfg(all(test, loom))]
mod loom_topic;
