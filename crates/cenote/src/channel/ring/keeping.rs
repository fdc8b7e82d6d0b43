//! Chunks of a topic that may be used anew: their message is over, and nobody who subscribes has it in hand.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use super::Ring;
use super::mark::{Mark, State};
use super::records::KEEPS;
use crate::layout::{KEPT_CHUNKS, PLACE};
use crate::sync::{Readable, Word, fence};

/// Chunks that may be free, and what their words said.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::channel) struct Candidates {
    chunks: [(usize, u64); Self::MOST],
    len: usize,
}

impl Candidates {
    pub(in crate::channel) const MOST: usize = 8;

    pub(in crate::channel) fn push(&mut self, chunk: usize, seen: u64) {
        if let Some(place) = self.chunks.get_mut(self.len) {
            *place = (chunk, seen);
            self.len += 1;
        }
    }

    pub(in crate::channel) fn len(&self) -> usize {
        self.len
    }

    pub(in crate::channel) fn pop(&mut self) -> Option<(usize, u64)> {
        self.len = self.len.checked_sub(1)?;
        Some(self.chunks[self.len])
    }

    fn strike(&mut self, chunk: u64) {
        let found = self.chunks[..self.len].iter().position(|&(candidate, _)| candidate as u64 == chunk);
        if let Some(at) = found {
            self.len -= 1;
            self.chunks[at] = self.chunks[self.len];
        }
    }
}

impl<W: Word> Ring<'_, W> {
    /// Leaves out those that somebody has in hand. Their messages were over before.
    pub(in crate::channel) fn strike_kept(&self, candidates: &mut Candidates) {
        // SeqCst: pairs with the one in `keep`: who keeps one that we do not see finds its message gone. And with the Acquire
        // in `is_still_there`: who reads anything of what is written now sees that the message which was there is over.
        fence(Ordering::SeqCst);
        for (_, record) in self.records() {
            // Acquire: pairs with the Release in `say`, of one that keeps nothing any more: what is written there comes after its
            // reading. Who says only now that it keeps something finds the message gone.
            if record[PLACE].load(Ordering::Acquire) & KEEPS == 0 {
                continue;
            }
            for word in &record[KEPT_CHUNKS..] {
                // Acquire: pairs with the Release in `let_go`: what is written there comes after its reading.
                if let Some(chunk) = word.load(Ordering::Acquire).checked_sub(1) {
                    candidates.strike(chunk);
                }
            }
        }
    }

    /// Takes the oldest message away whose chunk can be used for another: `from` says where to look from on, as all before it
    /// have none.
    pub(in crate::channel) fn withdraw(
        &self,
        from: &Cell<u64>,
        next: u64,
        has_chunk: impl Fn(u64) -> bool,
    ) -> bool {
        let oldest = next.saturating_sub(self.depth());
        if from.get() < oldest || from.get() > next {
            from.set(oldest);
        }
        let mut is_complete = true;
        for position in from.get()..next {
            let published = Mark::new(State::Published, self.lap(position));
            let (word, withdrawn) = (self.word(position), Mark::new(State::Done, self.lap(position)));
            let seen = Mark(word.look());
            // What is still being written may have one next time.
            is_complete &= seen.state() != Some(State::Claimed);
            if is_complete {
                from.set(position + 1);
            }
            if seen != published || !has_chunk(position) {
                continue;
            }
            // Relaxed: whoever uses its chunk has the fence in `strike_kept` behind it.
            if word.compare_exchange(published.0, withdrawn.0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
        false
    }
}
