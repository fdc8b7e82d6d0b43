//! One processor for who steps and who is stepped: only one of them runs at a time, and to wake the other on
//! the same processor takes a sixth of the time.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

/// The calling thread and another one are on one processor. When this is dropped, the calling one is free
/// again.
pub(super) struct OneProcessor {
    mine: Option<libc::cpu_set_t>,
    other: libc::pid_t,
    others: Option<libc::cpu_set_t>,
}

/// The calling thread, to the calls below.
const SELF: libc::pid_t = 0;

impl OneProcessor {
    /// With the thread `other`, on the processor of the calling one. Where the system refuses it is only
    /// slower.
    pub(super) fn with(other: libc::pid_t) -> Self {
        let (mine, others) = (allowed(SELF), allowed(other));
        // SAFETY: the call has no arguments.
        let processor = unsafe { libc::sched_getcpu() };
        if let Ok(processor) = usize::try_from(processor) {
            // SAFETY: a set is an array of bits, and may be empty.
            let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
            // SAFETY: the function panics for a processor that a set has no bit for.
            unsafe { libc::CPU_SET(processor, &mut one) };
            allow(SELF, &one);
            allow(other, &one);
        }
        Self { mine, other, others }
    }

    /// Frees the other one as well, which must still be there: its number may be somebody else's later.
    pub(super) fn part(self) {
        if let Some(set) = &self.others {
            allow(self.other, set);
        }
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        if let Some(set) = &self.mine {
            allow(SELF, set);
        }
    }
}

/// The processors that the thread may use.
fn allowed(thread: libc::pid_t) -> Option<libc::cpu_set_t> {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    let to = set.as_mut_ptr();
    // SAFETY: there is room for as many bytes as are told.
    let result = unsafe { libc::sched_getaffinity(thread, size_of::<libc::cpu_set_t>(), to) };
    // SAFETY: a set may hold any bits, and all were zero before the call.
    (result == 0).then(|| unsafe { set.assume_init() })
}

fn allow(thread: libc::pid_t, set: &libc::cpu_set_t) {
    // SAFETY: a whole set, which lives through the call.
    unsafe { libc::sched_setaffinity(thread, size_of::<libc::cpu_set_t>(), set) };
}
