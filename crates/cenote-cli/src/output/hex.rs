//! Hex dumps, in the form of `hexdump -C`.

use std::fmt::Write;
use std::ops::ControlFlow;

use super::Sink;
use super::bytes::Bytes;
use crate::failure::Failure;

const IN_LINE: usize = 16;

/// Writes a dump of `bytes`: offset, 16 bytes in hex, the same in ASCII. Lines that repeat the one before are a `*`,
/// and the last line is the offset of the end.
pub(crate) fn dump(bytes: &Bytes<'_>, sink: &mut Sink) -> Result<(), Failure> {
    let mut dump = Dump { offset: bytes.offset(), before: None, starred: false };
    bytes.each_piece(|piece| {
        let mut text = String::new();
        for line in piece.chunks(IN_LINE) {
            dump.line(line, &mut text);
        }
        sink.write(text.as_bytes())?;
        Ok(ControlFlow::Continue(()))
    })?;
    if bytes.len() == 0 {
        return Ok(());
    }
    sink.write(format!("{:08x}\n", dump.offset).as_bytes())
}

/// The same dump of a few bytes, the line with their end excepted.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut dump = Dump { offset: 0, before: None, starred: false };
    let mut text = String::new();
    for line in bytes.chunks(IN_LINE) {
        dump.line(line, &mut text);
    }
    text
}

/// Bytes as hex digits in pairs, for programs.
pub(crate) fn digits(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

struct Dump {
    offset: usize,
    /// The line before, if it was a full one.
    before: Option<[u8; IN_LINE]>,
    /// Whether its repetition has been told.
    starred: bool,
}

impl Dump {
    fn line(&mut self, line: &[u8], text: &mut String) {
        let full: Option<[u8; IN_LINE]> = line.try_into().ok();
        if full.is_some() && full == self.before {
            if !self.starred {
                text.push_str("*\n");
            }
            self.starred = true;
        } else {
            self.write(line, text);
            self.starred = false;
        }
        self.before = full;
        self.offset += line.len();
    }

    fn write(&self, line: &[u8], text: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{:08x} ", self.offset);
        for column in 0..IN_LINE {
            if column % 8 == 0 {
                text.push(' ');
            }
            let _ = match line.get(column) {
                Some(byte) => write!(text, "{byte:02x} "),
                None => write!(text, "   "),
            };
        }
        text.push_str(" |");
        text.extend(line.iter().map(|&byte| match byte {
            b' '..=b'~' => char::from(byte),
            _ => '.',
        }));
        text.push_str("|\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_hexdump() {
        let mut dump = Dump { offset: 0, before: None, starred: false };
        let mut text = String::new();
        let bytes = [b"Hello, Client!\0\x7f".as_slice(), &[0; 48], b"\xe9\n "].concat();
        for line in bytes.chunks(IN_LINE) {
            dump.line(line, &mut text);
        }
        let expected = "\
            00000000  48 65 6c 6c 6f 2c 20 43  6c 69 65 6e 74 21 00 7f  |Hello, Client!..|\n\
            00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n\
            *\n\
            00000040  e9 0a 20                                          |.. |\n";
        assert_eq!(text, expected);
        assert_eq!(dump.offset, 67);
    }
}
