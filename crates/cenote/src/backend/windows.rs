//! `windows:Local\Name`: named file mappings, which live as long as somebody has them open. They are in the paging
//! file, or over a file of somebody's.
//!
//! The lock is a mutex of ours beside the mapping, with `.cenote-lock` after its name.

use std::path::PathBuf;

use super::lock::{LockState, NamedMutex};
use super::section::AttachedSection;
use super::{Attached, Backend, How, Stat, mappable};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Mapped, Section, Wait};

/// A mapping, by its name.
pub(super) struct Windows {
    name: String,
    /// What a new one is made over.
    file: Option<PathBuf>,
}

impl Windows {
    pub(super) fn new(name: &str, file: Option<PathBuf>) -> Self {
        Self { name: name.to_owned(), file }
    }
}

impl Backend for Windows {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        mappable(size)?;
        let Some(path) = &self.file else {
            return AttachedSection::named(
                Section::create(&self.name, size, how.mode)?,
                &self.name,
                how,
                true,
            );
        };
        // First: the system makes the file larger even if the name is taken.
        if Section::open(&self.name, false).is_ok() {
            return Err(Error::new(ErrorKind::AlreadyExists, "there is one already"));
        }
        let (file, is_new) = sys::open_or_make_file(path)?;
        let before = sys::stat_file(&file)?.size;
        Section::create_over(&file, &self.name, size, how.mode)
            .and_then(|section| AttachedSection::named(section, &self.name, how, true))
            .inspect_err(|_| {
                // As it was: of no use to anybody yet. Nobody could hear of errors.
                let _ = if is_new { sys::remove_file(path, false) } else { sys::cut_file(&file, before) };
            })
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        AttachedSection::named(Section::open(&self.name, how.writable)?, &self.name, how, false)
    }

    fn remove(&self, _wait: Wait) -> Result<()> {
        no_removal(&self.name)
    }

    fn stat(&self) -> Result<Stat> {
        stat_of(&Section::open(&self.name, false)?)
    }

    fn lock_state(&self) -> LockState {
        NamedMutex::state_beside(&self.name)
    }

    fn mapped(&self) -> Result<Mapped> {
        Section::open(&self.name, false).map(|section| section.mapped())
    }

    fn owner(&self) -> Option<String> {
        Section::owner(&self.name)
    }
}

/// For a name that has a mapping; what is not there is said so.
pub(super) fn no_removal(name: &str) -> Result<()> {
    Section::open(name, false)?;
    let what = "the system removes a file mapping with its last handle, and not before";
    Err(Error::new(ErrorKind::Unsupported, what).with_hint("end the processes that have it open"))
}

/// What the system tells of a section that was opened to look at it.
pub(super) fn stat_of(section: &Section) -> Result<Stat> {
    let size = sys::view_of(section, false)?.len() as u64;
    Ok(stat(size, section.other_handles()))
}

/// All that the system tells: a size in whole pages, and how many handles there are.
pub(super) fn stat(size: u64, handles: Option<u64>) -> Stat {
    Stat {
        size,
        mapped: size,
        uid: None,
        gid: None,
        mode: None,
        attached: handles,
        removed: false,
        changed: None,
        last_used: None,
        last_left: None,
        id: None,
        key: None,
        creator: None,
    }
}
