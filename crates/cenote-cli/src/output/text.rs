//! Text in a segment: it ends at the first NUL.

use std::ops::ControlFlow;

use super::bytes::Bytes;
use crate::failure::Failure;

/// The text that `bytes` begin with, or how many bytes of it are valid if it is none.
pub(crate) fn utf8(bytes: &Bytes<'_>) -> Result<Result<String, usize>, Failure> {
    let mut text = Vec::new();
    let mut valid = 0;
    bytes.each_piece(|piece| {
        let end = piece.iter().position(|&byte| byte == 0);
        append(&mut text, &piece[..end.unwrap_or(piece.len())])?;
        // So that gigabytes of something else are not gathered first.
        match std::str::from_utf8(&text[valid..]) {
            Ok(_) => valid = text.len(),
            Err(error) => {
                valid += error.valid_up_to();
                if error.error_len().is_some() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(if end.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(String::from_utf8(text).map_err(|_| valid))
}

/// [`utf8`], for who accepts nothing else.
pub(crate) fn expect_utf8(bytes: &Bytes<'_>) -> Result<String, Failure> {
    utf8(bytes)?.map_err(|valid| {
        let at = bytes.offset() + valid;
        Failure::new(
            format!("what is there is no UTF-8 text: the byte at offset {at} cannot be part of one"),
            "`--as hex` shows any bytes, `--as raw` gives them as they are",
        )
    })
}

/// The text in UTF-16, little end first, that `bytes` begin with.
pub(crate) fn utf16(bytes: &Bytes<'_>) -> Result<String, Failure> {
    let mut encoded = Vec::new();
    bytes.each_piece(|piece| {
        let end = piece.chunks_exact(2).position(|unit| unit == [0, 0]);
        append(&mut encoded, &piece[..end.map_or(piece.len(), |end| 2 * end)])?;
        Ok(if end.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let hint = "`--as hex` shows any bytes, `--as text` reads UTF-8";
    if encoded.len() % 2 == 1 {
        return Err(Failure::new("what is there is no UTF-16 text: it has half a unit at its end", hint));
    }
    let units = encoded.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    char::decode_utf16(units).collect::<Result<String, _>>().map_err(|error| {
        let unit = error.unpaired_surrogate();
        Failure::new(
            format!("what is there is no UTF-16 text: the unit {unit:#06x} lacks its other half"),
            hint,
        )
    })
}

/// As `extend_from_slice`, with an error where there is no memory for it.
fn append(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Failure> {
    to.try_reserve(bytes.len()).map_err(|_| {
        Failure::new(
            "there is no memory for a text of that length",
            "read a part of it, with --offset and --len",
        )
    })?;
    to.extend_from_slice(bytes);
    Ok(())
}

/// Whether a terminal can show it without being steered by it.
pub(crate) fn is_harmless(text: &str) -> bool {
    text.chars().all(|letter| matches!(letter, '\n' | '\r' | '\t') || !letter.is_control())
}
