//! Looking into a native segment without attaching it.

use zerocopy::{FromZeros, IntoBytes};

use super::Opened;
use crate::backend::Inside;
use crate::error::Result;
use crate::layout::{Content, DESCRIPTION, DESCRIPTION_WHOLE, FRONT, Slot};
use crate::sys;

impl Opened {
    /// Stays open, for looking as often as is needed; what it says of its type is copied out once.
    pub(super) fn into_inside(self) -> Result<LookedInto> {
        let known = self.known()?;
        let mut described = [0; DESCRIPTION_WHOLE];
        sys::read_file_at(&self.file, DESCRIPTION as u64, &mut described)?;
        let (content, size) = (known.content.described(&described), known.size);
        Ok(LookedInto { opened: self, content, size })
    }
}

/// A native segment that is looked into.
pub(super) struct LookedInto {
    opened: Opened,
    content: Content,
    size: u64,
}

impl Inside for LookedInto {
    fn content(&self) -> (&Content, u64) {
        (&self.content, self.size)
    }

    fn read_at(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        sys::read_file_at(&self.opened.file, FRONT as u64 + offset as u64, to)
    }

    fn pid_of(&self, slot: u8) -> Option<u32> {
        let mut there = Slot::new_zeroed();
        let at = Slot::at(slot.into()) as u64;
        sys::read_file_at(&self.opened.file, at, there.as_mut_bytes()).ok()?;
        Some(there.pid.get()).filter(|&pid| pid != 0)
    }
}
