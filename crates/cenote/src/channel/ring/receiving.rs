//! The part of those who receive.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use super::mark::{Mark, State};
use super::{By, Living, Nonsense, Ring};
use crate::sync::{Readable, Word};

/// What there is to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel) enum Found {
    /// A message, at that position: to be read and finished.
    Message(u64),
    /// Nobody has sent anything.
    Nothing,
    /// The next one is being written.
    Unfinished(u64),
}

/// What one sees of it who does not receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel) enum Survey {
    /// A message that nobody has.
    Message,
    /// Only what somebody has in its hands, who sends it or receives it: and who may be dead.
    Held,
    Nothing,
}

/// What is seen at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel) enum Glance {
    /// A message, at that position: to be read and finished.
    Message(u64),
    /// Nobody has sent anything, and nobody can have left anything.
    Nothing,
    /// It has to be looked at more closely.
    Unclear,
}

/// How far one who receives is.
#[derive(Debug)]
pub(in crate::channel) struct ReceivingAt {
    /// The next position to look at.
    pub(in crate::channel) next: Cell<u64>,
    /// Up to where all is finished, of who alone receives.
    finished: Cell<u64>,
}

impl<W: Readable> Ring<'_, W> {
    /// Looks at what is not over, and changes nothing.
    pub(in crate::channel) fn survey(&self) -> Survey {
        let (mut position, mut found) = (self.head().look(), Survey::Nothing);
        for _ in 0..self.depth() {
            let seen = Mark(self.word(position).look());
            match (seen.ahead_of(self.lap(position)), seen.state()) {
                (ahead, _) if ahead < 0 => break,
                (0, Some(State::Claimed | State::Taken)) => found = Survey::Held,
                (0, Some(State::Published)) => return Survey::Message,
                _ => {}
            }
            position = position.wrapping_add(1);
        }
        found
    }
}

