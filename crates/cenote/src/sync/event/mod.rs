//! An event: set or not, and those who wait for it. One word; it has no holder, and so nobody can die with it.

use std::sync::atomic::Ordering;

use super::{Sleeper, Word};
use crate::sys::Wait;

const SET: u64 = 1;
/// Somebody sleeps, or may.
const WAITING: u64 = 2;
/// How often a word that others change all the time is tried before it is left alone for a moment.
const TRIES: u32 = 100;

/// Whether it is set.
pub(crate) fn is_set(word: &impl Word) -> bool {
    // Acquire: pairs with the Release in `set`.
    word.load(Ordering::Acquire) & SET != 0
}

/// Sets it, and lets all go on that wait: false if it was set already.
pub(crate) fn set<W: Word>(word: &W, sleeper: &impl Sleeper<W>) -> bool {
    // Release: pairs with the Acquire of who goes on. In two steps, each of which nobody can keep us from.
    let before = word.fetch_or(SET, Ordering::Release);
    if before & WAITING != 0 {
        // Relaxed: it orders nothing. If it fails somebody has begun to wait, or has taken it.
        let seen = before | SET;
        let _ = word.compare_exchange(seen, seen & !WAITING, Ordering::Relaxed, Ordering::Relaxed);
        sleeper.wake_all(word);
    }
    before & SET == 0
}

/// From now on whoever comes waits: false if it was not set.
pub(crate) fn reset<W: Word>(word: &W, sleeper: &impl Sleeper<W>) -> bool {
    // Acquire: as in `wait`.
    take_it(word, sleeper, Wait::Try)
}

/// Waits until it is set: false if the wait ended first.
pub(crate) fn wait<W: Word>(word: &W, sleeper: &impl Sleeper<W>, wait: Wait) -> bool {
    wait_until(word, sleeper, wait, is_set)
}

/// Waits until it is set, and resets it: one for each time that it was set. False if the wait ended first.
pub(crate) fn take<W: Word>(word: &W, sleeper: &impl Sleeper<W>, wait: Wait) -> bool {
    wait_until(word, sleeper, wait, |word| take_it(word, sleeper, wait))
}

/// Resets it: false if it is not set, or others change it until the wait is over.
fn take_it<W: Word>(word: &W, sleeper: &impl Sleeper<W>, wait: Wait) -> bool {
    loop {
        for _ in 0..TRIES {
            // Relaxed: a guess, which the exchange checks.
            let seen = word.load(Ordering::Relaxed);
            if seen & SET == 0 {
                return false;
            }
            // Acquire: pairs with the Release in `set`.
            if word.compare_exchange(seen, seen & !SET, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
        if matches!(wait, Wait::Try) || wait.is_over() {
            return false;
        }
        sleeper.pause();
    }
}

fn wait_until<W: Word>(word: &W, sleeper: &impl Sleeper<W>, wait: Wait, done: impl Fn(&W) -> bool) -> bool {
    loop {
        if done(word) {
            return true;
        }
        if matches!(wait, Wait::Try) || wait.is_over() {
            return false;
        }
        // Relaxed: who sets it sees this, or was first, and then the sleep ends at once.
        let seen = word.fetch_or(WAITING, Ordering::Relaxed) | WAITING;
        if seen & SET == 0 {
            sleeper.sleep(word, seen as u32, wait);
        }
    }
}

#[cfg(all(test, loom))]
mod loom_model;
