//! What a System V segment begins with, out of the memory of a process that has it attached: whoever looks so attaches nothing,
//! and leaves no trace in the segment's times and counts. See proc(5), /proc/PID/map_files and /proc/PID/mem.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use rustix::fs::{CWD, MemfdFlags, Mode, OFlags};

use super::uses::{self, Line};
use crate::sys::Mapped;

/// Up to `len` bytes of the segment, from a process that has it attached. `None`: it has not, or not from the segment's
/// beginning, or not any more. Only a process that may be traced can be read.
pub(crate) fn peek_at_system_v(pid: u32, id: i32, len: usize) -> io::Result<Option<Vec<u8>>> {
    let (thread, _) = uses::maps(pid)?;
    // All of the same process, should its number be another's soon.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let holder =
        Holder { place: rustix::fs::openat(CWD, format!("/proc/{thread}"), flags, Mode::empty())?, id };
    // When the process becomes another program, this is of the old one, and empty.
    let memory = holder.open("mem");
    let Some(line) = holder.line()? else { return Ok(None) };
    match holder.mapped(&line.range) {
        // Only root may.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
        mapped => return mapped?.map(|segment| beginning(segment, len)).transpose(),
    }
    let Some((start, end)) = bounds(&line) else { return Ok(None) };
    let len = len.min(usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX));
    let mut bytes = vec![0; len];
    memory?.read_exact_at(&mut bytes, start)?;
    // Something else may lie there by now. A holder that changes it to and fro meanwhile shows what it could have written into
    // the segment as well.
    let is_still_there = holder.line()?.is_some_and(|now| now.range == line.range);
    Ok(is_still_there.then_some(bytes))
}

/// A process that has a segment attached.
struct Holder {
    /// Its folder in /proc.
    place: OwnedFd,
    id: i32,
}

impl Holder {
    fn open(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.place, name, flags, Mode::empty())?.into())
    }

    /// Where the segment begins.
    fn line(&self) -> io::Result<Option<Line>> {
        let mut maps = Vec::new();
        self.open("maps")?.read_to_end(&mut maps)?;
        let device = device_of_segments();
        let what = Mapped::SystemV { id: self.id };
        let is_it = |line: &Line| line.what == what && line.offset == 0 && Some(line.device) == device;
        Ok(maps.split(|&byte| byte == b'\n').filter_map(uses::parse).find(is_it))
    }

    /// What is mapped there as a file, if it is the segment: whatever becomes of the mapping, and read without filling holes.
    fn mapped(&self, range: &str) -> io::Result<Option<File>> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let link = rustix::fs::openat(&self.place, format!("map_files/{range}"), flags, Mode::empty())?;
        let facts = rustix::fs::fstat(&link)?;
        let is_it = u64::try_from(self.id) == Ok(facts.st_ino) && Some(facts.st_dev) == device_of_segments();
        // What else may lie there by now is not opened.
        is_it.then(|| File::open(format!("/proc/self/fd/{}", link.as_raw_fd()))).transpose()
    }
}

fn beginning(segment: File, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    segment.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `start-end` in hexadecimal digits.
fn bounds(line: &Line) -> Option<(u64, u64)> {
    let (start, end) = line.range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?))
}

/// The kernel's own file system, where segments are beside anonymous memory. A file elsewhere may have any name.
fn device_of_segments() -> Option<u64> {
    static DEVICE: OnceLock<Option<u64>> = OnceLock::new();
    *DEVICE.get_or_init(|| {
        let memory = rustix::fs::memfd_create("", MemfdFlags::CLOEXEC).ok()?;
        Some(rustix::fs::fstat(&memory).ok()?.st_dev)
    })
}
