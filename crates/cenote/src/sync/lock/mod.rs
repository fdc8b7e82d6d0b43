//! The lock of native segments: one word, which says who has it.
//!
//! A word of 64 bits: in the low half the holder's slot and flags, in the high half the slot's generation. 0 is free.
//! Whoever wants it spins for a moment and then sleeps on the low half, never for long: before each sleep it asks
//! whether the holder is gone, which no number in shared memory can tell, and takes the lock over if so. A slot that
//! has another holder by now has another generation, so whole words are compared.

use std::sync::atomic::Ordering;

use super::{Door, Word};
use crate::sys::{Taken, Wait};

/// Somebody sleeps, or may.
const WAITING: u64 = 1;
/// In a free word: who had it left it while panicking.
const MARKED: u64 = 2;
const FLAGS: u64 = WAITING | MARKED;
const SLOT_SHIFT: u32 = 16;
const GENERATION_SHIFT: u32 = 32;

/// How often it is looked at before somebody sleeps: for about the price of being woken.
#[cfg(not(loom))]
const SPINS: u32 = 2000;
#[cfg(loom)]
const SPINS: u32 = 1;
/// The time between the first two looks, and the longest one, in the same measure: a fraction of a microsecond, and a
/// few. Measured with two processes that do nothing else: looking more often costs both more than it gives one.
const FIRST_PAUSE: u32 = 16;
const LONGEST_PAUSE: u32 = 128;
/// How often a word that others change all the time is tried before it is left alone for a moment.
const TRIES: u32 = 100;

/// An attachment that can hold the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl Holder {
    fn word(self) -> u64 {
        u64::from(self.generation) << GENERATION_SHIFT | u64::from(self.slot + 1) << SLOT_SHIFT
    }

    /// Whoever a word names: anything can be in it.
    fn of(word: u64) -> Option<Self> {
        let slot = (word as u32 >> SLOT_SHIFT).checked_sub(1)?;
        Some(Self { slot, generation: (word >> GENERATION_SHIFT) as u32 })
    }
}

/// Who has it, if anybody.
pub(crate) fn holder(word: &impl Word) -> Option<Holder> {
    // Relaxed: it may be another by the time that it is known.
    Holder::of(word.load(Ordering::Relaxed))
}

/// Who has it, and, if nobody, whether who had it left a mark.
#[inline]
pub(super) fn look(word: &impl Word, order: Ordering) -> (Option<Holder>, bool) {
    let seen = word.load(order);
    (Holder::of(seen), seen & MARKED != 0)
}

/// Takes it if it is free and in order.
#[inline]
pub(crate) fn acquire_free(word: &impl Word, me: Holder) -> bool {
    exchange(word, 0, me.word())
}

/// Takes it.
pub(crate) fn acquire<W: Word, D: Door<W>>(
    word: &W,
    door: &D,
    me: Holder,
    wait: Wait,
) -> Result<Taken, D::Error> {
    if acquire_free(word, me) { Ok(Taken::Yes) } else { acquire_slowly(word, door, me, wait) }
}

#[cold]
fn acquire_slowly<W: Word, D: Door<W>>(
    word: &W,
    door: &D,
    me: Holder,
    wait: Wait,
) -> Result<Taken, D::Error> {
    if !matches!(wait, Wait::Try)
        && let Some(taken) = spin(word, me)
    {
        return Ok(taken);
    }
    // Once it has slept, nobody knows whether it was the only one.
    let mut others = 0;
    let mut tries = 0;
    loop {
        // Relaxed: a guess, which each exchange checks.
        let seen = word.load(Ordering::Relaxed);
        match Holder::of(seen) {
            None => {
                if exchange(word, seen, me.word() | seen & WAITING | others) {
                    return Ok(taken_from(seen));
                }
            }
            // Another thread on the same handle lives as long as this one.
            Some(holder) if holder != me && door.is_gone(holder)? => {
                if exchange(word, seen, me.word() | WAITING) {
                    return Ok(Taken::Abandoned);
                }
            }
            Some(_) if matches!(wait, Wait::Try) || wait.is_over() => return Ok(Taken::TimedOut),
            // Relaxed: it announces us, and orders nothing.
            Some(_)
                if seen & WAITING != 0
                    || word
                        .compare_exchange(seen, seen | WAITING, Ordering::Relaxed, Ordering::Relaxed)
                        .is_ok() =>
            {
                others = WAITING;
                door.sleep(word, (seen | WAITING) as u32, wait);
            }
            Some(_) => {}
        }
        tries += 1;
        if tries % TRIES == 0 {
            if matches!(wait, Wait::Try) || wait.is_over() {
                return Ok(Taken::TimedOut);
            }
            door.pause();
        }
    }
}

