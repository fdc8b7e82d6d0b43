//! What several can have at once: each attachment counts its own shares, where only it writes, and whoever wants to know
//! adds up those of all that live. So a death takes its shares with it, and nobody has to clear anything away.
//!
//! A count is one byte of a word, since each attachment has several.

use std::sync::atomic::Ordering;

use super::lock::Holder;
use super::{Door, Word, turns};
use crate::sys::Taken;

/// The most that one attachment can have.
const MOST: u64 = 0xff;
/// How often a word that others change is tried: its other bytes belong to threads of this process.
const TRIES: u32 = 1000;

/// All attachments, living and dead.
pub(crate) trait Crowd<W>: Door<W> {
    /// How many there can be.
    fn slots(&self) -> u32;

    /// The word that has a slot's shares, and how far up in it they are.
    fn shares(&self, slot: u32) -> (&W, u32);

    /// Whether nobody has the slot.
    fn is_empty(&self, slot: u32) -> Result<bool, Self::Error>;
}

/// The words of something that is shared.
pub(crate) struct Words<'a, W> {
    pub(crate) word: &'a W,
    pub(crate) turns: &'a W,
}

impl<W> Clone for Words<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Words<'_, W> {}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    Taken(Taken),
    /// This attachment has as many shares as can be counted.
    Full,
}

/// One share more for this attachment: false if it has as many as can be counted.
#[inline]
pub(super) fn add<W: Word>(crowd: &impl Crowd<W>, me: Holder) -> bool {
    let (word, shift) = crowd.shares(me.slot);
    // Relaxed: a guess, which the exchange checks.
    let mut seen = word.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        if seen >> shift & MOST == MOST {
            return false;
        }
        // Relaxed: what has to come after it is behind a fence, or a lock that is given back.
        match word.compare_exchange(seen, seen + (1 << shift), Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(now) => seen = now,
        }
    }
    false
}

/// One less: false if it has none, which is somebody else's doing.
#[inline]
pub(super) fn take_away<W: Word>(crowd: &impl Crowd<W>, me: Holder) -> bool {
    let (word, shift) = crowd.shares(me.slot);
    // Relaxed: a guess, which the exchange checks.
    let mut seen = word.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        if seen >> shift & MOST == 0 {
            return false;
        }
        // Release: pairs with the Acquire in `count`, of who has waited for it.
        match word.compare_exchange(seen, seen - (1 << shift), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(now) => seen = now,
        }
    }
    false
}

/// How many shares those who live have together; whether they live is asked only if there seem to be `many`.
pub(super) fn count<W: Word, C: Crowd<W>>(crowd: &C, me: Holder, many: u32) -> Result<u32, C::Error> {
    let all = (0..crowd.slots()).map(|slot| of(crowd, slot)).sum();
    if all < many {
        return Ok(all);
    }
    let mut living = 0;
    for slot in 0..crowd.slots() {
        // Asked first, for who has come since has begun without any.
        if of(crowd, slot) > 0 && (slot == me.slot || !crowd.is_empty(slot)?) {
            living += of(crowd, slot);
        }
    }
    Ok(living)
}

fn of<W: Word>(crowd: &impl Crowd<W>, slot: u32) -> u32 {
    let (word, shift) = crowd.shares(slot);
    // Acquire: pairs with the Release in `take_away`, so that what was read with a share is read before it is written.
    (word.load(Ordering::Acquire) >> shift & MOST) as u32
}

/// Gives back a share, and says so to who waits for that: false if somebody has taken it from us.
#[inline]
pub(crate) fn give_back<W: Word>(words: Words<'_, W>, crowd: &impl Crowd<W>, me: Holder) -> bool {
    let given = take_away(crowd, me);
    turns::pass(words.turns, crowd);
    given
}

/// How many shares those have who live.
pub(crate) fn living<W: Word, C: Crowd<W>>(crowd: &C, me: Holder) -> Result<u32, C::Error> {
    count(crowd, me, 1)
}
