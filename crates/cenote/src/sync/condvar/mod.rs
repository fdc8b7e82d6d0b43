//! A condition variable: a word that changes with each notification. It has no holder, and so nobody can die with it.

use std::sync::atomic::Ordering;

use super::{Sleeper, Word};
use crate::sys::Wait;

/// Somebody sleeps, or may.
const WAITING: u64 = 1;
const ONE: u64 = 2;

/// What was notified last, and that somebody waits for more: to be asked for while the lock is held.
pub(crate) fn listen(word: &impl Word) -> u64 {
    // Relaxed: the lock orders it before whoever notifies with that lock.
    word.fetch_or(WAITING, Ordering::Relaxed) | WAITING
}

/// Waits for the next notification, without the lock: false if the wait ended first.
pub(crate) fn wait<W: Word>(word: &W, sleeper: &impl Sleeper<W>, listened: u64, wait: Wait) -> bool {
    loop {
        // Relaxed: what was changed is seen by the lock, which is taken next.
        if (word.load(Ordering::Relaxed) ^ listened) & !WAITING != 0 {
            return true;
        }
        if wait.is_over() {
            return false;
        }
        // Others may have been woken with us, and cleared it. Relaxed: as in `listen`.
        let seen = word.fetch_or(WAITING, Ordering::Relaxed) | WAITING;
        if seen == listened {
            sleeper.sleep(word, seen as u32, wait);
        }
    }
}

/// Wakes all that wait.
pub(crate) fn notify<W: Word>(word: &W, sleeper: &impl Sleeper<W>) {
    // Relaxed: what was changed is seen by the lock, or by what the callers agree on. In two steps, so that nobody who
    // changes the word all the time can keep us here.
    let seen = word.fetch_add(ONE, Ordering::Relaxed);
    if seen & WAITING != 0 {
        let now = seen.wrapping_add(ONE);
        // If it fails, somebody has begun to wait.
        let _ = word.compare_exchange(now, now & !WAITING, Ordering::Relaxed, Ordering::Relaxed);
        sleeper.wake_all(word);
    }
}

#[cfg(all(test, loom))]
mod loom_model;