impl<W: Word> Ring<'_, W> {
    /// Where one begins who comes to receive.
    pub(in crate::channel) fn receiving_from(&self) -> ReceivingAt {
        // Acquire: pairs with the Release in `finish`.
        let head = self.head().load(Ordering::Acquire);
        ReceivingAt { next: Cell::new(head), finished: Cell::new(head) }
    }

    /// Looks for the next message in as few steps as it can be done.
    #[inline(always)]
    pub(in crate::channel) fn glance(&self, at: &ReceivingAt, me: By) -> Glance {
        let next = at.next.get();
        let (word, lap) = (self.word(next), self.lap(next));
        let published = Mark::new(State::Published, lap);
        // Acquire: as in `look`.
        let seen = Mark(word.load(Ordering::Acquire));
        if seen != published {
            let is_empty = !self.rules.claims() && seen.ahead_of(lap) < 0;
            return if is_empty { Glance::Nothing } else { Glance::Unclear };
        }
        if self.rules.receivers_claim {
            let taken = Mark::by(State::Taken, me, lap);
            // Acquire: likewise.
            if word.compare_exchange(published.0, taken.0, Ordering::Acquire, Ordering::Relaxed).is_err() {
                return Glance::Unclear;
            }
        }
        at.next.set(next.wrapping_add(1));
        Glance::Message(next)
    }

    /// Looks for the next message, and takes it if others could.
    pub(in crate::channel) fn look(&self, at: &ReceivingAt, me: By) -> Result<Found, Nonsense> {
        self.look_for(at, Some(me))
    }

    /// Looks whether there is a message, and leaves it where it is.
    pub(in crate::channel) fn peek(&self, at: &ReceivingAt) -> Result<Found, Nonsense> {
        self.look_for(at, None)
    }

    #[inline(always)]
    fn look_for(&self, at: &ReceivingAt, me: Option<By>) -> Result<Found, Nonsense> {
        for _ in 0..self.tries() {
            let next = at.next.get();
            let lap = self.lap(next);
            let word = self.word(next);
            // Acquire: pairs with the Release in `publish`: the message is there.
            let seen = Mark(word.load(Ordering::Acquire));
            match seen.ahead_of(lap) {
                0 => {}
                ahead if ahead < 0 => return Ok(Found::Nothing),
                // It was dropped, and so were all that are a lap behind what is there now.
                ahead if self.rules.receivers_claim => {
                    at.next.set(next.wrapping_add((ahead as u64 - 1) << self.bits).wrapping_add(1));
                    continue;
                }
                _ => return Err(Nonsense),
            }
            match (seen.state(), me) {
                (Some(State::Published), None) => return Ok(Found::Message(next)),
                (Some(State::Published), Some(me)) if self.rules.receivers_claim => {
                    let taken = Mark::by(State::Taken, me, lap);
                    // Acquire: as above.
                    if word.compare_exchange(seen.0, taken.0, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                        at.next.set(next.wrapping_add(1));
                        return Ok(Found::Message(next));
                    }
                }
                (Some(State::Published), Some(_)) => {
                    at.next.set(next.wrapping_add(1));
                    return Ok(Found::Message(next));
                }
                (Some(State::Claimed), _) => return Ok(Found::Unfinished(next)),
                (Some(State::Skipped | State::Done), _) => self.pass(at, next),
                (Some(State::Taken), _) if self.rules.receivers_claim => at.next.set(next.wrapping_add(1)),
                _ => return Err(Nonsense),
            }
        }
        Ok(Found::Nothing)
    }

    /// Goes on behind what is over already.
    fn pass(&self, at: &ReceivingAt, position: u64) {
        let next = position.wrapping_add(1);
        at.next.set(next);
        if self.rules.receivers_claim {
            self.move_head();
            at.next.set(self.further(next, self.head()));
        } else if at.finished.get() == position {
            self.finished_up_to(at, next);
        }
    }

    /// Ends with a message: false if somebody took us for dead.
    #[inline(always)]
    pub(in crate::channel) fn finish(&self, at: &ReceivingAt, position: u64, me: By) -> bool {
        let lap = self.lap(position);
        if self.rules.receivers_claim {
            let (taken, done) = (Mark::by(State::Taken, me, lap), Mark::new(State::Done, lap));
            let word = self.word(position);
            // Release: pairs with the Acquire in `claim`: what is written there comes after our reading.
            let ours = word.compare_exchange(taken.0, done.0, Ordering::Release, Ordering::Relaxed).is_ok();
            self.move_head();
            return ours;
        }
        if at.finished.get() != position {
            // One before it is still read. Who receives after us is to know that this one was finished.
            // Relaxed: what follows is ordered by the head.
            self.word(position).store(Mark::new(State::Done, lap).0, Ordering::Relaxed);
            return true;
        }
        self.finished_up_to(at, position.wrapping_add(1));
        true
    }

    /// Of who alone receives: and behind what was finished before.
    #[inline(always)]
    fn finished_up_to(&self, at: &ReceivingAt, mut position: u64) {
        while position < at.next.get() {
            // Relaxed: written by ourselves, or found by `look`.
            let mark = Mark(self.word(position).load(Ordering::Relaxed));
            if !mark.is_over(self.lap(position)) {
                break;
            }
            position += 1;
        }
        at.finished.set(position);
        // Release: pairs with the Acquire in `has_room`: what is written there comes after our reading.
        self.head().store(position, Ordering::Release);
    }

    /// Of those who claim: says how far all is finished.
    fn move_head(&self) {
        for _ in 0..=self.depth() {
            // Relaxed: the exchange looks whether it is the same still.
            let head = self.head().load(Ordering::Relaxed);
            // Relaxed: only a hint comes of it.
            let mark = Mark(self.word(head).load(Ordering::Relaxed));
            if !mark.is_over(self.lap(head)) {
                return;
            }
            // Where the oldest are dropped, more of them may go than are received: it must not fall behind for good.
            let laps = mark.ahead_of(self.lap(head)).max(1) as u64 - 1;
            let next = head.wrapping_add(laps << self.bits).wrapping_add(1);
            // Relaxed: if it fails somebody else has moved it.
            let _ = self.head().compare_exchange(head, next, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Of those who claim: takes a message over that a dead one has taken, of those that we have passed.
    pub(in crate::channel) fn take_over<L: Living>(
        &self,
        at: &ReceivingAt,
        me: By,
        living: &L,
    ) -> Result<Option<u64>, L::Error> {
        self.of_the_dead(at, me, living, |position, seen| {
            let taken = Mark::by(State::Taken, me, self.lap(position));
            // Acquire: pairs with the Release in `publish`, through what the dead one has written there since.
            let word = self.word(position);
            word.compare_exchange(seen.0, taken.0, Ordering::Acquire, Ordering::Relaxed).is_ok()
        })
    }

    /// Whether there is one that could be taken over.
    pub(in crate::channel) fn can_take_over<L: Living>(
        &self,
        at: &ReceivingAt,
        me: By,
        living: &L,
    ) -> Result<bool, L::Error> {
        self.of_the_dead(at, me, living, |_, _| true).map(|position| position.is_some())
    }

    /// Of those who claim: the first that a dead one has taken, of those that we have passed, and that is wanted.
    fn of_the_dead<L: Living>(
        &self,
        at: &ReceivingAt,
        me: By,
        living: &L,
        is_wanted: impl Fn(u64, Mark) -> bool,
    ) -> Result<Option<u64>, L::Error> {
        if !self.rules.receivers_claim {
            return Ok(None);
        }
        // Relaxed: a hint.
        let head = self.head().load(Ordering::Relaxed);
        let from = head.max(at.next.get().saturating_sub(self.depth()));
        for position in from..at.next.get() {
            // Relaxed: who takes it over looks whether it is the same still.
            let seen = Mark(self.word(position).load(Ordering::Relaxed));
            let is_taken = seen.ahead_of(self.lap(position)) == 0 && seen.state() == Some(State::Taken);
            if is_taken && seen.who() != me && living.is_gone(seen.who())? && is_wanted(position, seen) {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }
}
