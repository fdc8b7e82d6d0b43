//! The machine and its processes.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use windows_sys::Win32::Foundation::CloseHandle;
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION};

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

pub(crate) fn pages(bytes: u64) -> u64 {
    bytes.div_ceil(page_size())
}

pub(crate) fn process_exists(pid: u32) -> bool {
    // SAFETY: takes plain numbers.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return false;
    }
    // SAFETY: opened just now, and used by nobody else.
    unsafe { CloseHandle(process) };
    true
}

pub(crate) fn command_of(_pid: u32) -> Option<String> {
    None
}
