//! Texts as words of the line protocol: percent-encoded, so that they hold no space and no line break.

use std::fmt::Write;

/// A text as a word: `%`, space, control characters and what is not ASCII are encoded.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut word = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            word.push(byte.into());
        } else {
            let _ = write!(word, "%{byte:02X}");
        }
    }
    word
}

/// The text that a word stands for.
///
/// # Panics
/// If it is no such word.
#[track_caller]
#[must_use]
pub fn decode(word: &str) -> String {
    let mut pieces = word.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(digits.unwrap_or_else(|| panic!("`%` and no number in `{word}`")));
        bytes.extend(piece[2..].bytes());
    }
    String::from_utf8(bytes).unwrap_or_else(|error| panic!("`{word}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        for (text, word) in [("", ""), ("/a:b?c", "/a:b?c"), ("a b%\n", "a%20b%25%0A"), ("ë", "%C3%AB")] {
            assert_eq!(encode(text), word);
            assert_eq!(decode(word), text);
        }
        assert_eq!(decode("%2fx"), "/x");
    }

    #[test]
    #[should_panic(expected = "no number")]
    fn a_lone_percent_is_no_word() {
        let _ = decode("a%2");
    }
}
