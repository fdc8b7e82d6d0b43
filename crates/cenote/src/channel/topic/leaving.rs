//! What is left to do for one who has subscribed, however it leaves: nobody is to wait for it any more.

use std::sync::Arc;

use crate::channel::end::End;
use crate::channel::ring;
use crate::channel::waiting;
use crate::error::Result;
use crate::layout::{ROOM, WhenFull};
use crate::sys::{self, Mapping};

/// Says so when it is dropped.
pub(super) struct Leaving {
    mapping: Arc<Mapping>,
    /// Where its record says that it is here.
    place: usize,
    holds_back: bool,
    forks: u32,
}

impl Leaving {
    pub(super) fn of(end: &End) -> Self {
        let mapping = Arc::clone(end.mapping());
        let place = end.shape.record_at(end.me.slot);
        let holds_back = end.shape.when_full != WhenFull::DropOldest;
        Self { mapping, place, holds_back, forks: sys::generation() }
    }

    fn leave(&self) -> Result<()> {
        ring::unsubscribe(self.mapping.word(self.place)?);
        if self.holds_back {
            waiting::wake_in_any_case(self.mapping.word(ROOM)?, sys::wake_all_on_low_half);
        }
        Ok(())
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        // A forked child's copy does not leave. And if the memory is gone, nobody waits there.
        if self.forks == sys::generation() {
            let _ = self.leave();
        }
    }
}
