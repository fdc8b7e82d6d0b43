//! What a piece of work costs its own core: instructions, where the processor counts them for us, else the time that it
//! had the core.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::Read;
use std::os::fd::FromRawFd;

use super::clock::processor_time;
use super::{Fault, fault};

/// The beginning of the kernel's `perf_event_attr`, as its first version had it.
#[repr(C)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_type: u32,
    config1: u64,
}

const HARDWARE: u32 = 0;
const INSTRUCTIONS: u64 = 1;

pub(crate) enum Counter {
    Instructions(File),
    Nanoseconds,
}

impl Counter {
    /// Instructions if the kernel lets us count its own, too: without them a system call would cost nothing.
    pub(crate) fn new() -> Self {
        let attributes = Attributes {
            kind: HARDWARE,
            size: size_of::<Attributes>() as u32,
            config: INSTRUCTIONS,
            sample_period: 0,
            sample_type: 0,
            read_format: 0,
            flags: 0,
            wakeup_events: 0,
            breakpoint_type: 0,
            config1: 0,
        };
        let (this_thread, any_core, no_group, no_flags) = (0, -1, -1, 0);
        // SAFETY: the structure is as large as it says and lives through the call; the rest are numbers.
        let opened = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                this_thread,
                any_core,
                no_group,
                no_flags,
            )
        };
        if opened < 0 {
            return Self::Nanoseconds;
        }
        // SAFETY: the kernel just made this descriptor, for us alone.
        Self::Instructions(unsafe { File::from_raw_fd(opened as i32) })
    }

    pub(crate) fn unit(&self) -> &'static str {
        match self {
            Self::Instructions(_) => "instructions",
            Self::Nanoseconds => "ns",
        }
    }

    #[inline]
    pub(crate) fn read(&self) -> Result<u64, Fault> {
        match self {
            Self::Nanoseconds => Ok(processor_time()),
            Self::Instructions(file) => {
                let mut count = [0; 8];
                (&mut &*file).read_exact(&mut count).map_err(fault("counting instructions"))?;
                Ok(u64::from_ne_bytes(count))
            }
        }
    }

    /// What reading itself adds between two readings: the least of many.
    pub(crate) fn cost_of_reading(&self) -> Result<u64, Fault> {
        let mut least = u64::MAX;
        for _ in 0..100 {
            let before = self.read()?;
            least = least.min(self.read()? - before);
        }
        Ok(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_work() {
        let counter = Counter::new();
        let before = counter.read().unwrap();
        let sum = (0..1_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum + number));
        assert!(sum > 0);
        assert!(counter.read().unwrap() - before > 10_000, "{}", counter.unit());
    }
}
