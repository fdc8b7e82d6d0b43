//! Names of kernel objects, and who may use the objects.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::os::windows::io::AsRawHandle;
use std::{io, ptr};

use windows_sys::Wdk::Foundation::{NtQueryObject, OBJECT_INFORMATION_CLASS};
use windows_sys::Win32::Foundation::{ERROR_PATH_NOT_FOUND, LocalFree, UNICODE_STRING};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::System::RemoteDesktop::ProcessIdToSessionId;

use super::{Handle, last_error};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::Mapped;

/// ObjectNameInformation, which windows-sys lacks.
const OBJECT_NAME_INFORMATION: OBJECT_INFORMATION_CLASS = 1;

/// A text in UTF-16 with its NUL.
pub(super) fn wide(text: &str) -> Result<Vec<u16>> {
    if text.contains('\0') {
        return Err(Error::new(ErrorKind::KeyError, "the name contains a NUL character"));
    }
    Ok(text.encode_utf16().chain([0]).collect())
}

/// Where an object is among all objects of the machine, if it has a name.
pub(super) fn path_of(object: &Handle) -> Option<String> {
    // A UNICODE_STRING, and after it the text that it refers to: the text of the longest there can be.
    let mut answer = vec![0_u64; (size_of::<UNICODE_STRING>() + usize::from(u16::MAX)).div_ceil(8)];
    let len = (answer.len() * 8) as u32;
    // SAFETY: an open object, and room for what is said of it.
    let status = unsafe {
        NtQueryObject(
            object.as_raw_handle(),
            OBJECT_NAME_INFORMATION,
            answer.as_mut_ptr().cast(),
            len,
            ptr::null_mut(),
        )
    };
    if status < 0 {
        return None;
    }
    // SAFETY: the answer begins with it, aligned.
    let name = unsafe { answer.as_ptr().cast::<UNICODE_STRING>().read() };
    // SAFETY: it refers to within the answer.
    unsafe { text_of(&name) }
}

/// The text that the system refers to, if it is any, and UTF-16.
///
/// # Safety
/// It is null, or so long as it says.
pub(super) unsafe fn text_of(text: &UNICODE_STRING) -> Option<String> {
    if text.Buffer.is_null() || text.Length == 0 {
        return None;
    }
    // SAFETY: the caller's promise.
    let text = unsafe { std::slice::from_raw_parts(text.Buffer, usize::from(text.Length / 2)) };
    String::from_utf16(text).ok()
}

/// For finding who has an object open: all kinds of objects share their names.
pub(super) fn mapped(object: &Handle) -> Mapped {
    let digest = |path: String| sha1_smol::Sha1::from(path).digest().bytes();
    path_of(object).map_or(Mapped::Nameless, |path| Mapped::Object { name: digest(path) })
}

/// What the names of this session begin with, and where they lie.
pub(super) fn directories() -> Vec<(&'static str, String)> {
    let session = session_directory();
    let global = (session != GLOBAL).then(|| (r"Global\", GLOBAL.to_owned()));
    std::iter::once((r"Local\", session)).chain(global).collect()
}

/// The directory of the names of this session: what `Local\` means, and no prefix at all.
fn session_directory() -> String {
    let mut session = 0;
    // SAFETY: a place for the answer. It cannot fail for this process.
    unsafe { ProcessIdToSessionId(std::process::id(), &raw mut session) };
    // Services live in session 0, for which both are the same.
    if session == 0 { GLOBAL.to_owned() } else { format!(r"\Sessions\{session}{GLOBAL}") }
}

/// What `Global\` means.
const GLOBAL: &str = r"\BaseNamedObjects";

/// The name that leads to an object from this session.
pub(super) fn in_session(path: &str) -> Option<String> {
    directories().into_iter().find_map(|(prefix, directory)| {
        let name = path.strip_prefix(&directory)?.strip_prefix('\\')?;
        (!name.contains('\\')).then(|| format!("{prefix}{name}"))
    })
}

/// An error for a name that leads into a folder of objects which is not there, if that is what the system said.
#[cold]
pub(super) fn no_such_folder(error: &io::Error) -> Option<Error> {
    let said = error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_PATH_NOT_FOUND);
    said.then(|| {
        Error::new(ErrorKind::KeyError, "a name has no backslash but that of Local\\ or Global\\ before it")
            .with_hint("choose a name without backslashes")
    })
}

/// Who may use a new object. Without one, the system's default: this user, administrators and the system itself.
pub(super) struct Access {
    descriptor: *mut c_void,
    attributes: SECURITY_ATTRIBUTES,
}

impl Access {
    /// What mode bits say of all others, for memory: the groups of Windows are other ones.
    pub(super) fn of_mode(mode: u32) -> Result<Option<Box<Self>>> {
        match mode & 0o006 {
            0 => Ok(None),
            0o004 => Self::of_everybody("GR").map(Some),
            _ => Self::of_everybody("GRGW").map(Some),
        }
    }

    /// The same for its lock: whoever may read the memory may have it. Of a mutex, no general right is one to wait.
    pub(super) fn of_lock(mode: u32) -> Result<Option<Box<Self>>> {
        if mode & 0o006 == 0 { Ok(None) } else { Self::of_everybody("0x00100001").map(Some) }
    }

    fn of_everybody(rights: &str) -> Result<Box<Self>> {
        // The owner and the system may do all, everybody what is said; nothing is inherited.
        let text = wide(&format!("D:P(A;;GA;;;CO)(A;;GA;;;OW)(A;;GA;;;SY)(A;;{rights};;;WD)"))?;
        let mut descriptor = ptr::null_mut();
        // SAFETY: a NUL-terminated text and a place for the answer.
        let made = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                ptr::null_mut(),
            )
        };
        if made == 0 {
            return Err(last_error("ConvertStringSecurityDescriptorToSecurityDescriptor"));
        }
        let attributes = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: descriptor,
            bInheritHandle: 0,
        };
        Ok(Box::new(Self { descriptor, attributes }))
    }

    /// For the call that makes the object, as long as `access` lives.
    pub(super) fn attributes(access: Option<&Self>) -> *const SECURITY_ATTRIBUTES {
        access.map_or(ptr::null(), |access| &raw const access.attributes)
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        // SAFETY: the system made it, and nobody uses it any more.
        unsafe { LocalFree(self.descriptor) };
    }
}
