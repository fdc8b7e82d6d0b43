//! What is on the machine: the sections that have names here, and who has them open.
//!
//! Nothing here opens a section by its name, let alone maps it. Handles of other processes are duplicated for as long
//! as it takes to ask for their names, and only those that are sections or semaphores: to ask others can block.

#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::os::windows::io::FromRawHandle;
use std::{mem, ptr};

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{NtOpenDirectoryObject, NtQueryDirectoryObject};
use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SYSTEM_INFORMATION_CLASS};
use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, HANDLE, STATUS_INFO_LENGTH_MISMATCH, STATUS_NO_MORE_ENTRIES,
    STATUS_NOT_IMPLEMENTED, UNICODE_STRING,
};
use windows_sys::Win32::System::Memory::SECTION_MAP_WRITE;
use windows_sys::Win32::System::Threading::SEMAPHORE_MODIFY_STATE;

use super::names::{self, directories};
use super::{Handle, KernelSemaphore, Section, process, refused};
use crate::error::Result;
use crate::sys::{Mapped, Use, Uses};

/// DIRECTORY_QUERY, and SystemExtendedHandleInformation, which windows-sys lacks.
const DIRECTORY_QUERY: u32 = 1;
const EXTENDED_HANDLES: SYSTEM_INFORMATION_CLASS = 64;

/// The names of all sections that this session finds by a name: as `Local\X`, and `Global\X`.
pub(crate) fn section_names() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (prefix, directory) in directories() {
        let listed = sections_in(&directory)?;
        found.extend(listed.into_iter().map(|name| format!("{prefix}{name}")));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// In as few calls as it takes: the directory may change between two.
fn sections_in(directory: &str) -> Result<Vec<String>> {
    let directory = open_directory(directory)?;
    // Pairs of UNICODE_STRINGs, a name and a type, up to one without a name; then what they refer to.
    let mut answer = vec![0_u64; 1 << 17];
    let len = mem::size_of_val(&answer[..]) as u32;
    let (mut found, mut context, mut first, mut single) = (Vec::new(), 0, true, false);
    loop {
        // SAFETY: an open directory, room for many entries, and a place to remember how far it came.
        let status = unsafe {
            NtQueryDirectoryObject(
                raw(&directory),
                answer.as_mut_ptr().cast(),
                len,
                single,
                first,
                &raw mut context,
                ptr::null_mut(),
            )
        };
        match status {
            STATUS_NO_MORE_ENTRIES => return Ok(found),
            // Wine 8 has them one at a time only.
            STATUS_NOT_IMPLEMENTED if !single => {
                single = true;
                continue;
            }
            // A warning or an error.
            ..0 => return Err(refused("NtQueryDirectoryObject", status)),
            _ => first = false,
        }
        let most = if single { 1 } else { usize::MAX };
        for entry in (0..).step_by(2).take(most) {
            // SAFETY: the system has filled it up to an entry without a name, and we have not come to that.
            let Some(name) = (unsafe { text_at(&answer, entry) }) else { break };
            // SAFETY: likewise; it is of the same entry.
            let kind = unsafe { text_at(&answer, entry + 1) };
            if kind.as_deref() == Some("Section") {
                found.push(name);
            }
        }
    }
}

/// # Safety
/// `answer` is filled with at least `index + 1` UNICODE_STRINGs, which refer to texts within it.
unsafe fn text_at(answer: &[u64], index: usize) -> Option<String> {
    // SAFETY: the caller's promise; an answer is aligned for it.
    let at = unsafe { answer.as_ptr().cast::<UNICODE_STRING>().add(index) };
    // SAFETY: likewise.
    let text = unsafe { at.read() };
    // SAFETY: likewise.
    unsafe { names::text_of(&text) }
}

fn open_directory(path: &str) -> Result<Handle> {
    let mut wide: Vec<u16> = path.encode_utf16().collect();
    let bytes = mem::size_of_val(&wide[..]) as u16;
    let name = UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: wide.as_mut_ptr() };
    let attributes = OBJECT_ATTRIBUTES {
        Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
        ObjectName: &raw const name,
        ..OBJECT_ATTRIBUTES::default()
    };
    let mut opened = ptr::null_mut();
    // SAFETY: a place for the answer, and a name that outlives the call.
    let status = unsafe { NtOpenDirectoryObject(&raw mut opened, DIRECTORY_QUERY, &raw const attributes) };
    if status < 0 {
        return Err(refused("NtOpenDirectoryObject", status));
    }
    // SAFETY: open, and nobody else's.
    Ok(unsafe { Handle::from_raw_handle(opened) })
}

