//! Copying a value out, and looking whether its bytes are one.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::slice;

use zerocopy::{Immutable, KnownLayout, TryFromBytes};

use crate::error::{Error, Result};
use crate::sys::Mapping;

/// Room for a `T`, which is filled with bytes that may be one. They are ours alone: nobody else changes them.
pub(crate) struct Copied<T> {
    bytes: MaybeUninit<T>,
    is_filled: bool,
}

impl<T> Copied<T> {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { bytes: MaybeUninit::uninit(), is_filled: false }
    }

    /// Copies them out from `offset` on.
    #[inline]
    pub(crate) fn fill(&mut self, mapping: &Mapping, offset: usize) -> Result<()> {
        mapping.read_uninit(offset, &mut self.bytes)?;
        self.is_filled = true;
        Ok(())
    }
}

impl<T: TryFromBytes + KnownLayout + Immutable> Copied<T> {
    /// The value, if they are one. At once in its place: a large one is copied once more with each step on its way.
    #[inline]
    pub(crate) fn value(self, or_else: impl FnOnce() -> Error) -> Result<T> {
        if !self.is_one() {
            return Err(or_else());
        }
        // SAFETY: the bytes are a valid `T`, as was looked at just now.
        Ok(unsafe { self.bytes.assume_init() })
    }

    #[inline]
    fn is_one(&self) -> bool {
        if !self.is_filled {
            return false;
        }
        // SAFETY: all bytes were written in `fill`, and nothing changes them while they are borrowed.
        let bytes = unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast::<u8>(), size_of::<T>()) };
        T::try_ref_from_bytes(bytes).is_ok()
    }
}
