//! Signals, waited for instead of handled: blocked first, so that none is lost, and then taken one by one. What a
//! process was told to ignore, its children go on ignoring.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// A signal that came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal {
    pub(crate) number: i32,
    /// From the kernel, and not from a process: a key of the terminal, which the terminal's other processes got too.
    pub(crate) from_kernel: bool,
}

/// Signals that are blocked from now on and can be waited for.
pub(crate) struct Blocked {
    set: libc::sigset_t,
    /// What was blocked before, for children.
    before: Mask,
}

/// A set of blocked signals.
#[derive(Clone, Copy)]
pub(crate) struct Mask(libc::sigset_t);

impl Blocked {
    /// Blocks `signals` in this thread, and in those that it starts.
    pub(crate) fn new(signals: &[i32]) -> io::Result<Self> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the call fills the set that it is given.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: the call above has filled it.
        let mut set = unsafe { set.assume_init() };
        for &signal in signals {
            // SAFETY: `set` is a signal set, and exclusively borrowed.
            if unsafe { libc::sigaddset(&raw mut set, signal) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        let mut before = set;
        // SAFETY: both are signal sets, and the second is exclusively borrowed.
        let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before) };
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        Ok(Self { set, before: Mask(before) })
    }

    /// The next of the signals; none if none comes within `timeout`.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<Option<Signal>> {
        let timeout = timeout.map(|timeout| libc::timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let limit = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        loop {
            let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
            // SAFETY: the set and the time are valid through the call, which fills `info`.
            let number = unsafe { libc::sigtimedwait(&raw const self.set, info.as_mut_ptr(), limit) };
            if number > 0 {
                // SAFETY: plain numbers, of which zero is a valid value, and filled by the call.
                let info = unsafe { info.assume_init() };
                return Ok(Some(Signal { number, from_kernel: info.si_code == libc::SI_KERNEL }));
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EAGAIN) => return Ok(None),
                // Stopped and continued, say.
                Some(libc::EINTR) => {}
                _ => return Err(error),
            }
        }
    }

    /// What was blocked before.
    pub(crate) fn before(&self) -> Mask {
        self.before
    }
}

impl Mask {
    /// Blocks these signals and no others. May be called between fork and exec.
    pub(crate) fn apply(&self) -> io::Result<()> {
        // SAFETY: it is a signal set; the old one is not asked for.
        let error = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
        if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
    }
}

/// Whether this process was started with the signal ignored, as nohup(1) does.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the call fills the action that it is given, and changes nothing.
    if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: filled by the call.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Lets the kernel tell of children that end, which whoever started this process may have forbidden.
pub(crate) fn expect_children() {
    // SAFETY: the default action is no code of ours.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}
