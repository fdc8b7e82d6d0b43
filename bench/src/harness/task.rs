//! What the kernel knows of the other process: whether it sleeps, and how much of a processor it has had.
#![allow(unsafe_code)]

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::clock::now;
use super::{Fault, fault};

/// Longer than anything takes to fall asleep that ever will.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct Task {
    stat: File,
    clock: libc::clockid_t,
}

impl Task {
    pub(crate) fn of(process: u32) -> Result<Self, Fault> {
        let stat = File::open(format!("/proc/{process}/stat")).map_err(fault("the other process"))?;
        let mut clock = 0;
        // SAFETY: `clock` is there to be written.
        match unsafe { libc::clock_getcpuclockid(process as i32, &raw mut clock) } {
            0 => Ok(Self { stat, clock }),
            error => Err(format!("its clock: {}", std::io::Error::from_raw_os_error(error))),
        }
    }

    /// Waits until it sleeps in the kernel. The caller gives its core away meanwhile: it may be the same.
    pub(crate) fn wait_asleep(&self) -> Result<(), Fault> {
        let end = now() + PATIENCE.as_nanos() as u64;
        while !self.is_asleep()? {
            if now() > end {
                return Err(format!("it does not sleep after {PATIENCE:?}"));
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    fn is_asleep(&self) -> Result<bool, Fault> {
        let mut buffer = [0; 256];
        let length = self.stat.read_at(&mut buffer, 0).map_err(fault("its state"))?;
        // The state comes after the name, which may hold anything, parentheses too.
        let end = buffer[..length].iter().rposition(|&byte| byte == b')').unwrap_or(0);
        Ok(buffer[..length].get(end + 2) == Some(&b'S'))
    }

    /// Nanoseconds that all its threads have had a processor.
    pub(crate) fn processor_time(&self) -> Result<u64, Fault> {
        let mut time = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: `time` is there to be written.
        if unsafe { libc::clock_gettime(self.clock, time.as_mut_ptr()) } != 0 {
            return Err(format!("its clock: {}", std::io::Error::last_os_error()));
        }
        // SAFETY: the call succeeded, so it was written.
        let time = unsafe { time.assume_init() };
        Ok(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }
}
