//! Waiting for something that is not in one word: a word that changes whenever it may have come about.
//!
//! Who waits announces it, looks again, and sleeps on the word; who has changed something looks whether anybody waits.
//! Each has a fence between the two, so that one of them sees the other.

use std::sync::atomic::Ordering;

use super::word::fence;
use super::{Sleeper, Word};
use crate::sys::Wait;

/// Somebody sleeps, or may.
const WAITING: u64 = 1;
const ONE: u64 = 2;
/// How often a word that others change all the time is tried.
const TRIES: u32 = 100;

/// Says that somebody waits: what it gives is to be slept on, after another look.
pub(super) fn announce(turns: &impl Word) -> u32 {
    // Relaxed: the fence orders it.
    let seen = turns.fetch_or(WAITING, Ordering::Relaxed);
    // Pairs with the fence in `pass`.
    fence(Ordering::SeqCst);
    (seen | WAITING) as u32
}

/// Sleeps until the word is another than was announced, for a moment at most.
pub(super) fn sleep<W: Word>(turns: &W, sleeper: &impl Sleeper<W>, announced: u32, wait: Wait) {
    sleeper.sleep(turns, announced, wait);
}

/// Says that something has changed, to those who wait.
#[inline]
pub(super) fn pass<W: Word>(turns: &W, sleeper: &impl Sleeper<W>) {
    // Pairs with the fence in `announce`: who announces after this sees what was changed before it.
    fence(Ordering::SeqCst);
    // Relaxed: likewise.
    let mut seen = turns.load(Ordering::Relaxed);
    if seen & WAITING == 0 {
        return;
    }
    for _ in 0..TRIES {
        let next = seen.wrapping_add(ONE) & !WAITING;
        // Relaxed: it orders nothing; who wakes looks for itself.
        match turns.compare_exchange(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return sleeper.wake_all(turns),
            // Somebody else has passed it on.
            Err(now) if now & WAITING == 0 => return,
            Err(now) => seen = now,
        }
    }
}
