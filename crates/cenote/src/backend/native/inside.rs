//! Looking into a native segment without attaching it.

use super::Opened;
use crate::error::Result;
use crate::layout::{Content, DESCRIPTION, DESCRIPTION_WHOLE, FRONT};
use crate::sys;

impl Opened {
    /// What is in it, with the description of its type, and how large its data are; their first bytes go into `first`.
    pub(super) fn look_inside(&self, first: &mut [u8]) -> Result<(Content, u64)> {
        let known = self.known()?;
        let mut described = [0; DESCRIPTION_WHOLE];
        sys::read_file_at(&self.file, DESCRIPTION as u64, &mut described)?;
        let len = usize::try_from(known.size).unwrap_or(usize::MAX).min(first.len());
        sys::read_file_at(&self.file, FRONT as u64, &mut first[..len])?;
        Ok((known.content.described(&described), known.size))
    }
}
