//! An attachment to a native segment: a holder, with its slot, its witness and its part in the lock.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::thread;

use zerocopy::little_endian::U32;

use super::{FIRST, Opened, leads_to, remove_if_ours, wait_for_the_door};
use crate::backend::lock::{Locked, Locker, Quick, Which};
use crate::backend::{Attached, How, Stat, mapped_file};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Content, DESCRIPTION, DESCRIPTION_WHOLE, FRONT, Identity, Known, LOCK, POISONED, Slot};
use crate::sync::lock::{self, Holder};
use crate::sys::{self, Byte, FileFacts, Handle, Mapped, Mapping, Part, Wait, Witness};

/// A segment that this process holds.
pub(crate) struct AttachedNative {
    path: PathBuf,
    /// What the kernel calls the file there, as long as it has its name.
    file: Mapped,
    kept: bool,
    /// None for who only reads.
    pub(super) slot: Option<Holder>,
    pub(super) front: Mapping,
    /// Shared with what knows its content, for a short way there.
    data: Arc<Mapping>,
    /// Whether that is all of the data.
    whole: bool,
    /// After the mappings: while they last, so does this.
    pub(super) witness: Witness,
    /// Keeps the threads of this handle apart at the door, which they have together: its lock is the witness's.
    pub(super) one_thread: Mutex<()>,
}

impl AttachedNative {
    /// Of one that was made just now, with its first slot taken: it gets its name here.
    pub(super) fn maker(opened: Opened, path: PathBuf, known: &Known, part: Part, how: &How) -> Result<Self> {
        let Opened { file, facts, witness } = opened;
        let front = Mapping::of_file(&file, Part::first(FRONT), true)?;
        let slot = Holder { slot: 0, generation: FIRST };
        let data = map_data(&file, part, how.writable)?;
        if let Some(typed) = &how.content {
            data.write(0, &typed.first)?;
        }
        sys::name_file(&file, &path)?;
        Ok(Self::new(path, &facts, known, Some(slot), (front, data), witness))
    }

    /// Whose slot is taken, with the door in hand.
    pub(super) fn writer(opened: Opened, path: PathBuf, known: &Known, slot: u32, how: &How) -> Result<Self> {
        let Opened { file, facts, witness } = opened;
        let front = Mapping::of_file(&file, Part::first(FRONT), true)?;
        let data = map_data(&file, how.extent.within(known.size)?, true)?;
        let slot = take_slot(&front, slot)?;
        Ok(Self::new(path, &facts, known, Some(slot), (front, data), witness))
    }

    pub(super) fn reader(opened: Opened, path: PathBuf, known: &Known, how: &How) -> Result<Self> {
        let Opened { file, facts, witness } = opened;
        let front = Mapping::of_file(&file, Part::first(FRONT), false)?;
        let data = map_data(&file, how.extent.within(known.size)?, false)?;
        Ok(Self::new(path, &facts, known, None, (front, data), witness))
    }

    fn new(
        path: PathBuf,
        facts: &FileFacts,
        known: &Known,
        slot: Option<Holder>,
        (front, data): (Mapping, Mapping),
        witness: Witness,
    ) -> Self {
        let (file, kept, whole) = (facts.mapped(), known.kept, data.len() as u64 == known.size);
        let (data, one_thread) = (Arc::new(data), Mutex::new(()));
        Self { path, file, kept, slot, front, data, whole, witness, one_thread }
    }

    /// The data, for who uses them no longer than the segment.
    pub(crate) fn data(&self) -> &Arc<Mapping> {
        &self.data
    }

    /// Lets in whoever waits there.
    pub(super) fn leave_the_door(&self) -> Result<()> {
        self.witness.unlock(Byte::Door)
    }

    /// What is in it, with the description of its type.
    pub(crate) fn content(&self) -> Result<Content> {
        let identity: Identity = self.front.read_value(0)?;
        let described = self.front.read_to_vec(DESCRIPTION, DESCRIPTION_WHOLE)?;
        let known = identity.check(self.facts()?.size)?;
        // Elsewhere in it there is no version, and no copy begins.
        if known.content.kind != Content::BYTES && !self.whole {
            let what = format!("it has {}, and only a part of it is attached", known.content);
            return Err(Error::new(ErrorKind::Unsupported, what).with_hint("leave out the range"));
        }
        Ok(known.content.described(&described))
    }

    /// What the file is now.
    fn facts(&self) -> Result<FileFacts> {
        self.witness.facts()
    }

    /// The slot, if this process has taken it itself.
    #[inline]
    pub(crate) fn holder(&self) -> Result<Holder> {
        if !self.witness.is_ours() {
            return Err(sys::inherited());
        }
        self.slot.ok_or_else(only_reads)
    }

