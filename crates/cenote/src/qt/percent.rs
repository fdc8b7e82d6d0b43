//! Percent-encoding as in the text form of native keys, which is a URL.

use std::fmt::{self, Write};

use crate::{Error, ErrorKind, Result};

/// Percent-encodes what would end the name, control characters, and those of `also`.
pub(super) fn encode(f: &mut fmt::Formatter<'_>, text: &str, also: &str) -> fmt::Result {
    for c in text.chars() {
        if matches!(c, '%' | '?' | '#') || c.is_ascii_control() || also.contains(c) {
            write!(f, "%{:02X}", u32::from(c))?;
        } else {
            f.write_char(c)?;
        }
    }
    Ok(())
}

/// Undoes percent-encoding. A stray `%` is refused: a guess could be another name than the one meant.
pub(super) fn decode(text: &str) -> Result<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (value, rest) =
            hex_byte(piece).ok_or_else(|| wrong("a `%` is not followed by two hex digits"))?;
        bytes.push(value);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| wrong("the percent-encoding does not make UTF-8"))
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

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::KeyError, what)
        .with_hint("write a percent sign as `%25`, and other bytes so that they are UTF-8")
}
