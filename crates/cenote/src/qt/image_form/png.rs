//! The chunks of a PNG stream: where it ends, and which of it make the pixels.

use super::corrupt;
use crate::Result;

pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// Bytes around a chunk's data: its length and type before, its checksum after.
const FRAME: usize = 12;
/// Deflate makes at most 258 bytes of 2 bits.
const DEFLATE_RATIO: u64 = 1032;

/// The stream up to its end, without the chunks that pixels do not need.
///
/// Texts, profiles and animations can be compressed too; left out, they cost neither memory nor time.
pub(super) fn essence(stream: &[u8]) -> Result<Vec<u8>> {
    let mut essence = SIGNATURE.to_vec();
    let mut rest = stream.get(SIGNATURE.len()..).unwrap_or_default();
    loop {
        let (chunk, after) = first_chunk(rest).ok_or_else(|| corrupt("the PNG stream is cut off"))?;
        let kind = &chunk[4..8];
        if matches!(kind, b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT" | b"IEND") {
            essence.extend_from_slice(chunk);
        }
        if kind == b"IEND" {
            return Ok(essence);
        }
        rest = after;
    }
}

/// The first chunk, with its frame, and what follows it.
fn first_chunk(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32::from_be_bytes(*bytes.first_chunk()?);
    bytes.split_at_checked(usize::try_from(length).ok()?.checked_add(FRAME)?)
}

/// The most bytes that `packed` compressed ones can hold.
pub(super) fn unpacked_max(packed: usize) -> u64 {
    (packed as u64).saturating_mul(DEFLATE_RATIO)
}
