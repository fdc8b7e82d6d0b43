//! The algorithm of values: a version word and two copies, of which the version says which one holds.
//!
//! Version v is in copy v % 2. Who stores has the lock, writes the *other* copy and then publishes v + 1, by one
//! exchange: a death before it leaves v, a death after it v + 1, and nothing is ever in between. Who loads takes no
//! lock: it looks at the version, copies, and looks again. Whoever would write the copy that it reads has published
//! another version before, so the same version twice means that nobody touched it.
//!
//! The word has the version shifted by one. Its lowest bit says that somebody sleeps until it changes, or may.

#[cfg(not(loom))]
use std::sync::atomic::fence;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(loom)]
use loom::sync::atomic::fence;

use crate::sys::WordToRead;

/// Somebody sleeps, or may.
const WAITING: u64 = 1;
const SHIFT: u32 = 1;

/// How often a new version is looked for before somebody sleeps: for about the price of being woken.
#[cfg(not(loom))]
const SPINS: u32 = 2000;
#[cfg(loom)]
const SPINS: u32 = 1;

/// A version word that can be looked at.
pub(super) trait Version {
    /// Relaxed: the fences here order it.
    fn load(&self) -> u64;
}

/// One that can be written.
pub(super) trait VersionToStore: Version {
    fn swap(&self, word: u64, order: Ordering) -> u64;
    fn fetch_or(&self, bits: u64, order: Ordering) -> u64;
}

impl Version for WordToRead {
    #[inline]
    fn load(&self) -> u64 {
        WordToRead::load(self)
    }
}

macro_rules! version {
    ($atomic:ty) => {
        impl Version for $atomic {
            #[inline]
            fn load(&self) -> u64 {
                <$atomic>::load(self, Ordering::Relaxed)
            }
        }

        impl VersionToStore for $atomic {
            #[inline]
            fn swap(&self, word: u64, order: Ordering) -> u64 {
                <$atomic>::swap(self, word, order)
            }

            #[inline]
            fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
                <$atomic>::fetch_or(self, bits, order)
            }
        }
    };
}

version!(AtomicU64);
#[cfg(loom)]
version!(loom::sync::atomic::AtomicU64);

/// The version that a word has which was copied.
pub(super) fn of_word(word: u64) -> u64 {
    word >> SHIFT
}

/// Which version there is.
pub(super) fn version(word: &impl Version) -> u64 {
    of_word(word.load())
}

/// Copies out what holds, by `copy_out`, which is told which copy to take. `None` if it was another version after the
/// copy than before it, so many `times`.
#[inline]
pub(super) fn read<R, E>(
    word: &impl Version,
    times: u32,
    mut copy_out: impl FnMut(usize) -> Result<R, E>,
) -> Result<Option<(R, u64)>, E> {
    for _ in 0..times {
        let before = version(word);
        // Acquire: pairs with the Release of the exchange in `publish`: the bytes of this version are there.
        fence(Ordering::Acquire);
        let copied = copy_out(which(before))?;
        // Acquire: pairs with the Release fence in `publish`. If a byte of a later version was copied, then the load
        // below sees the version that whoever wrote that byte had seen, which is another one.
        fence(Ordering::Acquire);
        if version(word) == before {
            return Ok(Some((copied, before)));
        }
        std::hint::spin_loop();
    }
    Ok(None)
}

/// Writes the other copy, by `write`, and makes it the one that holds: which version it is. Only with the lock.
///
/// If `write` fails nothing has happened.
#[inline]
pub(super) fn publish<W: VersionToStore, E>(
    word: &W,
    write: impl FnOnce(usize) -> Result<(), E>,
    wake_all: impl FnOnce(&W),
) -> Result<u64, E> {
    // Relaxed: only who has the lock changes it, and the lock orders one after the other.
    let next = (version(word) + 1) & (u64::MAX >> SHIFT);
    // Release: pairs with the Acquire fence after the copy in `read`: who sees a byte that is written below sees the
    // version that was seen above.
    fence(Ordering::Release);
    write(which(next))?;
    // Release: pairs with the Acquire fence before the copy in `read`, and with the one in `wait`. In one step with
    // looking who waits: whoever says so later finds the new version.
    let before = word.swap(next << SHIFT, Ordering::Release);
    if before & WAITING != 0 {
        wake_all(word);
    }
    Ok(next)
}

/// Waits until the version is another than `since`, asleep by `sleep` while the low half of the word is what it is
/// told. `sleep` says false when the time is over, and then this is `None`.
pub(super) fn wait<W: VersionToStore, E>(
    word: &W,
    since: u64,
    mut sleep: impl FnMut(&W, u32) -> Result<bool, E>,
) -> Result<Option<u64>, E> {
    if let Some(now) = spin(word, since) {
        return Ok(Some(now));
    }
    loop {
        // Relaxed: it announces us. What is seen with it, or later, is what `publish` left.
        let seen = word.fetch_or(WAITING, Ordering::Relaxed) | WAITING;
        if let Some(now) = other(seen, since) {
            return Ok(Some(now));
        }
        if !sleep(word, seen as u32)? {
            return Ok(look(word, since));
        }
    }
}

/// Looks for a moment whether it is another than `since`.
pub(super) fn spin(word: &impl Version, since: u64) -> Option<u64> {
    for _ in 0..SPINS {
        if let Some(now) = look(word, since) {
            return Some(now);
        }
        std::hint::spin_loop();
    }
    None
}

