//! Sleeping on a word in shared memory: futex(2).

#![allow(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::time::Duration;
use std::{io, ptr, thread};

use crate::sys::Wait;

/// The longest sleep: a word that somebody took the memory from wakes nobody.
const LONGEST: Duration = Duration::from_millis(500);

/// Sleeps while the low half of the word is `half`: until it is woken, or the wait ends, or it has slept for long.
pub(crate) fn sleep_on_low_half(word: &AtomicU64, half: u32, wait: Wait) {
    let Some(longest) = wait.left(LONGEST) else { return };
    let timeout =
        libc::timespec { tv_sec: longest.as_secs() as libc::time_t, tv_nsec: longest.subsec_nanos().into() };
    // SAFETY: the word and the time outlive the call.
    let slept =
        unsafe { libc::syscall(libc::SYS_futex, low_half(word), libc::FUTEX_WAIT, half, &raw const timeout) };
    // It has changed, a signal came, or the time is over. Anything else could come again at once.
    let usual = [libc::EAGAIN, libc::EINTR, libc::ETIMEDOUT];
    if slept != 0 && !io::Error::last_os_error().raw_os_error().is_some_and(|code| usual.contains(&code)) {
        thread::sleep(Duration::from_millis(1).min(longest));
    }
}

/// Wakes one that sleeps on the low half of the word.
pub(crate) fn wake_low_half(word: &AtomicU64) {
    wake(word, 1);
}

/// The same: false if nobody slept there.
pub(crate) fn wake_one_on_low_half(word: &AtomicU64) -> bool {
    wake(word, 1) > 0
}

/// Wakes all that sleep on the low half of the word.
pub(crate) fn wake_all_on_low_half(word: &AtomicU64) {
    wake(word, i32::MAX);
}

/// How many it woke.
fn wake(word: &AtomicU64, most: i32) -> libc::c_long {
    // SAFETY: the kernel only looks the address up.
    unsafe {
        libc::syscall(libc::SYS_futex, low_half(word), libc::FUTEX_WAKE, most, ptr::null::<libc::timespec>())
    }
}

/// Where the low half is, for the kernel alone.
fn low_half(word: &AtomicU64) -> *const u32 {
    let halves = word.as_ptr().cast::<u32>();
    halves.wrapping_add(usize::from(cfg!(target_endian = "big")))
}

/// On which processor this thread is just now: 0 where the system does not tell.
pub(crate) fn processor() -> u64 {
    // SAFETY: it has no conditions.
    u64::try_from(unsafe { libc::sched_getcpu() }).unwrap_or_default()
}
