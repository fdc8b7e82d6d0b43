//! Time that means the same in all processes of the machine.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since some moment before.
#[inline]
pub(crate) fn now() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// Nanoseconds that this thread has had a processor.
#[inline]
pub(crate) fn processor_time() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

#[inline]
fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
