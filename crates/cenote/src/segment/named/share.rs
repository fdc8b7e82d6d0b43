//! A part in something that several have at once, held until it is dropped.

use std::fmt;
use std::marker::PhantomData;

use super::Named;
use crate::backend::lock::{Abandoned, Locked};
use crate::error::Result;

pub(super) struct Share<'a> {
    named: Named<'a>,
    /// None only once it was given back.
    locked: Option<Locked>,
    in_its_thread: PhantomData<*const ()>,
}

impl<'a> Share<'a> {
    pub(super) fn new(named: Named<'a>, locked: Locked) -> Self {
        Self { named, locked: Some(locked), in_its_thread: PhantomData }
    }

    pub(super) fn named(&self) -> Named<'a> {
        self.named
    }

    pub(super) fn abandoned(&self) -> Abandoned {
        self.locked.as_ref().map_or(Abandoned::Unknown, |locked| locked.abandoned)
    }

    pub(super) fn give_back(&mut self) -> Result<()> {
        match self.locked.take() {
            // In a forked child it is the parent's.
            Some(locked) if locked.is_ours() => {
                self.named.during("unlock", self.named.native.give_back(&locked))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Share<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("of", &self.named).field("abandoned", &self.abandoned()).finish()
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        // Who gives it back by name hears of errors; here nobody could.
        let _ = self.give_back();
    }
}
