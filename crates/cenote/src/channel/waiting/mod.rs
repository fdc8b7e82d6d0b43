//! Waiting for a message, or for room: an event count. Who waits says so in a word and sleeps on it; who has something
//! for them looks at the word, and makes a system call only if somebody has said so.
//!
//! In the low half of the word is a bit for "somebody sleeps, or may", and how often somebody was woken; in the high half
//! is how often somebody came to sleep. Looking at the word costs who sends nothing but a load: that this load does not come
//! before its message is seen to is the business of who goes to sleep, by a barrier that the system runs on all
//! processors (membarrier(2)). As that is dear it is left out before the first sleep, which is short: instead there is a moment
//! for what is on its way to arrive.

mod several;
mod spin;

use std::sync::atomic::Ordering;
use std::time::Duration;

pub(super) use several::{Several, Waited, wait_for_any};
pub(super) use spin::Spin;

use crate::sync::Word;
use crate::sys::Wait;

/// Somebody sleeps, or may.
const WAITING: u64 = 1;
/// Somebody was woken once more.
const WOKEN: u64 = 2;
/// Somebody came to sleep.
const CAME: u64 = 1 << 32;
/// The first sleep, without a barrier. Shorter ones are dear: in a virtual machine each has the host set a timer.
const FIRST: Duration = Duration::from_millis(10);
/// The others grow up to this. Whoever dies between sending and waking wakes nobody.
const LONGEST: Duration = Duration::from_millis(500);
/// How often a word that others change all the time is tried.
const TRIES: u32 = 100;

/// The words that somebody waits at.
pub(super) struct Bell<'a, W> {
    pub(super) word: &'a W,
    /// On which processor somebody was when it woke another one last.
    pub(super) waker: &'a W,
    /// Whether all are woken: as there is one at most, or as they do not all wait for the same.
    pub(super) all: bool,
}

/// What it takes of the system.
pub(super) trait Kernel<W> {
    type Error;

    /// Sleeps while the low half is `half`: until it is woken, or the time is over.
    fn sleep(&self, word: &W, half: u32, time: Duration) -> Result<(), Self::Error>;

    /// Wakes one: false if nobody slept.
    fn wake_one(&self, word: &W) -> bool;

    /// Wakes all.
    fn wake_all(&self, word: &W);

    /// On which processor this thread is.
    fn processor(&self) -> u64;

    /// Keeps what comes after it from being done before what comes before it. Cheap, if the other side does the heavy one.
    fn light_barrier(&self);

    /// The same for this thread, and for all that use the light one.
    fn heavy_barrier(&self);
}

/// Wakes one of those who wait, or all, if any do: after what they wait for is there.
#[inline(always)]
pub(super) fn notify<W: Word, K: Kernel<W>>(bell: &Bell<'_, W>, kernel: &K) {
    // Pairs with the heavy barrier in `wait`: either we see that somebody waits, or they see what is there.
    kernel.light_barrier();
    // Relaxed: ordered by the barrier.
    if bell.word.load(Ordering::Relaxed) & WAITING != 0 {
        wake(bell, kernel);
    }
}

#[cold]
fn wake<W: Word, K: Kernel<W>>(bell: &Bell<'_, W>, kernel: &K) {
    let word = bell.word;
    // Relaxed: a hint.
    bell.waker.store(kernel.processor(), Ordering::Relaxed);
    if bell.all {
        return wake_all(word, kernel);
    }
    // Whoever is about to sleep does not, since the low half is another by now.
    // Relaxed: the barrier in `notify` is before it.
    let now = word.fetch_add(WOKEN, Ordering::Relaxed).wrapping_add(WOKEN);
    if !kernel.wake_one(word) {
        // Nobody slept. If it fails somebody came or was woken meanwhile, and the bit stays.
        // Relaxed: it orders nothing.
        let _ = word.compare_exchange(now, now & !WAITING, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Wakes all who sleep there, and those who are about to, without having looked whether anybody does.
pub(super) fn wake_in_any_case<W: Word>(word: &W, wake_all: impl Fn(&W)) {
    // Release: pairs with nothing; what they wait for is before it, and the kernel looks at the word with its own lock in hand.
    word.fetch_add(WOKEN, Ordering::Release);
    wake_all(word);
}

/// In one step that nobody sleeps any more: who comes then sees what there is.
fn wake_all<W: Word, K: Kernel<W>>(word: &W, kernel: &K) {
    // Relaxed: the barrier in `notify` is before it.
    let mut seen = word.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        let now = seen.wrapping_add(WOKEN) & !WAITING;
        match word.compare_exchange(seen, now, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => break,
            Err(other) => seen = other,
        }
    }
    kernel.wake_all(word);
}

/// Looks until there is something, spinning and then sleeping in between: `None` if the wait ended first. `look` is told
/// whether there is time to look thoroughly.
pub(super) fn wait<W: Word, K: Kernel<W>, T>(
    bell: &Bell<'_, W>,
    kernel: &K,
    spin: &Spin,
    wait: Wait,
    mut look: impl FnMut(bool) -> Result<Option<T>, K::Error>,
) -> Result<Option<T>, K::Error> {
    if let Some(found) = look(true)? {
        return Ok(Some(found));
    }
    if matches!(wait, Wait::Try) {
        return Ok(None);
    }
    if let Some(found) = spin.look(&mut || look(false))? {
        return Ok(Some(found));
    }
    let mut sleep = FIRST;
    loop {
        let seen = announce(bell.word);
        if sleep == FIRST {
            // Pairs with nothing on the other side, which has none: it only gives its stores time to be seen.
            kernel.light_barrier();
            spin.pause();
        } else {
            // Pairs with the light one in `notify`.
            kernel.heavy_barrier();
        }
        if let Some(found) = look(true)? {
            return Ok(Some(found));
        }
        let Some(time) = wait.left(sleep) else { return Ok(None) };
        kernel.sleep(bell.word, seen as u32, time)?;
        if let Some(found) = look(true)? {
            // Relaxed: a hint.
            spin.woken_from(bell.waker.load(Ordering::Relaxed) == kernel.processor());
            return Ok(Some(found));
        }
        sleep = (sleep * 2).min(LONGEST);
    }
}

/// Says that somebody is going to sleep, for who looks once more after it: the low half of the word since.
pub(super) fn announce_in_order<W: Word, K: Kernel<W>>(bell: &Bell<'_, W>, kernel: &K) -> u32 {
    let said = announce(bell.word);
    // Pairs with the light one in `notify`.
    kernel.heavy_barrier();
    said as u32
}

/// Says that somebody is going to sleep: what is in the word since.
fn announce(word: &impl Word) -> u64 {
    // Relaxed: ordered by the barrier after it.
    let mut seen = word.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        let said = seen.wrapping_add(CAME) | WAITING;
        match word.compare_exchange(seen, said, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return said,
            Err(now) => seen = now,
        }
    }
    // Others change it all the time. Then the sleep is over at once, or ends with its time.
    seen
}

#[cfg(all(test, loom))]
mod loom_model;
#[cfg(all(test, loom))]
mod loom_model_several;