/// Acquire: pairs with the Release in `release`. What a dead holder wrote last is ordered by nothing but its death,
/// which the kernel has told.
#[inline]
fn exchange(word: &impl Word, seen: u64, new: u64) -> bool {
    word.compare_exchange(seen, new, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// Looks for a moment whether it becomes free, and takes it. Ever more rarely: each look takes the line from whoever has
/// the lock, who would rather use it.
fn spin(word: &impl Word, me: Holder) -> Option<Taken> {
    let (mut left, mut pause) = (SPINS, FIRST_PAUSE);
    while left > 0 {
        // Relaxed: a guess, which the exchange checks.
        let seen = word.load(Ordering::Relaxed);
        if Holder::of(seen).is_none() && exchange(word, seen, me.word() | seen & WAITING) {
            return Some(taken_from(seen));
        }
        for _ in 0..pause {
            std::hint::spin_loop();
        }
        left = left.saturating_sub(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    None
}

/// What a free word tells whoever has taken it.
fn taken_from(seen: u64) -> Taken {
    if seen & MARKED == 0 { Taken::Yes } else { Taken::Abandoned }
}

/// Gives it back, with a mark if what it protects may be half done: false if it is not ours any more.
#[inline]
pub(crate) fn release<W: Word>(word: &W, me: Holder, marked: bool, wake_one: impl FnOnce(&W)) -> bool {
    let left = if marked { MARKED } else { 0 };
    let mut seen = me.word();
    for _ in 0..TRIES {
        // Release: pairs with the Acquire of whoever takes it next.
        match word.compare_exchange(seen, left, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => {
                if seen & WAITING != 0 {
                    wake_one(word);
                }
                return true;
            }
            // Somebody has begun to wait, or it was taken from us.
            Err(now) if now & !FLAGS == me.word() => seen = now,
            Err(_) => return false,
        }
    }
    false
}

/// Frees it, whoever has it, with a mark: false if nobody had.
pub(crate) fn break_it<W: Word>(word: &W, wake_one: impl FnOnce(&W)) -> bool {
    for _ in 0..TRIES {
        // Relaxed: a guess, which the exchange checks.
        let seen = word.load(Ordering::Relaxed);
        if Holder::of(seen).is_none() {
            return false;
        }
        if exchange(word, seen, MARKED) {
            wake_one(word);
            return true;
        }
    }
    false
}

#[cfg(all(test, loom))]
mod loom_model;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    use super::super::Sleeper;
    use super::*;

    /// Knows one that is dead.
    struct Dead(Option<Holder>);

    impl Sleeper<AtomicU64> for Dead {
        fn sleep(&self, _word: &AtomicU64, _half: u32, _wait: Wait) {
            std::thread::yield_now();
        }

        fn wake_one(&self, _word: &AtomicU64) {}

        fn wake_all(&self, _word: &AtomicU64) {}

        fn pause(&self) {
            std::thread::yield_now();
        }
    }

    impl Door<AtomicU64> for Dead {
        type Error = std::convert::Infallible;

        fn is_gone(&self, holder: Holder) -> Result<bool, Self::Error> {
            Ok(self.0 == Some(holder))
        }
    }

    const ONE: Holder = Holder { slot: 0, generation: 7 };
    const TWO: Holder = Holder { slot: 255, generation: u32::MAX };
    const NOBODY: Dead = Dead(None);

    fn take(word: &AtomicU64, door: &Dead, me: Holder) -> Taken {
        let Ok(taken) = acquire(word, door, me, Wait::up_to(Some(Duration::from_millis(1))));
        taken
    }

    #[test]
    fn one_at_a_time_has_it() {
        let word = AtomicU64::new(0);
        assert_eq!(take(&word, &NOBODY, ONE), Taken::Yes);
        assert_eq!(holder(&word), Some(ONE));
        assert_eq!(take(&word, &NOBODY, TWO), Taken::TimedOut);
        assert_eq!(take(&word, &NOBODY, ONE), Taken::TimedOut, "another thread on the same handle");
        assert!(!release(&word, TWO, false, |_| ()));
        assert!(release(&word, ONE, false, |_| ()));
        assert_eq!((holder(&word), word.load(Ordering::Relaxed)), (None, 0));
        assert_eq!(take(&word, &NOBODY, TWO), Taken::Yes);
    }

    #[test]
    fn what_the_dead_had_is_taken_over_and_they_cannot_give_it_back() {
        let word = AtomicU64::new(0);
        assert_eq!(take(&word, &NOBODY, ONE), Taken::Yes);
        // The slot has another holder by now: that one lives, and this one does not.
        let next = Holder { generation: 8, ..ONE };
        assert_eq!(take(&word, &Dead(Some(next)), TWO), Taken::TimedOut);
        assert_eq!(take(&word, &Dead(Some(ONE)), TWO), Taken::Abandoned);
        assert!(!release(&word, ONE, false, |_| ()));
        assert!(release(&word, TWO, false, |_| ()));
    }

    #[test]
    fn a_mark_is_told_once() {
        let word = AtomicU64::new(0);
        assert_eq!(take(&word, &NOBODY, ONE), Taken::Yes);
        assert!(release(&word, ONE, true, |_| ()));
        assert_eq!(holder(&word), None);
        assert_eq!(take(&word, &NOBODY, TWO), Taken::Abandoned);
        assert!(release(&word, TWO, false, |_| ()));
        assert_eq!(take(&word, &NOBODY, ONE), Taken::Yes);
        assert!(break_it(&word, |_| ()));
        assert!(!break_it(&word, |_| ()));
        assert!(!release(&word, ONE, false, |_| ()), "it was broken");
        assert_eq!(take(&word, &NOBODY, TWO), Taken::Abandoned);
    }

    /// Free whenever it is looked at, and another's whenever it is taken.
    struct Restless;

    impl Word for Restless {
        fn load(&self, _order: Ordering) -> u64 {
            0
        }

        fn store(&self, _value: u64, _order: Ordering) {}

        fn fetch_add(&self, _value: u64, _order: Ordering) -> u64 {
            0
        }

        fn fetch_sub(&self, _value: u64, _order: Ordering) -> u64 {
            0
        }

        fn fetch_or(&self, _bits: u64, _order: Ordering) -> u64 {
            0
        }

        fn compare_exchange(
            &self,
            _old: u64,
            _new: u64,
            _done: Ordering,
            _not: Ordering,
        ) -> Result<u64, u64> {
            Err(TWO.word())
        }
    }

    impl Sleeper<Restless> for Dead {
        fn sleep(&self, _word: &Restless, _half: u32, _wait: Wait) {}

        fn wake_one(&self, _word: &Restless) {}

        fn wake_all(&self, _word: &Restless) {}

        fn pause(&self) {
            std::thread::yield_now();
        }
    }

    impl Door<Restless> for Dead {
        type Error = std::convert::Infallible;

        fn is_gone(&self, _holder: Holder) -> Result<bool, Self::Error> {
            Ok(false)
        }
    }

    #[test]
    fn a_word_that_others_change_all_the_time_ends_in_time() {
        for wait in [Wait::Try, Wait::up_to(Some(Duration::from_millis(1)))] {
            let Ok(taken) = acquire(&Restless, &NOBODY, ONE, wait);
            assert_eq!(taken, Taken::TimedOut);
        }
        assert!(!release(&Restless, ONE, false, |_| ()));
        assert!(!break_it(&Restless, |_| ()));
    }

    #[test]
    fn any_word_at_all_ends_in_time() {
        for seen in [u64::MAX, 1, 2, 3, 0xffff, 1 << 63, 0x0001_0000, 0xffff_0003] {
            let word = AtomicU64::new(seen);
            let taken = take(&word, &NOBODY, ONE);
            assert!(taken == Taken::TimedOut || holder(&word) == Some(ONE), "{seen:#x}: {taken:?}");
        }
    }
}
