//! Copying bytes that other processes may change at the same time.
//!
//! An ordinary load or store of such bytes would be a data race, so they are moved either by instructions that the
//! compiler does not look into (x86-64), or by relaxed atomics (Miri, loom and other processors). Either way a copy
//! of 1, 2, 4 or 8 bytes at an address that is a multiple of its size is a single access: it is never torn.

#![allow(unsafe_code)]

#[cfg(any(test, miri, not(target_arch = "x86_64")))]
mod portable;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86_64;

#[cfg(any(miri, not(target_arch = "x86_64")))]
pub(crate) use portable::{across, fill, prefetch, read, write};
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(crate) use x86_64::{across, fill, prefetch, read, write};

mod words;
pub(crate) use words::{FEW, read_words, write_words};

#[cfg(test)]
mod tests;
