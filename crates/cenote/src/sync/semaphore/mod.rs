//! The counting semaphore of the GNU C library, `sem_t`, as its peers have it in shared memory.
//!
//! One word of 64 bits: the value in the low half, the number of those who wait in the high half. Whoever wants one
//! takes it from the value, or counts itself among the waiting and sleeps on the low half while that is 0. Whoever
//! gives one back wakes one if anybody waits. The C library's own functions are not used: they end the process when
//! somebody writes nonsense beside the word.
//!
//! A process that dies takes what it has with it, and stays counted if it waited; that costs a system call later.

use std::sync::atomic::Ordering;

use super::Word;
use crate::sys::Wait;

/// The most that it can hold: `SEM_VALUE_MAX`.
pub(crate) const MOST: u32 = i32::MAX as u32;

/// What is added to the word for one that waits.
const WAITING: u64 = 1 << 32;

/// How often a word that others change all the time is tried before the clock is looked at.
const TRIES: u32 = 100;

/// How to sleep, and how to wake.
pub(crate) trait Door<W> {
    type Error;

    /// Sleeps while the low half is 0, until it is woken or the wait ends; or returns at once, for any reason.
    fn sleep(&self, word: &W, wait: Wait) -> Result<(), Self::Error>;

    /// Wakes one that sleeps.
    fn wake_one(&self, word: &W);
}

/// How many there are to take.
pub(crate) fn value(word: &impl Word) -> u32 {
    // Relaxed: it may be another by the time that it is known.
    word.load(Ordering::Relaxed) as u32
}

/// Takes one: false if the wait ended first.
#[inline]
pub(crate) fn acquire<W: Word, D: Door<W>>(word: &W, door: &D, wait: Wait) -> Result<bool, D::Error> {
    if take(word, 0) {
        return Ok(true);
    }
    if matches!(wait, Wait::Try) {
        return Ok(false);
    }
    acquire_slowly(word, door, wait)
}

#[cold]
fn acquire_slowly<W: Word, D: Door<W>>(word: &W, door: &D, wait: Wait) -> Result<bool, D::Error> {
    // Relaxed: whoever releases sees it in the same word, or we see what was released.
    word.fetch_add(WAITING, Ordering::Relaxed);
    let outcome = loop {
        if take(word, WAITING) {
            return Ok(true);
        }
        if wait.is_over() {
            break Ok(false);
        }
        if let Err(error) = door.sleep(word, wait) {
            break Err(error);
        }
    };
    // Relaxed: it orders nothing.
    word.fetch_sub(WAITING, Ordering::Relaxed);
    outcome
}

/// Takes one if there is one, and `also` from the word with it.
#[inline]
fn take(word: &impl Word, also: u64) -> bool {
    // Relaxed: a guess, which the exchange checks.
    let mut seen = word.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        if seen as u32 == 0 {
            return false;
        }
        let left = (seen - 1).wrapping_sub(also);
        // Acquire: pairs with the Release in `release`, of whoever gave back what is taken here.
        match word.compare_exchange(seen, left, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(now) => seen = now,
        }
    }
    false
}

/// Gives one back: false if there are as many as can be.
#[inline]
pub(crate) fn release<W: Word, D: Door<W>>(word: &W, door: &D) -> bool {
    if value(word) >= MOST {
        return false;
    }
    // Release: pairs with the Acquire in `take`, of whoever takes it next. Added, not exchanged, so that nobody who
    // changes the word all the time can keep us here.
    let before = word.fetch_add(1, Ordering::Release);
    if before >= WAITING {
        door.wake_one(word);
    }
    true
}

/// Gives back what one at a time can have: false if it is there already.
pub(crate) fn free<W: Word, D: Door<W>>(word: &W, door: &D) -> bool {
    // Relaxed: a guess, which the exchange checks.
    let mut seen = word.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        if seen as u32 != 0 {
            return false;
        }
        // Release: pairs with the Acquire in `take`, as in `release`.
        match word.compare_exchange(seen, seen + 1, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => {
                if seen >= WAITING {
                    door.wake_one(word);
                }
                return true;
            }
            Err(now) => seen = now,
        }
    }
    // Somebody changes the word all the time, and shall not keep us here.
    release(word, door)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::{Duration, Instant};

    use super::*;

    /// Sleeps by looking again.
    struct Awake;

    impl Door<AtomicU64> for Awake {
        type Error = std::convert::Infallible;

        fn sleep(&self, _word: &AtomicU64, _wait: Wait) -> Result<(), Self::Error> {
            std::thread::yield_now();
            Ok(())
        }

        fn wake_one(&self, _word: &AtomicU64) {}
    }

    fn acquire(word: &AtomicU64, wait: Wait) -> bool {
        super::acquire(word, &Awake, wait).unwrap_or_else(|never| match never {})
    }

    #[test]
    fn it_counts_down_to_0_and_up_to_its_limit() {
        let word = AtomicU64::new(2);
        assert!(acquire(&word, Wait::Try) && acquire(&word, Wait::Try));
        assert!(!acquire(&word, Wait::Try));
        let end = Instant::now() + Duration::from_millis(20);
        assert!(!acquire(&word, Wait::Until(end)));
        assert!(Instant::now() >= end);
        assert_eq!(word.load(Ordering::Relaxed), 0, "who has waited is counted no more");
        assert!(release(&word, &Awake) && acquire(&word, Wait::Forever));
        let full = AtomicU64::new(u64::from(MOST) | (7 * WAITING));
        assert!(!release(&full, &Awake));
        assert_eq!(value(&full), MOST);
    }

    #[test]
    fn what_one_at_a_time_can_have_is_given_back_once() {
        let word = AtomicU64::new(3 * WAITING);
        assert!(free(&word, &Awake) && !free(&word, &Awake));
        assert_eq!(word.load(Ordering::Relaxed), 3 * WAITING + 1);
    }

    #[test]
    fn no_word_is_too_odd_to_come_back_from() {
        for odd in [u64::MAX, WAITING, WAITING - 1, u64::MAX << 32, 1 << 31, u64::from(MOST) + 1] {
            let word = AtomicU64::new(odd);
            let taken = acquire(&word, Wait::Try);
            assert_eq!(taken, odd as u32 != 0, "{odd:x}");
            let _ = acquire(&word, Wait::Until(Instant::now() + Duration::from_millis(1)));
            let _ = release(&word, &Awake);
            let _ = free(&word, &Awake);
        }
    }
}

#[cfg(all(test, loom))]
mod loom_model;
