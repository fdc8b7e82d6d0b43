//! POSIX named semaphores: sem_open(3). A holder that dies never lets go of one.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::ptr::NonNull;
use std::time::{Duration, SystemTime};

use super::os_error;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::Wait;

/// An open named semaphore.
pub(crate) struct NamedSemaphore(NonNull<libc::sem_t>);

// SAFETY: a semaphore is made for any number of threads.
unsafe impl Send for NamedSemaphore {}
// SAFETY: likewise.
unsafe impl Sync for NamedSemaphore {}

impl NamedSemaphore {
    /// Opens the one called `name`, with its leading slash.
    pub(crate) fn open(name: &str) -> Result<Self> {
        let name = CString::new(name)
            .map_err(|_| Error::new(ErrorKind::KeyError, "the name contains a NUL byte"))?;
        // SAFETY: a C string that outlives the call; without O_CREAT there are no further arguments.
        let semaphore = unsafe { libc::sem_open(name.as_ptr(), 0) };
        NonNull::new(semaphore).map(Self).ok_or_else(|| {
            os_error("sem_open", io::Error::last_os_error()).because("the semaphore cannot be opened")
        })
    }

    /// Takes one: false if `wait` ended first.
    pub(crate) fn acquire(&self, wait: Wait) -> Result<bool> {
        // The system's timed form goes by the wall clock, which may jump: so it waits in slices.
        const SLICE: Duration = Duration::from_millis(500);
        loop {
            let result = match wait {
                // SAFETY: open while `self` lives.
                Wait::Forever => unsafe { libc::sem_wait(self.0.as_ptr()) },
                _ => match wait.left(SLICE) {
                    // SAFETY: likewise.
                    None => unsafe { libc::sem_trywait(self.0.as_ptr()) },
                    Some(slice) => {
                        let until = wall_clock() + slice;
                        let until = libc::timespec {
                            tv_sec: until.as_secs() as libc::time_t,
                            tv_nsec: until.subsec_nanos().into(),
                        };
                        // SAFETY: likewise, and the time outlives the call.
                        unsafe { libc::sem_timedwait(self.0.as_ptr(), &raw const until) }
                    }
                },
            };
            if result == 0 {
                return Ok(true);
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::ETIMEDOUT | libc::EAGAIN) if wait.left(SLICE).is_some() => {}
                Some(libc::ETIMEDOUT | libc::EAGAIN) => return Ok(false),
                _ => return Err(os_error("sem_wait", error).with_kind(ErrorKind::LockError)),
            }
        }
    }

    /// Gives one back.
    pub(crate) fn release(&self) -> Result<()> {
        // SAFETY: open while `self` lives.
        let result = unsafe { libc::sem_post(self.0.as_ptr()) };
        if result == 0 {
            return Ok(());
        }
        Err(os_error("sem_post", io::Error::last_os_error()).with_kind(ErrorKind::LockError))
    }
}

impl Drop for NamedSemaphore {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed once.
        unsafe { libc::sem_close(self.0.as_ptr()) };
    }
}

fn wall_clock() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
