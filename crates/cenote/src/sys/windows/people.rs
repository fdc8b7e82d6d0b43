//! Who owns an object, and as whom a process runs: by the names of accounts.

#![allow(unsafe_code)]

use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::ptr;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{GetSecurityInfo, SE_KERNEL_OBJECT};
use windows_sys::Win32::Security::{
    GetTokenInformation, LookupAccountSidW, OWNER_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER,
    TokenUser,
};
use windows_sys::Win32::System::Threading::OpenProcessToken;

use super::Handle;
use super::process::for_questions;

/// The account that owns an object which was opened with READ_CONTROL.
pub(super) fn owner_of(object: &Handle) -> Option<String> {
    let (mut owner, mut descriptor) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: an open object, and places for the answers.
    let error = unsafe {
        GetSecurityInfo(
            object.as_raw_handle(),
            SE_KERNEL_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if error != 0 {
        return None;
    }
    // SAFETY: null or within the descriptor, which is not freed yet.
    let name = unsafe { account(owner) };
    // SAFETY: the system made it, and nobody uses it any more.
    unsafe { LocalFree(descriptor) };
    name
}

/// The account that a process runs as.
pub(crate) fn user_of(pid: u32) -> Option<String> {
    let process = for_questions(pid).ok()?;
    let mut token = ptr::null_mut();
    // SAFETY: an open process, and a place for the answer.
    if unsafe { OpenProcessToken(process.as_raw_handle(), TOKEN_QUERY, &raw mut token) } == 0 {
        return None;
    }
    // SAFETY: open, and nobody else's.
    let token = unsafe { Handle::from_raw_handle(token) };
    // A TOKEN_USER, and after it the SID that it refers to, of 68 bytes at most.
    let mut answer = [0_u64; 32];
    let mut len = 0;
    // SAFETY: an open token, and room for what is said of it.
    let told = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            answer.as_mut_ptr().cast(),
            size_of_val(&answer) as u32,
            &raw mut len,
        )
    };
    if told == 0 {
        return None;
    }
    // SAFETY: the answer begins with it, aligned.
    let user = unsafe { answer.as_ptr().cast::<TOKEN_USER>().read() };
    // SAFETY: it refers to within the answer.
    unsafe { account(user.User.Sid) }
}

/// # Safety
/// Null, or a SID.
unsafe fn account(sid: PSID) -> Option<String> {
    if sid.is_null() {
        return None;
    }
    let (mut name, mut domain) = ([0_u16; 256], [0_u16; 256]);
    let (mut name_len, mut domain_len, mut kind) = (name.len() as u32, domain.len() as u32, 0);
    // SAFETY: the caller's promise; room for both names, and places for what is said of them.
    let found = unsafe {
        LookupAccountSidW(
            ptr::null(),
            sid,
            name.as_mut_ptr(),
            &raw mut name_len,
            domain.as_mut_ptr(),
            &raw mut domain_len,
            &raw mut kind,
        )
    };
    let name = name.get(..name_len as usize).filter(|_| found != 0)?;
    String::from_utf16(name).ok()
}
