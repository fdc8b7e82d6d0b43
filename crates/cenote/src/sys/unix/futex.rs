//! Sleeping on a word in shared memory, or on several at once: futex(2), futex_waitv(2).

#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use std::{io, mem, ptr, thread};

/// The longest sleep: a word that somebody took the memory from wakes nobody.
const LONGEST: Duration = Duration::from_millis(500);

/// Sleeps while the low half of the word is `half`: until it is woken, or the time is over, or it has slept for long.
pub(crate) fn sleep_on_low_half(word: &AtomicU64, half: u32, time: Duration) {
    let longest = time.min(LONGEST);
    let timeout =
        libc::timespec { tv_sec: longest.as_secs() as libc::time_t, tv_nsec: longest.subsec_nanos().into() };
    // SAFETY: the word and the time outlive the call.
    let slept =
        unsafe { libc::syscall(libc::SYS_futex, low_half(word), libc::FUTEX_WAIT, half, &raw const timeout) };
    if slept < 0 {
        after_no_sleep(longest);
    }
}

/// The usual: it has changed, a signal came, or the time is over. Anything else could come again at once.
fn after_no_sleep(longest: Duration) {
    let usual = [libc::EAGAIN, libc::EINTR, libc::ETIMEDOUT];
    if !io::Error::last_os_error().raw_os_error().is_some_and(|code| usual.contains(&code)) {
        thread::sleep(Duration::from_millis(1).min(longest));
    }
}

// From linux/futex.h; since Linux 5.16.
const SIZE_U32: u32 = 2;
const MOST_WORDS: usize = 128;

/// A word to sleep on, as futex_waitv(2) has it. Not private: others wake.
#[repr(C)]
struct Waiter {
    value: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

/// A time as it has it, whatever the machine's own is.
#[repr(C)]
struct Moment {
    seconds: i64,
    nanoseconds: i64,
}

/// On how many words one can sleep at once: on one, where the system lacks the call.
pub(crate) fn most_words_to_sleep_on() -> usize {
    static MOST: OnceLock<usize> = OnceLock::new();
    *MOST.get_or_init(|| {
        // SAFETY: it is to sleep on no word, which it refuses if it is there.
        unsafe { waitv(&[], ptr::null()) };
        let is_there = io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL);
        if is_there { MOST_WORDS } else { 1 }
    })
}

/// Sleeps while the low halves of the words are those: until somebody wakes at one, or the time is over, or it has slept
/// for long. There are not more than [`most_words_to_sleep_on`].
pub(crate) fn sleep_on_low_halves(words: &[(&AtomicU64, u32)], time: Duration) {
    if let [(word, half)] = *words {
        return sleep_on_low_half(word, half, time);
    }
    let longest = time.min(LONGEST);
    let waiters: Vec<_> = words
        .iter()
        .map(|(word, half)| Waiter {
            value: u64::from(*half),
            address: low_half(word) as u64,
            flags: SIZE_U32,
            reserved: 0,
        })
        .collect();
    let until = in_so_long(longest);
    // SAFETY: the words and the time outlive the call.
    let slept = unsafe { waitv(&waiters, &raw const until) };
    if slept < 0 {
        after_no_sleep(longest);
    }
}

/// The moment so far from now, by the clock that runs evenly.
fn in_so_long(time: Duration) -> Moment {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is ours to write.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let until = Duration::new(now.tv_sec as u64, now.tv_nsec as u32).saturating_add(time);
    Moment { seconds: until.as_secs() as i64, nanoseconds: until.subsec_nanos().into() }
}

/// # Safety
/// `until` is null, or a time to be read.
unsafe fn waitv(waiters: &[Waiter], until: *const Moment) -> libc::c_long {
    const {
        assert!(mem::size_of::<Waiter>() == 24);
    }
    let (many, no_flags) = (waiters.len() as libc::c_uint, 0 as libc::c_uint);
    // SAFETY: the kernel reads so many waiters, and the time, and only looks the addresses up.
    unsafe {
        libc::syscall(libc::SYS_futex_waitv, waiters.as_ptr(), many, no_flags, until, libc::CLOCK_MONOTONIC)
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
