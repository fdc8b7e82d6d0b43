//! What a cell holds: a tag and a length, and then the message, or the number of the chunk that has it.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::sync::Readable;

// Relaxed, all of it: what is in a cell is ordered by the cell's word.

const WORD: usize = size_of::<u64>();
/// Behind the cell's word.
const SAYS: usize = 1;
/// Where the message begins, in words.
const MESSAGE: usize = 2;
/// The same in bytes.
pub(super) const MESSAGE_AT: usize = MESSAGE * WORD;

/// Writes down a message of so many bytes.
#[inline(always)]
pub(super) fn say(cell: &[AtomicU64], tag: u32, len: usize) {
    cell[SAYS].store(u64::from(tag) | (len as u64) << 32, Relaxed);
}

/// The tag and the length that it says.
#[inline(always)]
pub(super) fn said<W: Readable>(cell: &[W]) -> (u32, usize) {
    let says = cell[SAYS].look();
    (says as u32, (says >> 32) as usize)
}

/// Where the message is, if not here.
pub(super) fn set_chunk(cell: &[AtomicU64], chunk: usize) {
    cell[MESSAGE].store(chunk as u64, Relaxed);
}

/// What [`set_chunk`] has set, or anything.
pub(super) fn chunk<W: Readable>(cell: &[W]) -> u64 {
    cell[MESSAGE].look()
}

/// Copies a message in that has room here, and says what it is: the last line first, so that the first one, which its
/// receiver looks at all the time, is written in one go.
#[inline(always)]
pub(super) fn write(cell: &[AtomicU64], tag: u32, bytes: &[u8]) {
    let words = &cell[MESSAGE..];
    let whole = bytes.chunks_exact(WORD);
    let rest = whole.remainder();
    if !rest.is_empty()
        && let Some(word) = words.get(bytes.len() / WORD)
    {
        let mut bytes = [0; WORD];
        bytes[..rest.len()].copy_from_slice(rest);
        word.store(u64::from_ne_bytes(bytes), Relaxed);
    }
    for (chunk, word) in whole.zip(words).rev() {
        let mut bytes = [0; WORD];
        bytes.copy_from_slice(chunk);
        word.store(u64::from_ne_bytes(bytes), Relaxed);
    }
    say(cell, tag, bytes.len());
}

/// Memory of our own for what has room in a cell: it begins as lines do, so that it can be filled with words.
#[repr(align(64))]
pub(super) struct Aligned(pub(super) [u8; 256]);
