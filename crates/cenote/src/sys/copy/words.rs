//! Copying a few words, for values: by relaxed atomics, which the compiler sees through.
//!
//! What instructions of our own have copied lies in memory, and is read back from there in other pieces than it was
//! written in, for which the processor waits until it has arrived. What was loaded by words stays in registers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// So many bytes are still few: a line of the processor.
pub(crate) const FEW: usize = 64;
const WORD: usize = size_of::<u64>();

/// Copies a `T` out of shared memory, which is whole words.
///
/// # Safety
/// `from` is valid for reads of a `T` while this runs, and a multiple of 8; `to` is valid for writes of it, and nobody
/// else uses that.
#[inline]
pub(crate) unsafe fn read_words<T>(from: *const u8, to: *mut T) {
    for at in 0..size_of::<T>() / WORD {
        // SAFETY: within the `T`.
        let shared = unsafe { from.cast::<u64>().add(at) };
        // SAFETY: aligned and valid by the caller's promise; all here access these bytes by atomics, or as if.
        let word = unsafe { AtomicU64::from_ptr(shared.cast_mut()) }.load(Relaxed);
        // SAFETY: within the `T`.
        let private = unsafe { to.cast::<u64>().add(at) };
        // SAFETY: the bytes are the caller's.
        unsafe { private.write_unaligned(word) };
    }
}

/// Copies a `T` into shared memory, which is whole words.
///
/// # Safety
/// `to` is valid for writes of a `T` while this runs, and a multiple of 8; all bytes of `from` have a value.
#[inline]
pub(crate) unsafe fn write_words<T>(from: &T, to: *mut u8) {
    for at in 0..size_of::<T>() / WORD {
        // SAFETY: within the `T`.
        let private = unsafe { std::ptr::from_ref(from).cast::<u64>().add(at) };
        // SAFETY: it is borrowed, and its bytes have a value.
        let word = unsafe { private.read_unaligned() };
        // SAFETY: within the `T`.
        let shared = unsafe { to.cast::<u64>().add(at) };
        // SAFETY: aligned and valid by the caller's promise; all here access these bytes by atomics, or as if.
        unsafe { AtomicU64::from_ptr(shared) }.store(word, Relaxed);
    }
}
