//! Names of kernel objects, and who may use the objects.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;

use super::last_error;
use crate::error::{Error, ErrorKind, Result};

/// A text in UTF-16 with its NUL.
pub(super) fn wide(text: &str) -> Result<Vec<u16>> {
    if text.contains('\0') {
        return Err(Error::new(ErrorKind::KeyError, "the name contains a NUL character"));
    }
    Ok(text.encode_utf16().chain([0]).collect())
}

/// Who may use a new object. Without one, the system's default: this user, administrators and the system itself.
pub(super) struct Access {
    descriptor: *mut c_void,
    attributes: SECURITY_ATTRIBUTES,
}

impl Access {
    /// What mode bits say of all others: the groups of Windows are other ones.
    pub(super) fn of_mode(mode: u32) -> Result<Option<Box<Self>>> {
        let everybody = match mode & 0o006 {
            0 => return Ok(None),
            0o004 => "GR",
            _ => "GRGW",
        };
        // The owner and the system may do all, everybody what is said; nothing is inherited.
        let text = wide(&format!("D:P(A;;GA;;;CO)(A;;GA;;;OW)(A;;GA;;;SY)(A;;{everybody};;;WD)"))?;
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
        Ok(Some(Box::new(Self { descriptor, attributes })))
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
