//! A death at a moment that is set beforehand. The kernel's timer keeps to it by microseconds; a signal from
//! another process comes when that one has a processor to itself, which may be long after.
#![allow(unsafe_code)]

use std::io;
use std::mem::zeroed;
use std::ptr;
use std::time::Duration;

/// Kills this process, unless it is dropped in time.
pub(super) struct Timer {
    timer: libc::timer_t,
    delay: Duration,
}

impl Timer {
    /// One that kills `delay` after its start.
    pub(super) fn that_kills(delay: Duration) -> io::Result<Self> {
        // SAFETY: numbers and a pointer that nobody reads for a signal; all of it may be 0.
        let mut what: libc::sigevent = unsafe { zeroed() };
        what.sigev_notify = libc::SIGEV_SIGNAL;
        what.sigev_signo = libc::SIGKILL;
        let mut timer = ptr::null_mut();
        // SAFETY: both are there through the call.
        let result = unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut what, &raw mut timer) };
        if result == 0 { Ok(Self { timer, delay }) } else { Err(io::Error::last_os_error()) }
    }

    pub(super) fn start(&self) {
        // SAFETY: plain numbers, all of which may be 0: a timer of one shot.
        let mut when: libc::itimerspec = unsafe { zeroed() };
        when.it_value.tv_sec = self.delay.as_secs().try_into().unwrap_or(libc::time_t::MAX);
        // 0 in both would stop it.
        when.it_value.tv_nsec = libc::c_long::from(self.delay.subsec_nanos()).max(1);
        // SAFETY: a timer of ours; the call reads the time, and writes nowhere.
        unsafe { libc::timer_settime(self.timer, 0, &raw const when, ptr::null_mut()) };
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: a timer of ours, and nothing uses it any more.
        unsafe { libc::timer_delete(self.timer) };
    }
}
