//! A semaphore whose permits come back when those who have them die.
//!
//! Permits are [shares](super::shares). Whoever wants one counts those of all that live, under a [lock](super::lock) that
//! is held for that moment alone, and waits if there are as many as there may be.

use std::time::Duration;

use super::lock;
use super::lock::Holder;
use super::shares::{self, Crowd, Shared, Words};
use super::{Word, turns};
use crate::sys::{Taken, Wait};

/// How long a try waits for those who count.
const MOMENT: Duration = Duration::from_millis(10);

/// Takes one of so many. It is given back by [`shares::give_back`].
pub(crate) fn acquire<W: Word, C: Crowd<W>>(
    words: Words<'_, W>,
    crowd: &C,
    me: Holder,
    permits: u32,
    wait: Wait,
) -> Result<Shared, C::Error> {
    // Others have the lock for a moment only, and are not what a try is about.
    let moment = if matches!(wait, Wait::Try) { Wait::up_to(Some(MOMENT)) } else { wait };
    loop {
        if lock::acquire(words.word, crowd, me, moment)? == Taken::TimedOut {
            return Ok(Shared::Taken(Taken::TimedOut));
        }
        let tried = try_to_add(words, crowd, me, permits);
        lock::release(words.word, me, false, |word| crowd.wake_one(word));
        match tried? {
            Tried::Done(done) => return Ok(done),
            Tried::NoneLeft(_) if matches!(wait, Wait::Try) || wait.is_over() => {
                return Ok(Shared::Taken(Taken::TimedOut));
            }
            Tried::NoneLeft(announced) => turns::sleep(words.turns, crowd, announced, wait),
        }
    }
}

enum Tried {
    Done(Shared),
    /// What was announced, and is to be slept on.
    NoneLeft(u32),
}

/// With the lock.
fn try_to_add<W: Word, C: Crowd<W>>(
    words: Words<'_, W>,
    crowd: &C,
    me: Holder,
    permits: u32,
) -> Result<Tried, C::Error> {
    let mut announced = None;
    loop {
        if shares::count(crowd, me, permits)? < permits {
            let added = shares::add(crowd, me);
            return Ok(Tried::Done(if added { Shared::Taken(Taken::Yes) } else { Shared::Full }));
        }
        match announced {
            Some(announced) => return Ok(Tried::NoneLeft(announced)),
            // Who gives one back from now on wakes us; who did so before is seen by the next look.
            None => announced = Some(turns::announce(words.turns)),
        }
    }
}

#[cfg(all(test, loom))]
mod loom_model;
