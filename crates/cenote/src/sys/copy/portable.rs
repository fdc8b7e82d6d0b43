//! Copying by relaxed atomics, word by word where the shared side is aligned.
//!
//! Relaxed is enough: these loads and stores pair with none of ours; whoever needs an order takes the lock.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

const WORD: usize = size_of::<u64>();

/// Copies `len` bytes out of shared memory.
///
/// # Safety
/// `from` is valid for reads and `to` for writes of `len` bytes while this runs; nobody else uses those at `to`.
pub(crate) unsafe fn read(from: *const u8, to: *mut u8, len: usize) {
    let mut at = 0;
    while at < len {
        // SAFETY: at < len, and `from` is valid for len bytes.
        let shared = unsafe { from.add(at) };
        // SAFETY: likewise for `to`.
        let private = unsafe { to.add(at) };
        match step(shared as usize, len - at) {
            WORD => {
                // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
                let value = // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
 unsafe { AtomicU64::from_ptr(shared.cast_mut().cast()) }.load(Relaxed);
                // SAFETY: `step` found room for it, and the bytes are the caller's.
                unsafe { private.cast::<u64>().write_unaligned(value) };
                at += WORD;
            }
            4 => {
                // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
                let value = // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
 unsafe { AtomicU32::from_ptr(shared.cast_mut().cast()) }.load(Relaxed);
                // SAFETY: `step` found room for it, and the bytes are the caller's.
                unsafe { private.cast::<u32>().write_unaligned(value) };
                at += 4;
            }
            2 => {
                // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
                let value = // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
 unsafe { AtomicU16::from_ptr(shared.cast_mut().cast()) }.load(Relaxed);
                // SAFETY: `step` found room for it, and the bytes are the caller's.
                unsafe { private.cast::<u16>().write_unaligned(value) };
                at += 2;
            }
            _ => {
                // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
                let value = // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
 unsafe { AtomicU8::from_ptr(shared.cast_mut()) }.load(Relaxed);
                // SAFETY: `step` found room for it, and the bytes are the caller's.
                unsafe { private.write(value) };
                at += 1;
            }
        }
    }
}

/// Copies `len` bytes into shared memory.
///
/// # Safety
/// `from` is valid for reads and `to` for writes of `len` bytes while this runs; nobody changes those at `from`.
pub(crate) unsafe fn write(from: *const u8, to: *mut u8, len: usize) {
    let mut at = 0;
    while at < len {
        // SAFETY: at < len, and `from` is valid for len bytes.
        let private = unsafe { from.add(at) };
        // SAFETY: likewise for `to`.
        let shared = unsafe { to.add(at) };
        match step(shared as usize, len - at) {
            WORD => {
                // SAFETY: `step` found room for it, and the bytes are the caller's.
                let value = unsafe { private.cast::<u64>().read_unaligned() };
                // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
                unsafe { AtomicU64::from_ptr(shared.cast()) }.store(value, Relaxed);
                at += WORD;
            }
            4 => {
                // SAFETY: `step` found room for it, and the bytes are the caller's.
                let value = unsafe { private.cast::<u32>().read_unaligned() };
                // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
                unsafe { AtomicU32::from_ptr(shared.cast()) }.store(value, Relaxed);
                at += 4;
            }
            2 => {
                // SAFETY: `step` found room for it, and the bytes are the caller's.
                let value = unsafe { private.cast::<u16>().read_unaligned() };
                // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
                unsafe { AtomicU16::from_ptr(shared.cast()) }.store(value, Relaxed);
                at += 2;
            }
            _ => {
                // SAFETY: `step` found room for it, and the bytes are the caller's.
                let value = unsafe { private.read() };
                // SAFETY: `step` found room and alignment for it, and all here access these bytes by atomics.
                unsafe { AtomicU8::from_ptr(shared) }.store(value, Relaxed);
                at += 1;
            }
        }
    }
}

/// Copies `len` bytes from shared memory to shared memory. Where the two overlap, what arrives is unspecified.
///
/// # Safety
/// `from` is valid for reads and `to` for writes of `len` bytes while this runs.
pub(crate) unsafe fn across(from: *const u8, to: *mut u8, len: usize) {
    let mut buffer = [0_u8; 4096];
    let mut at = 0;
    while at < len {
        let step = buffer.len().min(len - at);
        // SAFETY: at + step <= len.
        let source = unsafe { from.add(at) };
        // SAFETY: at + step <= len.
        let target = unsafe { to.add(at) };
        // SAFETY: the buffer has `step` bytes and is ours alone.
        unsafe { read(source, buffer.as_mut_ptr(), step) };
        // SAFETY: likewise.
        unsafe { write(buffer.as_ptr(), target, step) };
        at += step;
    }
}

/// Sets `len` bytes of shared memory to `byte`.
///
/// # Safety
/// `to` is valid for writes of `len` bytes while this runs.
pub(crate) unsafe fn fill(to: *mut u8, byte: u8, len: usize) {
    let buffer = [byte; 4096];
    let mut at = 0;
    while at < len {
        let step = buffer.len().min(len - at);
        // SAFETY: at + step <= len.
        let target = unsafe { to.add(at) };
        // SAFETY: the buffer has `step` bytes.
        unsafe { write(buffer.as_ptr(), target, step) };
        at += step;
    }
}

/// Has the line at an address fetched, where there is a way to say so: here there is none.
#[cfg_attr(test, expect(dead_code, reason = "here for other processors"))]
#[inline(always)]
pub(crate) fn prefetch(_address: *const u8) {}

/// The largest power of two up to a word that fits into `left` and to which `address` is aligned.
fn step(address: usize, left: usize) -> usize {
    let fits = 1 << left.ilog2();
    let aligned = 1 << (address | WORD).trailing_zeros();
    WORD.min(fits).min(aligned)
}
