//! Qt's segments on Windows: a file mapping, and beside it a named semaphore as the lock.
//!
//! Qt creates, attaches and detaches under the lock. A mapping is complete when it has its name, and goes with its last
//! handle, so nothing here has to wait for that: a lock that a dead holder has left stuck keeps nobody from the memory.

use super::windows_lock::WindowsLock;
use crate::backend::lock::{LockState, SemaphoreName};
use crate::backend::section::AttachedSection;
use crate::backend::windows::{no_removal, stat_of};
use crate::backend::{Attached, Backend, How, Stat, mappable};
use crate::error::{Error, ErrorKind, Result};
use crate::qt::{self, NativeKey};
use crate::sys::{Mapped, Section, Wait};

/// Qt leaves that many units of UTF-16 of a segment's name to its lock's.
const LONGEST: usize = 255;

/// A key's two names.
pub(super) struct Windows {
    segment: String,
    semaphore: String,
}

impl Windows {
    pub(super) fn of_key(key: &str) -> Self {
        Self { segment: qt::legacy_segment_name(key), semaphore: qt::legacy_semaphore_name(key) }
    }

    /// As Qt has it: the lock's key is the legacy key's if that is known, else the segment's own with `_sem` after it.
    pub(super) fn of_native_key(key: &NativeKey) -> Result<Self> {
        let segment = key.native_key().to_owned();
        let semaphore = match key.legacy_key() {
            Some(legacy) => qt::legacy_semaphore_name(legacy),
            None => match qt::semaphore_name_beside(&segment) {
                Some(legacy) => legacy,
                None => format!("{}_sem", first_units(&segment, LONGEST)?),
            },
        };
        Ok(Self { segment, semaphore })
    }

    fn attached(&self, section: Section, how: &How) -> Result<Box<dyn Attached>> {
        AttachedSection::attach(section, Box::new(WindowsLock::of_segment(self.semaphore.clone())), how)
    }
}

/// The first units of UTF-16 of a name, where Qt cuts it off.
pub(super) fn first_units(name: &str, most: usize) -> Result<&str> {
    let mut units = 0;
    for (at, letter) in name.char_indices() {
        units += letter.len_utf16();
        if units > most {
            // What is left of the letter is no text, and no address could be written of it.
            if units - letter.len_utf16() < most {
                let what = format!("Qt cuts the name after {most} units of UTF-16, which is within a letter");
                return Err(Error::new(ErrorKind::KeyError, what).with_hint("choose a shorter key"));
            }
            return Ok(&name[..at]);
        }
    }
    Ok(name)
}

impl Backend for Windows {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        mappable(size)?;
        self.attached(Section::create(&self.segment, size, how.mode)?, how)
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        self.attached(Section::open(&self.segment, how.writable)?, how)
    }

    fn remove(&self, _wait: Wait) -> Result<()> {
        no_removal(&self.segment)
    }

    fn stat(&self) -> Result<Stat> {
        stat_of(&Section::open(&self.segment, false)?)
    }

    fn lock_state(&self) -> LockState {
        SemaphoreName::Windows(self.semaphore.clone()).state()
    }

    fn mapped(&self) -> Result<Mapped> {
        Section::open(&self.segment, false).map(|section| section.mapped())
    }

    fn owner(&self) -> Option<String> {
        Section::owner(&self.segment)
    }

    fn lock_semaphore(&self) -> Option<SemaphoreName> {
        Some(SemaphoreName::Windows(self.semaphore.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_where_qt_cuts_them() {
        assert_eq!(first_units("short", 5).unwrap(), "short");
        assert_eq!(first_units("short", 4).unwrap(), "shor");
        assert_eq!(first_units("日本", 1).unwrap(), "日");
        assert_eq!(first_units("😀x", 2).unwrap(), "😀");
        assert_eq!(first_units("x😀", 2).unwrap_err().kind(), ErrorKind::KeyError);
        let long = Windows::of_native_key(&format!("windows:{}", "x".repeat(300)).parse().unwrap()).unwrap();
        assert_eq!((long.segment.len(), long.semaphore.len()), (300, 259));
    }
}
