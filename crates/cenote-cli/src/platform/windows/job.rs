//! A job object: what this process starts does not outlive it, however it ends.
#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// A job that this process is in, and all that it starts from now on. The only handle is ours: when it goes, the system
/// ends whoever is in the job.
pub(super) struct Job(OwnedHandle);

impl Job {
    pub(super) fn of_this_process() -> io::Result<Self> {
        // SAFETY: no name, and the system's default of who may use it.
        let made = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if made.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: open, and nobody else's.
        let job = Self(unsafe { OwnedHandle::from_raw_handle(made) });
        job.limit(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)?;
        // SAFETY: it stands for this process wherever it is used.
        let this_process = unsafe { GetCurrentProcess() };
        // SAFETY: an open job, and a process.
        if unsafe { AssignProcessToJobObject(job.0.as_raw_handle(), this_process) } == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(job)
    }

    fn limit(&self, flags: u32) -> io::Result<()> {
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = flags;
        // SAFETY: an open job, and the struct that belongs to the question, with its size.
        let done = unsafe {
            SetInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>() as u32,
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Drop for Job {
    /// In order, nobody is ended: not what the command has left running, and not this process.
    fn drop(&mut self) {
        let _ = self.limit(0);
    }
}
