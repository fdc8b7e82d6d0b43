//! Memory for long messages: of a queue whatever was received, of a topic what is over and in nobody's hands.

use super::Outlet;
use crate::channel::cell;
use crate::channel::item::Item;
use crate::channel::ring::Candidates;
use crate::error::Result;
use crate::layout::WhenFull;

/// How many chunks are set aside at a time, by one of several who publish.
const OF_SEVERAL: usize = 2;
/// How many messages are taken away for the memory of one.
const WITHDRAWN: u32 = 64;

impl<T: Item + ?Sized> Outlet<T> {
    /// A chunk that is ours, if there is one: where nothing is free at once, and there is time, those of the dead are looked for.
    /// What was set aside for us is theirs once we are dead ourselves, or detached.
    pub(super) fn lend(&self, thoroughly: bool) -> Result<Option<usize>> {
        let end = &self.end;
        if !end.shape.is_topic() {
            let ring = end.ring();
            let is_over = |position| ring.is_over_since(&self.at, position);
            return end.pool().lend(&self.cursor, end.me, is_over, &end.living()?);
        }
        if let Some(chunk) = self.set_aside() {
            return Ok(Some(chunk));
        }
        if !thoroughly {
            return Ok(None);
        }
        let living = end.living()?;
        let freed = end.pool().free_those_of_the_gone(&living)?;
        if (end.ring().forget_the_gone(&living)? || freed)
            && let Some(chunk) = self.set_aside()
        {
            return Ok(Some(chunk));
        }
        self.withdraw()
    }

    /// One of those that were set aside, or are now: as many at once as that who subscribes is asked rarely.
    fn set_aside(&self) -> Option<usize> {
        let mut ready = self.ready.borrow_mut();
        if ready.is_empty() {
            let most = if self.end.shape.one_sender { Candidates::MOST } else { OF_SEVERAL };
            self.end.pool().set_aside(&self.end.ring(), &self.cursor, self.end.me, most, &mut ready);
        }
        ready.pop()
    }

    /// Of a topic: the memory of the oldest messages that nobody has in hand, and nobody is waited for to read. Else those who
    /// have a chunk set aside could be the only ones who publish.
    fn withdraw(&self) -> Result<Option<usize>> {
        let ring = self.end.ring();
        // Others may have published since we did.
        let mut end = ring.sent();
        if self.end.shape.when_full != WhenFull::DropOldest {
            end = ring.held_back_at(end);
        }
        let has_chunk = |position| cell::said(ring.cell(position)).1 > self.end.short;
        for _ in 0..WITHDRAWN {
            if !ring.withdraw(&self.withdrawn, end, has_chunk) {
                return Ok(None);
            }
            if let Some(chunk) = self.set_aside() {
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }
}
