//! What those who subscribe say of themselves: where they are, and which chunks they have in hand. Each has a record of its
//! own, by its slot, and nobody else writes there but to take away what a dead one has said.

use std::sync::atomic::Ordering;

use super::mark::By;
use super::{Living, Nonsense, Ring};
use crate::layout::{KEPT_CHUNKS, MISSED, PLACE, RECORD_WORDS};
use crate::sync::{Readable, Word, fence};

/// In the lowest bits of the place: the lower half of the generation.
const GENERATION: u64 = 0xffff;
/// Whether anybody is here.
const IS_HERE: u64 = 1 << 16;
/// Whether it has chunks in hand, or had.
pub(super) const KEEPS: u64 = 1 << 17;
/// And the position above it, as much of it as there is room for.
const SHIFT: u32 = 18;
/// Who seems to be farther behind is ahead.
const FAR: u64 = u64::MAX >> SHIFT >> 1;
/// How often a word that others change is tried.
const TRIES: u32 = 1000;

/// One's own record.
pub(in crate::channel) struct Record<'a, W> {
    words: &'a [W],
    generation: u16,
}

impl<'a, W: Readable> Ring<'a, W> {
    /// All that were ever used.
    pub(super) fn records(&self) -> impl Iterator<Item = (u8, &'a [W])> + use<'a, W> {
        let used = self.subscribed().look();
        let all = self.records.chunks_exact(RECORD_WORDS).take(usize::try_from(used).unwrap_or(usize::MAX));
        all.zip(0..=u8::MAX).map(|(record, slot)| (slot, record))
    }
}

impl<'a, W: Word> Ring<'a, W> {
    /// Begins one's record, at a position: from there on nothing is written over before it was read, if the topic holds back.
    /// From which one, at the latest, that is so comes back.
    pub(in crate::channel) fn subscribe(&self, me: By, position: u64) -> Result<u64, Nonsense> {
        let record = self.record(me).ok_or(Nonsense)?;
        for word in &record.words[KEPT_CHUNKS..] {
            // Relaxed: what a dead one has left there; the place orders it.
            word.store(0, Ordering::Relaxed);
        }
        let wanted = u64::from(me.slot) + 1;
        let mut used = self.subscribed().look();
        for _ in 0..TRIES {
            // It never falls: those above us are here still.
            if used >= wanted {
                break;
            }
            // Relaxed: the fence below is behind it.
            match self.subscribed().compare_exchange(used, wanted, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => used = now,
            }
        }
        record.say(position, 0, false);
        // SeqCst: pairs with the one in `held_back_at`: either who publishes sees this record, or we see its head.
        fence(Ordering::SeqCst);
        let head = self.head().look();
        if head.wrapping_sub(position) > u64::MAX / 2 {
            return Ok(position);
        }
        record.say(head, 0, false);
        Ok(head)
    }

    /// The record of one who has subscribed.
    #[inline]
    pub(in crate::channel) fn record(&self, me: By) -> Option<Record<'a, W>> {
        let at = usize::from(me.slot) * RECORD_WORDS;
        let words = self.records.get(at..at + RECORD_WORDS)?;
        Some(Record { words, generation: me.generation })
    }

    /// Up to where all may be written over: so far all are who subscribe, and so far all will begin who come.
    pub(in crate::channel) fn held_back_at(&self, next: u64) -> u64 {
        let first = self.behind_most(next);
        self.raise_head(first);
        // SeqCst: pairs with the one in `subscribe`.
        fence(Ordering::SeqCst);
        first.min(self.behind_most(next))
    }

    /// The position of who is behind most, if anybody is.
    fn behind_most(&self, next: u64) -> u64 {
        let far = self.records().filter_map(|(_, record)| {
            // Acquire: pairs with the Release in `say`: what is written there comes after its reading.
            behind(record[PLACE].load(Ordering::Acquire), next).filter(|&behind| behind <= FAR)
        });
        // Who subscribes just now may say that it is farther away, and is about to see the head.
        next.wrapping_sub(far.max().unwrap_or_default().min(self.depth()))
    }

    fn raise_head(&self, to: u64) {
        // Relaxed, all of it: the fence is behind it.
        let mut head = self.head().load(Ordering::Relaxed);
        for _ in 0..TRIES {
            if to.wrapping_sub(head) > u64::MAX / 2 {
                return;
            }
            match self.head().compare_exchange(head, to, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes away what those have said who are gone: whether there was anything.
    pub(in crate::channel) fn forget_the_gone<L: Living>(&self, living: &L) -> Result<bool, L::Error> {
        let mut any = false;
        for (slot, record) in self.records() {
            // Relaxed: the exchange looks whether it is the same still.
            let place = record[PLACE].load(Ordering::Relaxed);
            if let Some(by) = said_by(slot, place)
                && living.is_gone(by)?
            {
                // Relaxed: a dead one reads nothing.
                any |= record[PLACE].compare_exchange(place, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            }
        }
        Ok(any)
    }
}

impl<W: Word> Record<'_, W> {
    /// Says that all before a position was read, or missed: so many. And whether any chunk is in hand.
    #[inline(always)]
    pub(in crate::channel) fn say(&self, position: u64, missed: u64, keeps: bool) {
        let kept = if keeps { KEEPS } else { 0 };
        let place = position << SHIFT | kept | IS_HERE | u64::from(self.generation);
        // Release: pairs with the Acquire in `behind_most`, and in `strike_kept`: our reading was before it.
        self.words[PLACE].store(place, Ordering::Release);
        // Relaxed: for people.
        self.words[MISSED].store(missed, Ordering::Relaxed);
    }

    /// Keeps a chunk from being used for another message: if the message is still there after that. `which` says which of the
    /// words is free; the number of the word comes back.
    #[inline]
    pub(in crate::channel) fn keep(&self, in_use: u64, chunk: usize) -> Option<usize> {
        let which = in_use.trailing_ones() as usize;
        // Relaxed: the fence is behind it.
        self.words.get(KEPT_CHUNKS + which)?.store(chunk as u64 + 1, Ordering::Relaxed);
        let place = &self.words[PLACE];
        // Relaxed: our own, and likewise.
        place.store(place.load(Ordering::Relaxed) | KEEPS, Ordering::Relaxed);
        // SeqCst: pairs with the one in `strike_kept`: either who looks for a chunk sees this, or we see that the message is gone.
        fence(Ordering::SeqCst);
        Some(which)
    }

    /// Lets it go.
    #[inline]
    pub(in crate::channel) fn let_go(&self, which: usize) {
        if let Some(word) = self.words.get(KEPT_CHUNKS + which) {
            // Release: pairs with the Acquire in `strike_kept`: what is written there comes after our reading.
            word.store(0, Ordering::Release);
        }
    }
}

/// Of one's own place: says that nobody is here any more.
pub(in crate::channel) fn unsubscribe<W: Word>(place: &W) {
    // Release: pairs with the Acquire in `behind_most`, and in `strike_kept`.
    place.store(0, Ordering::Release);
}

/// Who has said that, if anybody.
fn said_by(slot: u8, place: u64) -> Option<By> {
    (place & IS_HERE != 0).then_some(By { slot, generation: (place & GENERATION) as u16 })
}

/// How far a place is behind a position, if anybody is there.
#[inline]
pub(in crate::channel) fn behind(place: u64, position: u64) -> Option<u64> {
    (place & IS_HERE != 0).then(|| (position << SHIFT).wrapping_sub(place >> SHIFT << SHIFT) >> SHIFT)
}
