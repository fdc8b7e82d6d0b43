//! The shared memory of a traced process: read-only to it, so that each of its stores is a fault that we see.

use std::fs;
use std::io;
use std::sync::Arc;

use super::tracee::Tracee;
use crate::kill_points::step::Store;

/// What it has mapped shared and writable.
#[derive(Debug, Default)]
pub(super) struct Shared {
    mappings: Vec<Mapping>,
}

#[derive(Debug)]
struct Mapping {
    begin: u64,
    end: u64,
    /// What the process itself may do there.
    protection: i32,
    name: Arc<str>,
    /// Where in its file it begins.
    offset: u64,
    /// Whether we keep the process from storing there.
    is_closed: bool,
}

impl Shared {
    /// Looks what there is now. All of it must be open, or it would not be recognised.
    pub(super) fn look(&mut self, tracee: &Tracee) -> Result<(), String> {
        let path = format!("/proc/{}/maps", tracee.process.pid());
        let maps = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        self.mappings = maps.lines().filter_map(Mapping::parse).collect();
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.mappings.is_empty()
    }

    /// The store to `address`, if it is one to shared memory.
    pub(super) fn store_at(&self, address: u64, goes_on: bool) -> Option<Store> {
        let mapping = self.mappings.iter().find(|mapping| mapping.holds(address))?;
        let offset = address - mapping.begin + mapping.offset;
        Some(Store { mapping: Arc::clone(&mapping.name), offset, goes_on })
    }

    /// Lets no store through.
    pub(super) fn close(&mut self, tracee: &mut Tracee) -> Result<(), String> {
        self.mappings.iter_mut().try_for_each(|mapping| mapping.set_closed(true, tracee))
    }

    /// Lets every store through.
    pub(super) fn open(&mut self, tracee: &mut Tracee) -> Result<(), String> {
        self.mappings.iter_mut().try_for_each(|mapping| mapping.set_closed(false, tracee))
    }

    /// Lets stores through to what is mapped at `address`. Says whether they were kept back there.
    pub(super) fn open_at(&mut self, address: u64, tracee: &mut Tracee) -> Result<bool, String> {
        let at = |mapping: &&mut Mapping| mapping.holds(address) && mapping.is_closed;
        match self.mappings.iter_mut().find(at) {
            Some(mapping) => mapping.set_closed(false, tracee).map(|()| true),
            None => Ok(false),
        }
    }
}

impl Mapping {
    /// `7f3a00000000-7f3a00001000 rw-s 00000000 00:1a 17    /dev/shm/x`, if one can store there and others
    /// see it.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let (begin, end) = words.next()?.split_once('-')?;
        let rights = words.next()?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        let offset = number(words.next()?)?;
        if !rights.contains('w') || !rights.ends_with('s') {
            return None;
        }
        let mut protection = libc::PROT_WRITE;
        for (letter, right) in [('r', libc::PROT_READ), ('x', libc::PROT_EXEC)] {
            if rights.contains(letter) {
                protection |= right;
            }
        }
        let name = words.nth(2).unwrap_or_default().trim().into();
        Some(Self { begin: number(begin)?, end: number(end)?, protection, name, offset, is_closed: false })
    }

    fn holds(&self, address: u64) -> bool {
        (self.begin..self.end).contains(&address)
    }

    fn set_closed(&mut self, is_closed: bool, tracee: &mut Tracee) -> Result<(), String> {
        if self.is_closed == is_closed {
            return Ok(());
        }
        // Whoever may write may read: without the right to, the processor would stop reads as well.
        let closed = self.protection & !libc::PROT_WRITE | libc::PROT_READ;
        let protection = if is_closed { closed } else { self.protection };
        let arguments = [self.begin, self.end - self.begin, u64::from(protection.cast_unsigned())];
        let result = tracee.call(libc::SYS_mprotect, arguments)?;
        if result != 0 {
            let error = io::Error::from_raw_os_error(i32::try_from(-result).unwrap_or_default());
            return Err(format!("{} cannot be made read-only and writable again: {error}", self.name));
        }
        self.is_closed = is_closed;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Mapping;

    #[test]
    fn only_what_is_writable_and_shared_counts() {
        let line = |rights: &str| format!("7f00-8f00 {rights} 00001000 00:1a 17      /dev/shm/with a space");
        for rights in ["r--s", "rw-p", "r-xp"] {
            assert!(Mapping::parse(&line(rights)).is_none(), "{rights}");
        }
        let mapping = Mapping::parse(&line("rw-s")).unwrap();
        assert_eq!((mapping.begin, mapping.end, mapping.offset), (0x7f00, 0x8f00, 0x1000));
        assert_eq!(&*mapping.name, "/dev/shm/with a space");
        assert!(mapping.holds(0x7f00) && mapping.holds(0x8eff) && !mapping.holds(0x8f00));
        assert_eq!(mapping.protection, libc::PROT_READ | libc::PROT_WRITE);
    }
}
