//! A segment's memory in this process: mapped once, copied in and out with bounds, unmapped once.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{Handle, Part, Source, copy, granularity};
use crate::error::{Error, ErrorKind, Result};

impl Part {
    /// How far it begins after a place where the system can map from.
    pub(super) fn lead(self) -> usize {
        (self.offset % granularity()) as usize
    }
}

/// Mapped memory that other processes may change at any time.
///
/// Nothing here hands out a reference to it: bytes go in and out by copies.
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
    /// How much more is mapped in front of it: systems map from multiples of their granularity on.
    lead: usize,
    writable: bool,
    source: Source,
}

// SAFETY: the memory belongs to no thread, and every access to it is a copy that tolerates changes by others.
unsafe impl Send for Mapping {}
// SAFETY: likewise.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Memory of `len` bytes that the system has mapped at `base`, and unmaps as the source says.
    ///
    /// # Safety
    /// The bytes are mapped until the source unmaps them, with the access that `writable` says, and nobody else does.
    pub(super) unsafe fn new(base: *mut u8, len: usize, writable: bool, source: Source) -> Result<Self> {
        let base = NonNull::new(base)
            .ok_or_else(|| Error::new(ErrorKind::Unknown, "the system mapped the memory at address 0"))?;
        Ok(Self { base, len, lead: 0, writable, source })
    }

    /// Maps a part of a file, shared.
    pub(crate) fn of_file(file: &Handle, part: Part, writable: bool) -> Result<Self> {
        let lead = part.lead();
        let whole = Self::of_file_from(file, part.offset - lead as u64, lead + part.len, writable)?;
        whole.narrowed(lead, part.len)
    }

    /// The same without its first `lead` bytes: `len` are left.
    pub(super) fn narrowed(mut self, lead: usize, len: usize) -> Result<Self> {
        if lead.checked_add(len) != Some(self.len) {
            return Err(Error::new(ErrorKind::InvalidSize, "it became smaller just now"));
        }
        // SAFETY: within the mapping.
        self.base = unsafe { self.base.add(lead) };
        self.len = len;
        self.lead += lead;
        Ok(self)
    }

    /// Unmaps all that was mapped.
    ///
    /// # Safety
    /// Once, and nobody uses the memory any more.
    unsafe fn release(&mut self) -> Result<()> {
        // SAFETY: so much was mapped in front of the base.
        let start = unsafe { self.base.sub(self.lead) };
        // SAFETY: mapped by the source; the rest is the caller's promise.
        unsafe { self.source.unmap(start.as_ptr(), self.lead + self.len) }
    }

    /// The segment's size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn writable(&self) -> bool {
        self.writable
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Copies out as many bytes from `offset` on as fit into `to`.
    #[inline]
    pub(crate) fn read(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        // SAFETY: the slice is ours to write.
        unsafe { self.read_raw(offset, to.as_mut_ptr(), to.len()) }
    }

    /// Copies out `len` bytes from `offset` on.
    pub(crate) fn read_to_vec(&self, offset: usize, len: usize) -> Result<Vec<u8>> {
        // Checked before anything is allocated for it.
        self.at(offset, len)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| {
            Error::new(ErrorKind::OutOfResources, format!("there is no memory for a copy of {len} bytes"))
        })?;
        // SAFETY: the vector has room for `len` bytes.
        unsafe { self.read_raw(offset, bytes.as_mut_ptr(), len) }?;
        // SAFETY: they were written just now.
        unsafe { bytes.set_len(len) };
        Ok(bytes)
    }

    /// Copies bytes out in place of those in `to`.
    #[inline]
    pub(crate) fn read_into(&self, offset: usize, len: usize, to: &mut Vec<u8>) -> Result<()> {
        if to.len() != len {
            if to.capacity() < len {
                *to = self.read_to_vec(offset, len)?;
                return Ok(());
            }
            to.resize(len, 0);
        }
        self.read(offset, to)
    }

    /// Copies out a value of a type for which all bytes are valid.
    #[inline]
    pub(crate) fn read_value<T: FromBytes>(&self, offset: usize) -> Result<T> {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the value is ours to write, and has its size in bytes.
        unsafe { self.read_raw(offset, value.as_mut_ptr().cast(), size_of::<T>()) }?;
        // SAFETY: all its bytes were written, and FromBytes says that any are valid.
        Ok(unsafe { value.assume_init() })
    }

    /// Copies out the bytes of a value, whether they are one or not: that is for the caller to find out. The offset is a
    /// multiple of 8.
    #[inline]
    pub(crate) fn read_uninit<T>(&self, offset: usize, to: &mut MaybeUninit<T>) -> Result<()> {
        if const { is_few_words::<T>() } {
            let from = self.at(offset, size_of::<T>())?.cast::<u64>();
            if !from.is_aligned() {
                return Err(askew());
            }
            // SAFETY: `at` checked that the bytes are mapped; the value is ours to write.
            unsafe { copy::read_words(from.as_ptr().cast(), to.as_mut_ptr()) };
            return self.intact();
        }
        // SAFETY: the value is ours to write, and has its size in bytes.
        unsafe { self.read_raw(offset, to.as_mut_ptr().cast(), size_of::<T>()) }
    }

    /// # Safety
    /// `to` is valid for writes of `len` bytes, which nobody else uses meanwhile.
    #[inline]
    unsafe fn read_raw(&self, offset: usize, to: *mut u8, len: usize) -> Result<()> {
        let from = self.at(offset, len)?;
        // SAFETY: `at` checked that the `len` bytes are mapped; `to` is the caller's promise.
        unsafe { copy::read(from.as_ptr(), to, len) };
        self.intact()
    }

    /// Copies `from` to `offset`.
    #[inline]
    pub(crate) fn write(&self, offset: usize, from: &[u8]) -> Result<()> {
        let to = self.at_for_writing(offset, from.len())?;
        // SAFETY: `at` checked that the bytes are mapped, writable; the slice is borrowed.
        unsafe { copy::write(from.as_ptr(), to.as_ptr(), from.len()) };
        self.intact()
    }

    /// Copies a value to `offset`.
    #[inline]
    pub(crate) fn write_value<T: IntoBytes + Immutable>(&self, offset: usize, value: &T) -> Result<()> {
        if const { is_few_words::<T>() } {
            let to = self.at_for_writing(offset, size_of::<T>())?.cast::<u64>();
            if to.is_aligned() {
                // SAFETY: `at` checked that the bytes are mapped, writable; IntoBytes says that all have a value.
                unsafe { copy::write_words(value, to.as_ptr().cast()) };
                return self.intact();
            }
        }
        self.write(offset, value.as_bytes())
    }

    /// Copies `len` bytes to another mapping, or to another place of this one.
    pub(crate) fn copy_to(&self, offset: usize, to: &Mapping, to_offset: usize, len: usize) -> Result<()> {
        let from = self.at(offset, len)?;
        let target = to.at_for_writing(to_offset, len)?;
        // SAFETY: both ranges were checked and are mapped while `self` and `to` are borrowed.
        unsafe { copy::across(from.as_ptr(), target.as_ptr(), len) };
        self.intact()?;
        to.intact()
    }

    /// Has the line at `offset` fetched, for a reading that comes soon. Any offset will do.
    #[inline(always)]
    pub(crate) fn prefetch(&self, offset: usize) {
        copy::prefetch(self.base.as_ptr().wrapping_add(offset));
    }

    /// Sets `len` bytes from `offset` on to `byte`.
    pub(crate) fn fill(&self, offset: usize, len: usize, byte: u8) -> Result<()> {
        let to = self.at_for_writing(offset, len)?;
        // SAFETY: the range was checked and is mapped and writable.
        unsafe { copy::fill(to.as_ptr(), byte, len) };
        self.intact()
    }

    /// The word at `offset`, for lock-free code: others change it at any time.
    #[inline]
    pub(crate) fn word(&self, offset: usize) -> Result<&AtomicU64> {
        let at = self.at_for_writing(offset, size_of::<AtomicU64>())?.cast::<AtomicU64>();
        if !at.is_aligned() {
            return Err(askew());
        }
        // SAFETY: aligned, within the mapping and writable, and borrowed no longer than that lives.
        Ok(unsafe { at.as_ref() })
    }

    /// All of its words, for lock-free code: others change them at any time.
    #[inline]
    pub(crate) fn words(&self) -> Result<&[AtomicU64]> {
        let at = self.at_for_writing(0, self.len)?.cast::<AtomicU64>();
        if !at.is_aligned() {
            return Err(askew());
        }
        let all = NonNull::slice_from_raw_parts(at, self.len / size_of::<AtomicU64>());
        // SAFETY: aligned, the whole mapping, writable, and borrowed no longer than that lives.
        Ok(unsafe { all.as_ref() })
    }

    /// The word at `offset`, to be looked at: also where the mapping is read-only.
    #[inline]
    pub(crate) fn word_to_read(&self, offset: usize) -> Result<&WordToRead> {
        let at = self.at(offset, size_of::<WordToRead>())?.cast::<WordToRead>();
        if !at.is_aligned() {
            return Err(askew());
        }
        // SAFETY: aligned, within the mapping, and borrowed no longer than that lives. It may be read-only memory:
        // what is handed out has relaxed loads alone, which are allowed there.
        Ok(unsafe { at.as_ref() })
    }

    /// All of its words, to be looked at: also where the mapping is read-only.
    fn words_to_read(&self) -> Result<&[WordToRead]> {
        let at = self.at(0, self.len)?.cast::<WordToRead>();
        if !at.is_aligned() {
            return Err(askew());
        }
        let all = NonNull::slice_from_raw_parts(at, self.len / size_of::<WordToRead>());
        // SAFETY: aligned, the whole mapping, and borrowed no longer than that lives. It may be read-only memory: what is
        // handed out has relaxed loads alone, which are allowed there.
        Ok(unsafe { all.as_ref() })
    }

    /// Whether the memory behind the mapping was taken away.
    #[inline]
    pub(crate) fn is_lost(&self) -> bool {
        self.source.is_lost()
    }

    /// `Corrupt` once the memory behind the mapping was taken away.
    #[inline]
    pub(crate) fn intact(&self) -> Result<()> {
        if self.source.is_lost() { Err(lost()) } else { Ok(()) }
    }

    /// Unmaps, and says if that failed.
    pub(crate) fn unmap(mut self) -> Result<()> {
        // SAFETY: once, for `self` is forgotten; nothing borrows it any more.
        let result = unsafe { self.release() };
        std::mem::forget(self);
        result
    }

    #[inline]
    fn at_for_writing(&self, offset: usize, len: usize) -> Result<NonNull<u8>> {
        if self.writable { self.at(offset, len) } else { Err(read_only()) }
    }

    /// The address of `len` bytes from `offset` on, all of them within the segment.
    #[inline]
    fn at(&self, offset: usize, len: usize) -> Result<NonNull<u8>> {
        match offset.checked_add(len) {
            // SAFETY: offset <= len of the mapping, so the pointer stays within it or one past its end.
            Some(end) if end <= self.len => Ok(unsafe { self.base.add(offset) }),
            _ => Err(Error::outside(offset, len, self.len)),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // `unmap` reports errors; here nobody could hear of them.
        // SAFETY: once, at the end; nothing borrows `self` any more.
        let _ = unsafe { self.release() };
    }
}

