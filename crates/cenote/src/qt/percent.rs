//! Percent-encoding as in the text form of native keys, which is a URL, by Qt's rules.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Percent-encodes control characters, `%`, `#`, and those of `also`.
pub(super) fn encode(f: &mut fmt::Formatter<'_>, text: &str, also: &str) -> fmt::Result {
    for c in text.chars() {
        if matches!(c, '%' | '#') || c.is_ascii_control() || also.contains(c) {
            write!(f, "%{:02X}", u32::from(c))?;
        } else {
            f.write_char(c)?;
        }
    }
    Ok(())
}

/// Undoes percent-encoding. As in Qt, a text with a stray `%` is taken as it is, all of it, and what does not make
/// UTF-8 becomes U+FFFD.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    decode_bytes(text)
        .map_or(Cow::Borrowed(text), |bytes| String::from_utf8_lossy(&bytes).into_owned().into())
}

fn decode_bytes(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (value, rest) = hex_byte(piece)?;
        bytes.push(value);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

/// The byte of the first two characters, and the text after them.
fn hex_byte(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    // The standard library would accept a sign as well.
    if digits.starts_with('+') {
        return None;
    }
    Some((u8::from_str_radix(digits, 16).ok()?, rest))
}
