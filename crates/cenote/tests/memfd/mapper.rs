//! An attacker's bare attempts to map memory writable, past what the library would say.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ptr;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect, munmap};

const LEN: usize = 4096;

/// Maps the file for writing, shared.
pub(crate) fn map_writable(file: &File) -> io::Result<()> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at a place of the kernel's choice, which nobody uses, changes nothing.
    let base = unsafe { mmap(ptr::null_mut(), LEN, access, MapFlags::SHARED, file, 0) }?;
    // SAFETY: mapped just now, and used by nobody.
    unsafe { munmap(base, LEN) }?;
    Ok(())
}

/// Maps the file for reading, and then asks for more.
pub(crate) fn map_and_upgrade(file: &File) -> io::Result<()> {
    // SAFETY: as above.
    let base = unsafe { mmap(ptr::null_mut(), LEN, ProtFlags::READ, MapFlags::SHARED, file, 0) }?;
    // SAFETY: the mapping is ours alone.
    let result = unsafe { mprotect(base, LEN, MprotectFlags::READ | MprotectFlags::WRITE) };
    // SAFETY: mapped just now, and used by nobody.
    unsafe { munmap(base, LEN) }?;
    Ok(result?)
}