/// The words from the beginning of a mapping on, which it keeps mapped: for lock-free code that is in a hurry. Others change
/// them at any time.
pub(crate) struct Words<W = AtomicU64> {
    base: NonNull<W>,
    len: usize,
    mapping: Arc<Mapping>,
}

// SAFETY: as a mapping, to which it is a short way.
unsafe impl<W> Send for Words<W> {}
// SAFETY: likewise.
unsafe impl<W> Sync for Words<W> {}

impl Words {
    /// The first `len` bytes.
    pub(crate) fn of(mapping: &Arc<Mapping>, len: usize) -> Result<Self> {
        Self::first(mapping.words()?, mapping, len)
    }
}

impl Words<WordToRead> {
    /// The first `len` bytes, also where the mapping is read-only.
    pub(crate) fn to_read(mapping: &Arc<Mapping>, len: usize) -> Result<Self> {
        Self::first(mapping.words_to_read()?, mapping, len)
    }
}

impl<W> Deref for Words<W> {
    type Target = [W];

    #[inline]
    fn deref(&self) -> &[W] {
        // SAFETY: so many were there when it was made, and `self` keeps them mapped.
        unsafe { NonNull::slice_from_raw_parts(self.base, self.len).as_ref() }
    }
}

impl<W> Words<W> {
    /// Those of the first `len` bytes, out of all that the mapping has.
    fn first(all: &[W], mapping: &Arc<Mapping>, len: usize) -> Result<Self> {
        let words = all.get(..len / size_of::<W>()).ok_or_else(|| Error::outside(0, len, mapping.len()))?;
        Ok(Self { base: NonNull::from(words).cast(), len: words.len(), mapping: Arc::clone(mapping) })
    }

    pub(crate) fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }
}

/// A word that others change at any time, and that may lie where nobody here can write.
#[repr(transparent)]
pub(crate) struct WordToRead(AtomicU64);

impl WordToRead {
    /// What is in it, in no order: whoever needs one puts a fence behind it. Of read-only memory, loads that are more
    /// than relaxed are not promised to work everywhere.
    #[inline]
    pub(crate) fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether a `T` is copied word by word.
const fn is_few_words<T>() -> bool {
    size_of::<T>() <= copy::FEW && size_of::<T>().is_multiple_of(size_of::<u64>())
}

#[cold]
fn askew() -> Error {
    Error::new(ErrorKind::InvalidSize, "a word has an offset that is a multiple of 8")
}

#[cold]
fn lost() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "the memory behind it is gone: another process shrank it, or a sparse one found no more",
    )
}

#[cold]
fn read_only() -> Error {
    Error::new(ErrorKind::PermissionDenied, "it is attached read-only")
        .with_hint("attach it read-write, that is without read_only()")
}
