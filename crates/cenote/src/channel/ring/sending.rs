//! The part of those who send.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use super::mark::{Mark, State};
use super::{By, Nonsense, Ring, SOUNDING, STRIDE};
use crate::sync::{Word, fence};

/// What became of an attempt to have a position for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel) enum Claim {
    /// It is ours, to be written and published.
    Ours(u64),
    /// There is no room. The position is the next one.
    Full(u64),
    /// That position is in the hands of somebody who has been writing there for a whole lap, or reading what is to be
    /// dropped.
    Held(u64),
    /// Others were quicker each time.
    Restless,
}

/// How far one who sends is.
#[derive(Debug)]
pub(in crate::channel) struct SendingAt {
    /// The next position.
    pub(in crate::channel) next: Cell<u64>,
    /// How far the receiver was when it was looked at last.
    pub(in crate::channel) head_seen: Cell<u64>,
}

impl<W: Word> Ring<'_, W> {
    /// Where one begins who comes to send.
    pub(in crate::channel) fn sending_from(&self) -> Result<SendingAt, Nonsense> {
        // Acquire: pairs with the Release in `finish`.
        let head = self.head().load(Ordering::Acquire);
        // Acquire: pairs with the Release in `publish`: the head is not seen older than it was then.
        let mut next = self.tail().load(Ordering::Acquire);
        if !self.rules.claims() {
            // Who sent before may have died between publishing and saying so, or, of a topic, while it wrote.
            for _ in 0..=self.depth() {
                // Relaxed: who published it is dead, or has let go of its end.
                if Mark(self.word(next).load(Ordering::Relaxed)).ahead_of(self.lap(next)) != 0 {
                    break;
                }
                next = next.wrapping_add(1);
            }
            if !self.rules.topic && next.wrapping_sub(head) > self.depth() {
                return Err(Nonsense);
            }
        }
        Ok(SendingAt { next: Cell::new(next), head_seen: Cell::new(head) })
    }

    /// Whether the receiver has passed the place that a position is to have, as far as it says so.
    #[inline]
    fn has_room(&self, at: &SendingAt) -> Result<bool, Nonsense> {
        let next = at.next.get();
        if next.wrapping_sub(at.head_seen.get()) < self.depth() {
            return Ok(true);
        }
        if self.rules.topic {
            at.head_seen.set(self.held_back_at(next));
            return Ok(next.wrapping_sub(at.head_seen.get()) < self.depth());
        }
        // Acquire: pairs with the Release in `finish`, so that what is written now comes after its reading.
        let head = self.head().load(Ordering::Acquire);
        at.head_seen.set(head);
        match next.wrapping_sub(head) {
            filled if filled < self.depth() => Ok(true),
            filled if filled == self.depth() => Ok(false),
            // Among several another one has been here, and the receiver too.
            _ if self.rules.senders_claim && head > next => Ok(true),
            _ => Err(Nonsense),
        }
    }

    /// Whether what was sent at that position is over: as [`Ring::is_over`] has it, but where the head says so it is looked at
    /// only if it did not say so before.
    #[inline]
    pub(in crate::channel) fn is_over_since(&self, at: &SendingAt, position: u64) -> bool {
        if self.rules.receivers_claim || self.rules.topic {
            return self.is_over(position);
        }
        if position >= at.head_seen.get() {
            // Acquire: pairs with the Release in `finish`, so that what is written now comes after its reading.
            at.head_seen.set(self.head().load(Ordering::Acquire));
        }
        position < at.head_seen.get()
    }

    /// The same for the usual case, in as few steps as it can be done: `None` says nothing.
    #[inline(always)]
    pub(in crate::channel) fn claim_quickly(&self, at: &SendingAt, me: By) -> Option<u64> {
        let next = at.next.get();
        if self.rules.waits_for_head() && next.wrapping_sub(at.head_seen.get()) >= self.depth() {
            return None;
        }
        if self.rules.claims() {
            let (word, lap) = (self.word(next), self.lap(next));
            // Acquire: as in `claim`.
            let seen = Mark(word.load(Ordering::Acquire));
            let free = seen.ahead_of(lap) == -1
                && match seen.state() {
                    Some(State::Empty | State::Done | State::Skipped) => true,
                    Some(State::Published) => self.rules.topic || !self.rules.receivers_claim,
                    _ => !self.rules.receivers_claim && !self.rules.topic,
                };
            let claimed = Mark::by(State::Claimed, me, lap);
            // Acquire and Release: likewise.
            if !free || word.compare_exchange(seen.0, claimed.0, Ordering::AcqRel, Ordering::Relaxed).is_err()
            {
                return None;
            }
            if self.rules.topic {
                // Release: as in `begin`.
                fence(Ordering::Release);
            }
        } else if self.rules.topic {
            self.begin(next, me);
        }
        Some(next)
    }

    /// Of who alone publishes to a topic: says that the cell is written, to those who still read what was there.
    #[inline(always)]
    fn begin(&self, position: u64, me: By) {
        let claimed = Mark::by(State::Claimed, me, self.lap(position));
        // Relaxed: the fence is behind it.
        self.word(position).store(claimed.0, Ordering::Relaxed);
        // Release: pairs with the Acquire in `is_still_there`: who reads anything of what is written now sees the claim.
        fence(Ordering::Release);
    }

    /// Takes the next position, if there is room.
    pub(in crate::channel) fn claim(&self, at: &SendingAt, me: By) -> Result<Claim, Nonsense> {
        if self.rules.claims() {
            return self.claim_among_others(at, me);
        }
        let next = at.next.get();
        if !self.rules.waits_for_head() || self.has_room(at)? {
            if self.rules.topic {
                self.begin(next, me);
            }
            return Ok(Claim::Ours(next));
        }
        self.note_depth(self.depth());
        Ok(Claim::Full(next))
    }

    fn claim_among_others(&self, at: &SendingAt, me: By) -> Result<Claim, Nonsense> {
        for _ in 0..self.tries() {
            if self.rules.waits_for_head() && !self.has_room(at)? {
                self.note_depth(self.depth());
                return Ok(Claim::Full(at.next.get()));
            }
            let next = at.next.get();
            let lap = self.lap(next);
            // Acquire: pairs with the Release of who finished it, so that what is written now comes after its reading.
            let seen = Mark(self.word(next).load(Ordering::Acquire));
            match seen.ahead_of(lap) {
                -1 => {}
                // Somebody has it, or had it laps ago; and whatever is before the tail.
                ahead if ahead >= 0 => {
                    let behind = next.wrapping_add((ahead as u64) << self.bits).wrapping_add(1);
                    at.next.set(self.further(behind, self.tail()));
                    continue;
                }
                _ => return Err(Nonsense),
            }
            if self.rules.receivers_claim || self.rules.topic {
                match seen.state() {
                    Some(State::Empty | State::Skipped | State::Done) => {}
                    Some(State::Published) if self.rules.drop_oldest || self.rules.topic => {}
                    Some(State::Taken) if self.rules.drop_oldest => {
                        self.note_depth(self.depth());
                        return Ok(Claim::Held(next.wrapping_sub(self.depth())));
                    }
                    Some(State::Published | State::Taken) => {
                        self.note_depth(self.depth());
                        return Ok(Claim::Full(next));
                    }
                    Some(State::Claimed) => return Ok(Claim::Held(next.wrapping_sub(self.depth()))),
                    None => return Err(Nonsense),
                }
            }
            let claimed = Mark::by(State::Claimed, me, lap);
            // Acquire: as above. Release: pairs with that, too: who sees that somebody was here sees the head that there was
            // room by.
            if self
                .word(next)
                .compare_exchange(seen.0, claimed.0, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
            {
                if self.rules.receivers_claim && seen.state() == Some(State::Published) {
                    // Relaxed: for people.
                    self.dropped().fetch_add(1, Ordering::Relaxed);
                }
                if self.rules.topic {
                    // Release: as in `begin`.
                    fence(Ordering::Release);
                }
                return Ok(Claim::Ours(next));
            }
        }
        Ok(Claim::Restless)
    }

    /// Lets the receivers have what was written: false if somebody took us for dead.
    #[inline(always)]
    pub(in crate::channel) fn publish(&self, at: &SendingAt, position: u64, me: By) -> bool {
        let (word, lap) = (self.word(position), self.lap(position));
        let published = Mark::new(State::Published, lap);
        at.next.set(position.wrapping_add(1));
        if position % SOUNDING == SOUNDING - 1 && !self.rules.topic {
            // Relaxed: for people.
            self.note_depth(position.wrapping_sub(self.head().load(Ordering::Relaxed)).wrapping_add(1));
        }
        if !self.rules.claims() {
            // Release: pairs with the Acquire in `look`: the message is there. It may be written over what was read
            // before the Acquire in `has_room`.
            word.store(published.0, Ordering::Release);
            // Relaxed: for who comes later, and for people.
            self.tail().store(position.wrapping_add(1), Ordering::Relaxed);
            return true;
        }
        let claimed = Mark::by(State::Claimed, me, lap);
        // Release: pairs with the Acquire in `look`.
        let done =
            word.compare_exchange(claimed.0, published.0, Ordering::Release, Ordering::Relaxed).is_ok();
        if position % STRIDE == STRIDE - 1 {
            // Release: pairs with the Acquire of who goes on from there.
            self.tail().store(position.wrapping_add(1), Ordering::Release);
        }
        done
    }

    /// Of who has claimed it, and cannot send there after all.
    #[cold]
    pub(in crate::channel) fn give_up(&self, position: u64, me: By) {
        self.skip(position, Mark::by(State::Claimed, me, self.lap(position)));
    }

    /// Writes down how deep it is, if it never was as deep.
    #[cold]
    fn note_depth(&self, depth: u64) {
        // Relaxed: for people; if two are here at once, one of them is forgotten.
        if depth <= self.depth() && depth > self.deepest().load(Ordering::Relaxed) {
            self.deepest().store(depth, Ordering::Relaxed);
        }
    }
}

/// Up to which position there are messages, from a hint on: `None` if a word cannot be had. Among them may be some that are
/// still being written, or never will be, as who did so has died: what others have sent meanwhile lies behind those.
pub(in crate::channel) fn sent(hint: u64, bits: u32, word: impl Fn(u64) -> Option<u64>) -> Option<u64> {
    let (mut next, mut end) = (hint, hint);
    for _ in 0..=STRIDE.max(1 << bits) {
        let mark = Mark(word(next)?);
        let ahead = mark.ahead_of((next >> bits).wrapping_add(1));
        if ahead < 0 {
            break;
        }
        let here = next.wrapping_add((ahead as u64) << bits);
        next = here.wrapping_add(1);
        if mark.state() != Some(State::Claimed) {
            end = next;
        } else if ahead > 0 {
            // What was there a lap before.
            end = next.wrapping_sub(1 << bits);
        }
    }
    Some(end)
}
