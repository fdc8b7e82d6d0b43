//! POSIX named semaphores: sem_open(3). A holder that dies never lets go of one.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::time::{Duration, SystemTime};

use super::fault::Watch;
use super::lease::is_open_nowhere_else;
use super::object::{SHM_DIRECTORY, open_file, remove_file, stat_path};
use super::{Mapped, os_error};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::Wait;

/// An open named semaphore.
pub(crate) struct NamedSemaphore {
    semaphore: NonNull<libc::sem_t>,
    /// It lies in a file, which somebody may shrink.
    watch: Watch,
    file: PathBuf,
    identity: Mapped,
}

// SAFETY: a semaphore is made for any number of threads.
unsafe impl Send for NamedSemaphore {}
// SAFETY: likewise.
unsafe impl Sync for NamedSemaphore {}

impl NamedSemaphore {
    /// Opens the one called `name`, with its leading slash.
    pub(crate) fn open(name: &str) -> Result<Self> {
        let file = file_of(name);
        let c_name = c_string(name)?;
        // Others may remove and remake it meanwhile, but not for ever.
        for _ in 0..1000 {
            let before = stat_path(&file, false)
                .map_err(|error| error.because("the semaphore cannot be opened"))?
                .mapped();
            // SAFETY: a C string that outlives the call; without O_CREAT there are no further arguments.
            let semaphore = unsafe { libc::sem_open(c_name.as_ptr(), 0) };
            let this = Self::new(semaphore, file.clone(), before)?;
            // The C library does not tell which file it has opened.
            if stat_path(&file, false).is_ok_and(|after| after.mapped() == before) {
                return Ok(this);
            }
        }
        Err(Error::new(ErrorKind::LockError, "the semaphore is removed and made anew all the time"))
    }

    /// Makes the one called `name`, for this user alone: false if there is one.
    pub(crate) fn make(name: &str, value: u32) -> Result<bool> {
        let c_name = c_string(name)?;
        let mode: libc::c_uint = 0o600;
        // SAFETY: a C string that outlives the call, and the two arguments that O_CREAT takes.
        let made = unsafe { libc::sem_open(c_name.as_ptr(), libc::O_CREAT | libc::O_EXCL, mode, value) };
        match NonNull::new(made) {
            Some(semaphore) => {
                // SAFETY: just opened, and used by nobody.
                unsafe { libc::sem_close(semaphore.as_ptr()) };
                Ok(true)
            }
            None => match io::Error::last_os_error() {
                error if error.raw_os_error() == Some(libc::EEXIST) => Ok(false),
                error => Err(os_error("sem_open", error).because("the semaphore cannot be made")),
            },
        }
    }

    /// Takes the name of a semaphore away. Whoever has it open goes on with it.
    pub(crate) fn remove(name: &str) -> Result<()> {
        // What is no semaphore at all is in the way of one.
        remove_file(&file_of(name), true)
    }

    /// Which semaphore has the name now, whether or not it may be used: `None` if there is none.
    pub(crate) fn named(name: &str) -> Result<Option<Mapped>> {
        match stat_path(&file_of(name), false) {
            Ok(facts) => Ok(Some(facts.mapped())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether it is proven that nobody has the semaphore open that has the name: then nobody can let go of it either.
    pub(crate) fn is_unused(name: &str) -> bool {
        open_file(&file_of(name), true, false).is_ok_and(|(file, _)| is_open_nowhere_else(&file))
    }

    fn new(semaphore: *mut libc::sem_t, file: PathBuf, identity: Mapped) -> Result<Self> {
        let semaphore = NonNull::new(semaphore).ok_or_else(|| {
            os_error("sem_open", io::Error::last_os_error()).because("the semaphore cannot be opened")
        })?;
        // The C library maps it by itself, at the start of a page.
        let watch = Watch::new(semaphore.as_ptr() as usize, rustix::param::page_size(), true);
        let this = Self { semaphore, watch, file, identity };
        this.intact().map(|()| this)
    }

    /// What the kernel calls it.
    pub(crate) fn identity(&self) -> Mapped {
        self.identity
    }

    /// Its file, open.
    pub(crate) fn file(&self) -> Result<OwnedFd> {
        let (file, facts) = open_file(&self.file, true, false)?;
        if facts.mapped() == self.identity {
            return Ok(file);
        }
        Err(Error::new(ErrorKind::LockError, "another semaphore has its name by now"))
    }

    /// How many there are to take.
    pub(crate) fn value(&self) -> Result<u32> {
        let mut value = 0;
        // SAFETY: open while `self` lives, and `value` is ours to write.
        let result = unsafe { libc::sem_getvalue(self.semaphore.as_ptr(), &raw mut value) };
        self.intact()?;
        if result == 0 {
            return Ok(value.max(0).cast_unsigned());
        }
        Err(os_error("sem_getvalue", io::Error::last_os_error()).with_kind(ErrorKind::LockError))
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
        let shrunk = || {
            stat_path(&self.file, false).is_ok_and(|facts| {
                facts.mapped() == self.identity && facts.size < size_of::<libc::sem_t>() as u64
            })
        };
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

/// Where the C library keeps it; see sem_overview(7).
fn file_of(name: &str) -> PathBuf {
    Path::new(SHM_DIRECTORY).join(format!("sem.{}", name.trim_start_matches('/')))
}

fn c_string(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::new(ErrorKind::KeyError, "the name contains a NUL byte"))
}

fn wall_clock() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
