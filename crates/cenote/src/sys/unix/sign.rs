//! A descriptor that is readable while a sign is up, and the thread that puts it up: eventfd(2), pthread_sigmask(3).

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::thread::{Builder, JoinHandle};

use rustix::event::{EventfdFlags, eventfd};

use super::os_error;
use crate::error::{Error, ErrorKind, Result};

/// A sign that is up or not: its descriptor is readable while it is.
pub(crate) struct Sign(OwnedFd);

impl Sign {
    pub(crate) fn new() -> Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        eventfd(0, flags).map(Self).map_err(|errno| os_error("eventfd", errno))
    }

    /// Puts it up, also if it is up: who waits for changes sees one.
    pub(crate) fn put_up(&self) {
        // It fails if nobody has taken it down 2^64 times: then it is up.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(crate) fn take_down(&self) {
        // It fails if it is down.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for Sign {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Lets a type that has a sign be waited for by it.
macro_rules! readable_by {
    ($type:ty, $($sign:ident).+) => {
        impl std::os::fd::AsFd for $type {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.$($sign).+.as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(self))
            }
        }
    };
}
pub(crate) use readable_by;

/// What comes of an instruction of the thread itself, and must find its handler: the one for memory that was taken away
/// among them.
const OWN_FAULTS: [libc::c_int; 6] =
    [libc::SIGBUS, libc::SIGSEGV, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

/// Starts a thread that takes no signals from the others, which are not meant for it.
pub(crate) fn start_quiet_thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let mut all = MaybeUninit::uninit();
    // SAFETY: it fills what it is given.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    for signal in OWN_FAULTS {
        // SAFETY: a set that was filled, and a signal that there is.
        unsafe { libc::sigdelset(all.as_mut_ptr(), signal) };
    }
    let mut before = MaybeUninit::uninit();
    // SAFETY: it reads a set that was filled, and fills the other one.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    // A thread begins with the mask of who starts it.
    let started = Builder::new().name(name.to_owned()).spawn(body);
    // SAFETY: it reads the set that the first call has filled.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    started.map_err(|error| Error::os("pthread_create", error).with_kind(ErrorKind::OutOfResources))
}
