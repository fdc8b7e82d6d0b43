//! What values need of a segment: its memory, and the lock of those who write.

use std::sync::Arc;

use super::{Guard, Segment};
use crate::address::Kind;
use crate::backend::AttachedNative;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Content;
use crate::sys::{Mapping, Wait};

impl Segment {
    /// The memory, for those that know what lies in it.
    #[inline]
    pub(crate) fn mapping(&self) -> &Mapping {
        self.attached().mapping()
    }

    /// Its attachment, of a native one.
    pub(crate) fn native(&self) -> Result<&AttachedNative> {
        self.attached().native()
    }

    /// The memory of a native segment, to be used no longer than this.
    pub(crate) fn shared_mapping(&self) -> Result<Arc<Mapping>> {
        self.attached().native().map(|native| Arc::clone(native.data()))
    }

    /// What is in it, where it says so.
    pub(crate) fn content(&self) -> Result<Option<Content>> {
        if self.address().kind() != Kind::Cenote {
            return Ok(None);
        }
        self.attached().native()?.content().map(Some)
    }

    /// An error if it is locked with something else: who has a value stores with the segment's own lock, as all do.
    pub(crate) fn ensure_own_lock(&self) -> Result<()> {
        if self.elsewhere.is_none() { Ok(()) } else { Err(another_lock()) }
    }

    /// Takes the lock in the time that the options allow. Who has it changes things so that they are never half done:
    /// a panic leaves no mark.
    #[inline]
    pub(crate) fn lock_to_store(&self) -> Result<Guard<'_>> {
        if let Some(guard) = self.lock_quickly() {
            return Ok(guard.unmarked());
        }
        let wait = Wait::up_to(self.timeout);
        Ok(self.lock_until(wait)?.ok_or_else(|| self.timed_out())?.unmarked())
    }

    /// How long the options allow to wait, or else `usually`.
    pub(crate) fn patience(&self, usually: Wait) -> Wait {
        self.timeout.map_or(usually, |timeout| Wait::up_to(Some(timeout)))
    }
}

#[cold]
pub(super) fn another_lock() -> Error {
    let what = "a value has its segment's own lock, which all who store in it take";
    Error::new(ErrorKind::Unsupported, what).with_hint("leave out the other lock")
}
