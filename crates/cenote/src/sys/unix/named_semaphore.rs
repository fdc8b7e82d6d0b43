//! POSIX named semaphores: sem_open(3). A holder that dies never lets go of one.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::time::{Duration, SystemTime};

use super::fault::Watch;
use super::object::{SHM_DIRECTORY, stat_path};
use super::os_error;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::Wait;

/// An open named semaphore.
pub(crate) struct NamedSemaphore {
    semaphore: NonNull<libc::sem_t>,
    /// It lies in a file, which somebody may shrink.
    watch: Watch,
    file: PathBuf,
}

// SAFETY: a semaphore is made for any number of threads.
unsafe impl Send for NamedSemaphore {}
// SAFETY: likewise.
unsafe impl Sync for NamedSemaphore {}

impl NamedSemaphore {
    /// Opens the one called `name`, with its leading slash.
    pub(crate) fn open(name: &str) -> Result<Self> {
        // Where the C library keeps it; see sem_overview(7).
        let file = Path::new(SHM_DIRECTORY).join(format!("sem.{}", name.trim_start_matches('/')));
        let name = CString::new(name)
            .map_err(|_| Error::new(ErrorKind::KeyError, "the name contains a NUL byte"))?;
        // SAFETY: a C string that outlives the call; without O_CREAT there are no further arguments.
        let semaphore = unsafe { libc::sem_open(name.as_ptr(), 0) };
        let semaphore = NonNull::new(semaphore).ok_or_else(|| {
            os_error("sem_open", io::Error::last_os_error()).because("the semaphore cannot be opened")
        })?;
        // The C library maps it by itself, at the start of a page.
        let watch = Watch::new(semaphore.as_ptr() as usize, rustix::param::page_size(), true);
        let this = Self { semaphore, watch, file };
        this.intact().map(|()| this)
    }

    /// Takes one: false if `wait` ended first.
    pub(crate) fn acquire(&self, wait: Wait) -> Result<bool> {
        // In slices: the system's timed form goes by the wall clock, which may jump, and a semaphore whose file was
        // shrunk wakes nobody.
        const SLICE: Duration = Duration::from_millis(500);
        loop {
            let result = match wait.left(SLICE) {
                // SAFETY: open while `self` lives.
                None => unsafe { libc::sem_trywait(self.semaphore.as_ptr()) },
                Some(slice) => {
                    let until = wall_clock() + slice;
                    let until = libc::timespec {
                        tv_sec: until.as_secs() as libc::time_t,
                        tv_nsec: until.subsec_nanos().into(),
                    };
                    // SAFETY: open while `self` lives, and the time outlives the call.
                    unsafe { libc::sem_timedwait(self.semaphore.as_ptr(), &raw const until) }
                }
            };
            let error = io::Error::last_os_error();
            self.intact()?;
            if result == 0 {
                return Ok(true);
            }
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::ETIMEDOUT | libc::EAGAIN) if wait.left(SLICE).is_some() => {}
                Some(libc::ETIMEDOUT | libc::EAGAIN) => return Ok(false),
                _ => return Err(os_error("sem_wait", error).with_kind(ErrorKind::LockError)),
            }
        }
    }

    /// `LockError` once the file was shrunk. All handles of a process share one mapping, which may have been lost
    /// under another of them.
    fn intact(&self) -> Result<()> {
        let shrunk =
            || stat_path(&self.file, false).is_ok_and(|facts| facts.size < size_of::<libc::sem_t>() as u64);
        if !self.watch.lost() && !shrunk() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::LockError, "another process shrank the semaphore's file")
            .with_hint("remove the semaphore, and make it anew"))
    }

    /// Gives one back.
    pub(crate) fn release(&self) -> Result<()> {
        // SAFETY: open while `self` lives.
        let result = unsafe { libc::sem_post(self.semaphore.as_ptr()) };
        self.intact()?;
        if result == 0 {
            return Ok(());
        }
        Err(os_error("sem_post", io::Error::last_os_error()).with_kind(ErrorKind::LockError))
    }
}

impl Drop for NamedSemaphore {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed once.
        unsafe { libc::sem_close(self.semaphore.as_ptr()) };
    }
}

fn wall_clock() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
