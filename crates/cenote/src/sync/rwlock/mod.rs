//! A lock that many can have for reading, or one for writing.
//!
//! The word is a [lock](super::lock), which a writer has for as long as it writes, and who reads counts itself among the
//! [shares](super::shares). A reader counts itself and then looks at the word; a writer takes the word and then looks at
//! the counts; each has a fence between the two, so that one of them sees the other. A reader that finds a writer takes
//! itself back and comes in by the word, as writers do: so nobody starves, and a dead writer is taken over from.

use std::sync::atomic::Ordering;

use super::lock::{self, Holder};
use super::shares::{self, Crowd, Shared, Words};
use super::word::fence;
use super::{Word, turns};
use crate::sys::{Taken, Wait};

/// Takes it for reading. It is given back by [`shares::give_back`].
#[inline]
pub(crate) fn read<W: Word, C: Crowd<W>>(
    words: Words<'_, W>,
    crowd: &C,
    me: Holder,
    wait: Wait,
) -> Result<Shared, C::Error> {
    if !shares::add(crowd, me) {
        return Ok(Shared::Full);
    }
    // Pairs with the fence in `write`: either that writer sees our share, or we see it.
    fence(Ordering::SeqCst);
    // Acquire: pairs with the Release in `lock::release`, of who wrote last.
    match lock::look(words.word, Ordering::Acquire) {
        (None, false) => Ok(Shared::Taken(Taken::Yes)),
        (None, true) => Ok(Shared::Taken(Taken::Abandoned)),
        (Some(_), _) => {
            shares::take_away(crowd, me);
            turns::pass(words.turns, crowd);
            read_slowly(words, crowd, me, wait)
        }
    }
}

#[cold]
fn read_slowly<W: Word, C: Crowd<W>>(
    words: Words<'_, W>,
    crowd: &C,
    me: Holder,
    wait: Wait,
) -> Result<Shared, C::Error> {
    let taken = lock::acquire(words.word, crowd, me, wait)?;
    if taken == Taken::TimedOut {
        return Ok(Shared::Taken(taken));
    }
    let added = shares::add(crowd, me);
    // A reader can mend nothing: the mark stays for who can, and for other readers.
    lock::release(words.word, me, taken == Taken::Abandoned, |word| crowd.wake_one(word));
    Ok(if added { Shared::Taken(taken) } else { Shared::Full })
}

/// Takes it for writing. It is given back as the lock that the word is.
pub(crate) fn write<W: Word, C: Crowd<W>>(
    words: Words<'_, W>,
    crowd: &C,
    me: Holder,
    wait: Wait,
) -> Result<Taken, C::Error> {
    let taken = lock::acquire(words.word, crowd, me, wait)?;
    if taken == Taken::TimedOut {
        return Ok(taken);
    }
    // Pairs with the fence in `read`.
    fence(Ordering::SeqCst);
    let gone = readers_are_gone(words, crowd, me, wait);
    match gone {
        Ok(true) => Ok(taken),
        Ok(false) | Err(_) => {
            lock::release(words.word, me, taken == Taken::Abandoned, |word| crowd.wake_one(word));
            gone.map(|_| Taken::TimedOut)
        }
    }
}

/// Waits until nobody reads: false if the wait ended first.
fn readers_are_gone<W: Word, C: Crowd<W>>(
    words: Words<'_, W>,
    crowd: &C,
    me: Holder,
    wait: Wait,
) -> Result<bool, C::Error> {
    loop {
        if shares::count(crowd, me, 1)? == 0 {
            return Ok(true);
        }
        if matches!(wait, Wait::Try) || wait.is_over() {
            return Ok(false);
        }
        let announced = turns::announce(words.turns);
        if shares::count(crowd, me, 1)? == 0 {
            return Ok(true);
        }
        turns::sleep(words.turns, crowd, announced, wait);
    }
}

#[cfg(all(test, loom))]
mod loom_model;
