//! A part of a segment: all access to bytes goes through here.

#![allow(unsafe_code)]

use std::ops::RangeBounds;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::resolve;
use crate::address::Address;
use crate::error::{Error, Result};
use crate::sys::Mapping;

/// A part of a segment, by offset and length. Offsets count from its own beginning, in bytes.
///
/// All access checks its bounds and copies; see [`Segment`](crate::Segment) for what that promises.
#[derive(Clone, Copy)]
pub struct View<'a> {
    mapping: &'a Mapping,
    address: &'a Address,
    offset: usize,
    len: usize,
}

impl<'a> View<'a> {
    pub(super) fn whole(mapping: &'a Mapping, address: &'a Address) -> Self {
        Self { mapping, address, offset: 0, len: mapping.len() }
    }

    /// So many bytes from `offset` on, which are within it.
    pub(crate) fn part(mapping: &'a Mapping, address: &'a Address, offset: usize, len: usize) -> Self {
        Self { mapping, address, offset, len }
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A part of this part.
    ///
    /// # Errors
    /// `InvalidSize` if it does not lie within.
    pub fn view(&self, offset: usize, len: usize) -> Result<View<'a>> {
        let start = self.checked(offset, len).map_err(|error| error.during("view", self.address))?;
        Ok(View { offset: start, len, ..*self })
    }

    /// Fills `to` with the bytes from `offset` on.
    ///
    /// # Errors
    /// `InvalidSize` if there are fewer; `Corrupt` if another process took the memory away, in which case `to` may
    /// hold anything.
    #[inline]
    pub fn read_at(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        self.checked(offset, to.len())
            .and_then(|offset| self.mapping.read(offset, to))
            .map_err(|error| error.during("read", self.address))
    }

    /// Copies a range of bytes out. Nothing is allocated for a range that is out of bounds.
    ///
    /// # Errors
    /// `InvalidSize`, `Corrupt`; `OutOfResources` if there is no memory for the copy.
    pub fn read_to_vec(&self, range: impl RangeBounds<usize>) -> Result<Vec<u8>> {
        let (offset, len) = resolve(&range, self.len);
        self.checked(offset, len)
            .and_then(|offset| self.mapping.read_to_vec(offset, len))
            .map_err(|error| error.during("read", self.address))
    }

    /// Copies a value out, of a type for which any bytes are valid.
    ///
    /// Integers at a multiple of their size are read in one piece; anything larger may be torn without the lock.
    ///
    /// # Errors
    /// `InvalidSize`, `Corrupt`.
    #[inline]
    pub fn read_value<T: FromBytes>(&self, offset: usize) -> Result<T> {
        self.checked(offset, size_of::<T>())
            .and_then(|offset| self.mapping.read_value(offset))
            .map_err(|error| error.during("read", self.address))
    }

    /// Copies `from` to `offset`.
    ///
    /// # Errors
    /// `InvalidSize` if it does not fit, and then nothing is written; `PermissionDenied` if the segment is attached
    /// read-only; `Corrupt`.
    #[inline]
    pub fn write_at(&self, offset: usize, from: &[u8]) -> Result<()> {
        self.checked(offset, from.len())
            .and_then(|offset| self.mapping.write(offset, from))
            .map_err(|error| error.during("write", self.address))
    }

    /// Copies a value to `offset`. Types with padding do not qualify: what lies in it would leak.
    ///
    /// # Errors
    /// As [`write_at`](Self::write_at).
    #[inline]
    pub fn write_value<T: IntoBytes + Immutable>(&self, offset: usize, value: &T) -> Result<()> {
        self.write_at(offset, value.as_bytes())
    }

    /// Sets a range to `byte`.
    ///
    /// # Errors
    /// As [`write_at`](Self::write_at).
    pub fn fill(&self, range: impl RangeBounds<usize>, byte: u8) -> Result<()> {
        let (offset, len) = resolve(&range, self.len);
        self.checked(offset, len)
            .and_then(|offset| self.mapping.fill(offset, len, byte))
            .map_err(|error| error.during("fill", self.address))
    }

    /// Copies a range to the beginning of another view, of this segment or another. If the two overlap, what arrives
    /// is unspecified.
    ///
    /// # Errors
    /// `InvalidSize` if the range does not lie within this view, or is longer than the other; `PermissionDenied`,
    /// `Corrupt` of either.
    pub fn copy_to(&self, range: impl RangeBounds<usize>, to: View<'_>) -> Result<()> {
        let (offset, len) = resolve(&range, self.len);
        let from = self.checked(offset, len).map_err(|error| error.during("read", self.address))?;
        to.checked(0, len).and_then(|target| self.mapping.copy_to(from, to.mapping, target, len)).map_err(
            |error| match self.mapping.intact() {
                Err(lost) => lost.during("read", self.address),
                Ok(()) => error.during("write", to.address),
            },
        )
    }

    /// The bytes in place.
    ///
    /// # Safety
    /// While the slice lives, nobody may change these bytes, in this process or another: the lock serves, if all
    /// who write take it and none of them is hostile. Nobody may shrink the file behind the segment either: reading
    /// would go on with zeros, and the slice would have changed.
    #[must_use]
    pub unsafe fn as_slice(&self) -> &'a [u8] {
        // SAFETY: the view lies within the mapping, which is borrowed for 'a; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len) }
    }

    /// The bytes in place, to be changed.
    ///
    /// # Safety
    /// As for [`as_slice`](Self::as_slice), and nobody may read them either while the slice lives, through this
    /// segment or another mapping of it. The segment must be attached read-write.
    #[must_use]
    pub unsafe fn as_mut_slice(&self) -> &'a mut [u8] {
        // SAFETY: as in `as_slice`.
        unsafe { std::slice::from_raw_parts_mut(self.as_ptr(), self.len) }
    }

    /// The address in this process, for calls that take one. It is valid while the segment is attached, and what is
    /// done with it is up to the caller: other processes may change or shrink the memory at any time.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.mapping.base().wrapping_add(self.offset)
    }

    /// Where `len` bytes at `offset` begin in the mapping.
    #[inline]
    fn checked(&self, offset: usize, len: usize) -> Result<usize> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(self.offset + offset),
            _ => Err(Error::outside(offset, len, self.len)),
        }
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "View({}, {}..{})", self.address, self.offset, self.offset + self.len)
    }
}