/// An open handle of some process, as the system lists it.
#[repr(C)]
#[derive(Clone, Copy)]
struct Row {
    object: usize,
    pid: usize,
    handle: usize,
    access: u32,
    _creator: u16,
    kind: u16,
    _attributes: u32,
    _reserved: u32,
}

/// Who has which sections and semaphores open, of those that have names.
pub(crate) fn uses() -> Result<Uses> {
    // Of each one of our own tells by which number its kind goes.
    let (section, semaphore) = (Section::create_nameless(1)?, KernelSemaphore::nameless()?);
    let examples = [(section.raw(), SECTION_MAP_WRITE), (semaphore.raw(), SEMAPHORE_MODIFY_STATE)];
    let rows = all_handles()?;
    let own = std::process::id() as usize;
    let kinds = examples.map(|(example, writing)| {
        let is_it = |row: &&Row| row.pid == own && row.handle == example.addr();
        rows.iter().find(is_it).map(|row| (row.kind, writing))
    });
    let kind_of = |row: &Row| kinds.iter().flatten().find(|(kind, _)| *kind == row.kind);
    let mut by_process: BTreeMap<u32, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        by_process.entry(row.pid as u32).or_default().push(row);
    }
    let (processes, mut readable, mut uses) = (by_process.len(), 0, Vec::new());
    for (pid, rows) in by_process {
        let Ok(process) = process::for_duplicates(pid) else { continue };
        readable += 1;
        let mut found: Vec<Use> = rows
            .iter()
            .filter_map(|row| {
                let (_, writing) = kind_of(row)?;
                let object = process::duplicate(&process, row.handle, 0, DUPLICATE_SAME_ACCESS).ok()?;
                let what = names::mapped(&object);
                Some(Use { pid, writable: row.access & writing != 0, mapped: true, what })
            })
            .filter(|one| one.what != Mapped::Nameless)
            .collect();
        found.sort_by_key(|one| (one.what.order(), !one.writable));
        found.dedup_by_key(|one| one.what);
        uses.append(&mut found);
    }
    Ok(Uses { uses, loose: Vec::new(), processes, readable })
}

fn all_handles() -> Result<Vec<Row>> {
    // A count, a reserved word, the rows.
    const WORD: usize = size_of::<usize>();
    let mut answer = vec![0_u64; 1 << 15];
    loop {
        let len = mem::size_of_val(&answer[..]);
        // SAFETY: so much room is there.
        let status = unsafe {
            NtQuerySystemInformation(
                EXTENDED_HANDLES,
                answer.as_mut_ptr().cast(),
                u32::try_from(len).unwrap_or(u32::MAX),
                ptr::null_mut(),
            )
        };
        match status {
            STATUS_INFO_LENGTH_MISMATCH if len < 1 << 30 => answer = vec![0; answer.len() * 2],
            ..0 => return Err(refused("NtQuerySystemInformation", status)),
            _ => {
                let base = answer.as_ptr().cast::<u8>();
                // SAFETY: the answer begins with it, aligned.
                let count = unsafe { base.cast::<usize>().read() };
                let count = count.min((len - 2 * WORD) / size_of::<Row>());
                // SAFETY: behind the first two words, within the answer.
                let rows = unsafe { base.add(2 * WORD) };
                // SAFETY: aligned as the words are; so many rows are within the answer, and any bytes are one.
                return Ok(unsafe { std::slice::from_raw_parts(rows.cast::<Row>(), count) }.to_vec());
            }
        }
    }
}

/// Whether the list of processes is the machine's, and not that of a container. It cannot be told.
pub(crate) fn sees_all_processes() -> bool {
    false
}

pub(crate) fn hides_processes() -> bool {
    false
}

fn raw(handle: &Handle) -> HANDLE {
    std::os::windows::io::AsRawHandle::as_raw_handle(handle)
}
