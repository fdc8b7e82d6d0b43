//! The machine and its processes.

#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::ptr;

use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, ProcessCommandLineInformation};
use windows_sys::Win32::Foundation::{DuplicateHandle, ERROR_INVALID_PARAMETER, UNICODE_STRING};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcess, PROCESS_DUP_HANDLE, PROCESS_QUERY_LIMITED_INFORMATION,
    QueryFullProcessImageNameW,
};

use super::{Handle, names, os_error};
use crate::error::{Error, ErrorKind, Result};

/// Which process this is in a line of forks; there are none.
pub(crate) fn generation() -> u32 {
    0
}

/// Runs `change` while no fork can happen, and in no other thread at the same time.
pub(crate) fn without_forks<R>(change: impl FnOnce() -> R) -> R {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    change()
}

fn system() -> SYSTEM_INFO {
    let mut info = MaybeUninit::uninit();
    // SAFETY: it fills what it is given.
    unsafe { GetSystemInfo(info.as_mut_ptr()) };
    // SAFETY: filled.
    unsafe { info.assume_init() }
}

pub(crate) fn page_size() -> u64 {
    system().dwPageSize.into()
}

/// What the offset of a view in its section is a multiple of.
pub(crate) fn granularity() -> u64 {
    system().dwAllocationGranularity.into()
}

pub(crate) fn pages(bytes: u64) -> u64 {
    bytes.div_ceil(page_size())
}

pub(crate) fn process_exists(pid: u32) -> bool {
    for_questions(pid).is_ok()
}

/// A process, to ask what it is.
pub(super) fn for_questions(pid: u32) -> Result<Handle> {
    open(pid, PROCESS_QUERY_LIMITED_INFORMATION)
}

/// A process, to get what it has open.
pub(super) fn for_duplicates(pid: u32) -> Result<Handle> {
    open(pid, PROCESS_DUP_HANDLE)
}

/// What a process has as a handle, with the access that is asked for, or as it is there.
pub(super) fn duplicate(process: &Handle, number: usize, access: u32, options: u32) -> io::Result<Handle> {
    let mut opened = ptr::null_mut();
    // SAFETY: it stands for this process wherever it is used.
    let here = unsafe { GetCurrentProcess() };
    let number = ptr::without_provenance_mut(number);
    // SAFETY: open processes and a place for the answer. The number may be no handle at all.
    let done = unsafe {
        DuplicateHandle(process.as_raw_handle(), number, here, &raw mut opened, access, 0, options)
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: open, and nobody else's.
    Ok(unsafe { Handle::from_raw_handle(opened) })
}

fn open(pid: u32, access: u32) -> Result<Handle> {
    // SAFETY: takes plain numbers.
    let process = unsafe { OpenProcess(access, 0, pid) };
    if process.is_null() {
        let error = io::Error::last_os_error();
        return Err(match error.raw_os_error().map(i32::cast_unsigned) {
            Some(ERROR_INVALID_PARAMETER) => {
                Error::new(ErrorKind::NotFound, format!("there is no process {pid}"))
            }
            _ => os_error("OpenProcess", error),
        });
    }
    // SAFETY: open, and nobody else's.
    Ok(unsafe { Handle::from_raw_handle(process) })
}

/// The command line of a process; where the system keeps it to itself, the program.
pub(crate) fn command_of(pid: u32) -> Option<String> {
    let process = for_questions(pid).ok()?;
    command_line(&process).or_else(|| program(&process))
}

fn program(process: &Handle) -> Option<String> {
    let mut path = vec![0_u16; 32_768];
    let mut len = path.len() as u32;
    // SAFETY: an open process, and so much room for its path.
    let told =
        unsafe { QueryFullProcessImageNameW(process.as_raw_handle(), 0, path.as_mut_ptr(), &raw mut len) };
    let path = path.get(..len as usize).filter(|_| told != 0)?;
    String::from_utf16(path).ok()
}

fn command_line(process: &Handle) -> Option<String> {
    // A UNICODE_STRING, and after it the text that it refers to, of the longest there can be.
    let mut answer = vec![0_u64; (size_of::<UNICODE_STRING>() + 65_536 + 8) / 8];
    // SAFETY: an open process, and room for what is said of it.
    let status = unsafe {
        NtQueryInformationProcess(
            process.as_raw_handle(),
            ProcessCommandLineInformation,
            answer.as_mut_ptr().cast(),
            size_of_val(&answer[..]) as u32,
            ptr::null_mut(),
        )
    };
    if status < 0 {
        return None;
    }
    // SAFETY: the answer begins with it, aligned.
    let text = unsafe { answer.as_ptr().cast::<UNICODE_STRING>().read() };
    // SAFETY: it refers to within the answer.
    unsafe { names::text_of(&text) }
}