    /// Says to all who come that it was damaged, if it was: others may have made the file as large as it was again.
    fn warn_others(&self) {
        if self.slot.is_some() && self.witness.is_ours() && self.data.intact().is_err() {
            // Of no use if the header is gone too.
            let _ = self.front.write_value(POISONED, &U32::new(1));
        }
    }

    #[inline]
    fn word(&self) -> Result<&AtomicU64> {
        self.front.word(LOCK)
    }

    #[inline(always)]
    fn unlock_own(&self, me: Holder, taken_in_panic: bool) -> Result<()> {
        let word = self.word()?;
        let marked = thread::panicking() && !taken_in_panic;
        let released = lock::release(word, me, marked, sys::wake_low_half);
        // Before anything is said of others: where the memory is gone, so is what was written there.
        self.front.intact()?;
        if released { Ok(()) } else { Err(broken()) }
    }

    /// Takes the name away if nobody else needs it.
    fn leave(&self, wait: Wait) -> Result<()> {
        if self.kept {
            self.witness.touch();
        }
        // Who only reads has no door, and what is kept or not ours to leave needs none.
        if self.kept || self.slot.is_none() || !self.witness.is_ours() {
            return Ok(());
        }
        wait_for_the_door(&self.witness, wait)?;
        if self.witness.is_held_by_others(Byte::Holders)? || !leads_to(&self.path, self.file) {
            return Ok(());
        }
        remove_if_ours(&self.path)
    }
}

fn map_data(file: &Handle, part: Part, writable: bool) -> Result<Mapping> {
    Mapping::of_file(file, Part { offset: FRONT as u64 + part.offset, len: part.len }, writable)
}

/// Writes down who has the slot from now on.
fn take_slot(front: &Mapping, index: u32) -> Result<Holder> {
    let before: Slot = front.read_value(Slot::at(index))?;
    let generation = before.generation.get().wrapping_add(1);
    front.write_value(Slot::at(index), &Slot::taken(generation))?;
    Ok(Holder { slot: index, generation })
}

impl Attached for AttachedNative {
    fn mapping(&self) -> &Mapping {
        &self.data
    }

    fn locker(&self) -> &dyn Locker {
        self
    }

    fn native(&self) -> Result<&AttachedNative> {
        Ok(self)
    }

    fn is_quick(&self) -> bool {
        true
    }

    #[inline]
    fn lock_quickly(&self) -> Option<Quick> {
        let (Ok(me), Ok(word)) = (self.holder(), self.word()) else { return None };
        if !lock::acquire_free(word, me) {
            return None;
        }
        if self.front.intact().is_ok() {
            return Some(Quick { in_panic: thread::panicking() });
        }
        // Memory that somebody has cut off is ours alone. The slow way says so, and must find it free.
        lock::release(word, me, false, sys::wake_low_half);
        None
    }

    #[inline]
    fn unlock_quickly(&self, locked: Quick) -> Result<()> {
        match self.holder() {
            Ok(me) => self.unlock_own(me, locked.in_panic),
            // A forked child's copy.
            Err(_) => Ok(()),
        }
    }

    fn stat(&self) -> Result<Stat> {
        let file = self.facts()?;
        let identity: Identity = self.front.read_value(0)?;
        Ok(stat(&file, &identity.check(file.size)?))
    }

    fn mapped(&self) -> Result<Mapped> {
        Ok(self.file)
    }

    fn detach(self: Box<Self>, wait: Wait) -> Result<()> {
        let wait = if matches!(wait, Wait::Forever) { super::Native::door(None) } else { wait };
        self.warn_others();
        let left = self.leave(wait);
        let Self { front, data, .. } = *self;
        // Whoever shares it goes before its segment does.
        let unmapped = Arc::try_unwrap(data).map_or(Ok(()), Mapping::unmap);
        unmapped.and(front.unmap()).and(left)
    }
}

impl Locker for AttachedNative {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        self.lock_which(Which::Own, wait)
    }

    fn unlock(&self, locked: Locked) -> Result<()> {
        self.unlock_which(&locked)
    }

    fn lock_again(&self, which: Which, wait: Wait) -> Result<Option<Locked>> {
        self.lock_which(which, wait)
    }
}

#[cold]
fn only_reads() -> Error {
    Error::new(ErrorKind::PermissionDenied, "it is attached read-only, and the lock lies in it")
        .with_hint("attach it read-write, that is without read_only(); values can be read without the lock")
}

#[cold]
pub(super) fn broken() -> Error {
    Error::new(ErrorKind::LockError, "another process has broken the lock while it was held")
}

pub(super) fn stat(file: &FileFacts, known: &Known) -> Stat {
    Stat {
        size: known.size,
        mapped: sys::whole_pages(file.size),
        creator: Some(known.creator).filter(|&pid| pid != 0),
        changed: file.changed.or(known.created),
        ..mapped_file::stat(file)
    }
}