/// The version, if it is another than `since`.
pub(super) fn look(word: &impl Version, since: u64) -> Option<u64> {
    other(word.load(), since)
}

/// The version that was seen, if it is another.
fn other(seen: u64, since: u64) -> Option<u64> {
    let now = seen >> SHIFT;
    // Acquire: pairs with the Release of the exchange in `publish`: what was done before it is seen.
    (now != since).then(|| fence(Ordering::Acquire)).map(|()| now)
}

/// The copy of a version.
#[inline]
fn which(version: u64) -> usize {
    (version & 1) as usize
}

#[cfg(all(test, loom))]
mod loom_model;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn store(word: &AtomicU64, copies: &mut [u32; 2], value: u32) -> (u64, bool) {
        let mut woken = false;
        let write = |copy: usize| {
            copies[copy] = value;
            Ok::<(), Infallible>(())
        };
        let Ok(version) = publish(word, write, |_| woken = true);
        (version, woken)
    }

    fn load(word: &AtomicU64, copies: [u32; 2]) -> Option<(u32, u64)> {
        let Ok(loaded) = read(word, 3, |copy| Ok::<_, Infallible>(copies[copy]));
        loaded
    }

    #[test]
    fn versions_count_and_the_last_one_holds() {
        let (word, mut copies) = (AtomicU64::new(0), [7, 0]);
        assert_eq!(load(&word, copies), Some((7, 0)));
        for (version, value) in [(1, 8), (2, 9), (3, 10)] {
            assert_eq!(store(&word, &mut copies, value), (version, false));
            assert_eq!(load(&word, copies), Some((value, version)));
        }
    }

    #[test]
    fn what_fails_or_dies_half_way_has_not_happened() {
        let (word, mut copies) = (AtomicU64::new(0), [7, 0]);
        let half_way = |copy: usize| {
            copies[copy] = 666;
            Err(())
        };
        let failed = publish(&word, half_way, |_| ());
        assert_eq!((failed, load(&word, copies)), (Err(()), Some((7, 0))));
        assert_eq!(store(&word, &mut copies, 8), (1, false));
        assert_eq!(load(&word, copies), Some((8, 1)));
    }

    #[test]
    fn a_version_that_changes_under_the_copy_is_tried_again_but_not_for_ever() {
        let word = AtomicU64::new(0);
        let mut changes = 2;
        let read_it = |changes: &mut u32, times| {
            read(&word, times, |copy| {
                if *changes > 0 {
                    *changes -= 1;
                    word.fetch_add(2, Ordering::Relaxed);
                }
                Ok::<_, Infallible>(copy)
            })
        };
        assert_eq!(read_it(&mut changes, 3), Ok(Some((0, 2))));
        changes = u32::MAX;
        assert_eq!(read_it(&mut changes, 1000), Ok(None));
    }

    #[test]
    fn who_waits_is_announced_and_woken_once() {
        let (word, mut copies) = (AtomicU64::new(0), [0; 2]);
        let timed_out = wait(&word, 0, |_, half| {
            assert_eq!(half, 1);
            Ok::<_, Infallible>(false)
        });
        assert_eq!(timed_out, Ok(None));
        // The bit is no version.
        assert_eq!((version(&word), load(&word, copies)), (0, Some((0, 0))));
        assert_eq!(store(&word, &mut copies, 1), (1, true));
        assert_eq!(store(&word, &mut copies, 2), (2, false));
        assert_eq!(wait(&word, 1, |_, _| Err(())), Ok(Some(2)));
        assert_eq!(wait(&word, 99, |_, _| Err(())), Ok(Some(2)), "one that there never was");
    }

    /// Threads, so that Miri has something to look at: all copies are by relaxed words, as the portable ones are.
    #[test]
    fn what_threads_load_was_stored_in_one_piece() {
        const STORES: u64 = if cfg!(miri) { 40 } else { 20_000 };
        let (word, lock) = (AtomicU64::new(0), std::sync::Mutex::new(()));
        let copies: [[AtomicU64; 8]; 2] = Default::default();
        let store = || {
            let _lock = lock.lock().unwrap();
            let next = version(&word) + 1;
            let write = |copy: usize| {
                copies[copy].iter().for_each(|to| to.store(next, Ordering::Relaxed));
                Ok::<(), Infallible>(())
            };
            let Ok(stored) = publish(&word, write, |_| ());
            assert_eq!(stored, next);
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..STORES).for_each(|_| store()));
            }
            let mut last = 0;
            while last < 2 * STORES {
                let copy_out = |copy: usize| {
                    Ok::<_, Infallible>(copies[copy].each_ref().map(|from| from.load(Ordering::Relaxed)))
                };
                let Ok(loaded) = read(&word, 10, copy_out);
                if let Some((value, version)) = loaded {
                    assert_eq!(value, [version; 8]);
                    assert!(version >= last);
                    last = version;
                }
            }
        });
    }

    #[test]
    fn the_highest_version_is_followed_by_0() {
        let (word, mut copies) = (AtomicU64::new(u64::MAX), [0; 2]);
        assert_eq!(version(&word), u64::MAX >> 1);
        assert_eq!(store(&word, &mut copies, 5), (0, true));
        assert_eq!(load(&word, copies), Some((5, 0)));
    }
}
