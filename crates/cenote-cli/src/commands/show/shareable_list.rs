//! What Python's `multiprocessing.shared_memory.ShareableList` puts into a segment, read as anybody may have left it: nothing of
//! it is believed before it is compared with what is there.
//!
//! All numbers are of 8 bytes, little end first on every machine that Cenote runs on: how many items there are; where each of
//! them begins in the data, and where the last one ends; the data, in steps of 8 bytes; for each item 8 bytes of text, its format
//! for Python's `struct`; for each item one byte that says what Python makes of it. (CPython 3.9 and later; 3.8 had lengths in the
//! place of the offsets.)

use std::fmt;

use serde_json::{Value, json};

const WORD: usize = 8;

/// One item.
#[derive(Debug, PartialEq)]
pub(super) enum Item {
    Int(i64),
    Float(f64),
    Bool(bool),
    None,
    Bytes(Vec<u8>),
    Text(String),
    /// A text that is no UTF-8: some versions of Python cut what is not ASCII.
    CutText(String),
}

/// The items, if the bytes are such a list from beginning to end.
pub(super) fn items(bytes: &[u8]) -> Option<Vec<Item>> {
    let count = usize::try_from(int(bytes, 0)?).ok()?;
    // The metadata alone take as much; a list without items looks like any zeros.
    if count == 0 || count > bytes.len() / (2 * WORD + 1) {
        return None;
    }
    let offset = |index: usize| usize::try_from(int(bytes, WORD * (1 + index))?).ok();
    let data = WORD * (count + 2);
    let all = offset(count)?;
    let formats = data.checked_add(all)?;
    let codes = formats.checked_add(WORD * count)?;
    if codes.checked_add(count)? > bytes.len() {
        return None;
    }
    let item = |index: usize| {
        let (begin, end) = (offset(index)?, offset(index + 1)?);
        if begin >= end || end > all || begin % WORD != 0 || end % WORD != 0 {
            return None;
        }
        let format = &bytes[formats + WORD * index..][..WORD];
        self::item(format, bytes[codes + index], &bytes[data + begin..data + end])
    };
    (0..count).map(item).collect()
}

/// What is in the place of one item, which has one word or more.
fn item(format: &[u8], code: u8, place: &[u8]) -> Option<Item> {
    let format = trimmed(format);
    let word: [u8; WORD] = place[..WORD].try_into().ok()?;
    Some(match (format, code) {
        (b"q", 0) => Item::Int(i64::from_le_bytes(word)),
        (b"d", 0) => Item::Float(f64::from_le_bytes(word)),
        (b"xxxxxxx?", 0) => Item::Bool(word[7] != 0),
        (b"xxxxxx?x", 3) => Item::None,
        (_, 1 | 2) => {
            let digits = std::str::from_utf8(format.strip_suffix(b"s")?).ok()?;
            let written =
                digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())??;
            let string = trimmed(place.get(..written)?);
            if code == 2 {
                return Some(Item::Bytes(string.to_vec()));
            }
            match std::str::from_utf8(string) {
                Ok(text) => Item::Text(text.to_owned()),
                Err(_) => Item::CutText(String::from_utf8_lossy(string).into_owned()),
            }
        }
        _ => return None,
    })
}

fn int(bytes: &[u8], at: usize) -> Option<i64> {
    let word = bytes.get(at..at.checked_add(WORD)?)?;
    word.try_into().ok().map(i64::from_le_bytes)
}

/// Without the zeros at its end, as Python has it.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &bytes[..end]
}

impl Item {
    /// Python's name for it.
    pub(super) fn of(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Bool(_) => "bool",
            Self::None => "None",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "str",
            Self::CutText(_) => "str, cut",
        }
    }

    /// For programs. What JSON has no word for is a text; bytes are in hex.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Int(number) => json!(number),
            Self::Float(number) if number.is_finite() => json!(number),
            Self::Float(number) => json!(number.to_string()),
            Self::Bool(yes) => json!(yes),
            Self::None => Value::Null,
            Self::Bytes(bytes) => json!({ "hex": crate::output::hex::digits(bytes) }),
            Self::Text(text) | Self::CutText(text) => json!(text),
        }
    }
}

/// Much as Python has it.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Bool(yes) => f.write_str(if *yes { "True" } else { "False" }),
            Self::None => f.write_str("None"),
            Self::Bytes(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
            Self::Text(text) | Self::CutText(text) => write!(f, "{text:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ShareableList([7, "é", True])`, byte by byte.
    fn list() -> Vec<u8> {
        let words = |words: &[i64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        [
            words(&[3, 0, 8, 16, 24, 7]),
            b"\xc3\xa9\0\0\0\0\0\0".to_vec(),
            b"\0\0\0\0\0\0\0\x01".to_vec(),
            b"q\0\0\0\0\0\0\08s\0\0\0\0\0\0xxxxxxx?".to_vec(),
            vec![0, 1, 0],
        ]
        .concat()
    }

    #[test]
    fn items_are_what_python_put_there() {
        let expected = [Item::Int(7), Item::Text("é".to_owned()), Item::Bool(true)];
        assert_eq!(items(&list()).unwrap(), expected);
        // On other systems a segment is whole pages.
        assert_eq!(items(&[list(), vec![0; 4000]].concat()).unwrap(), expected);
    }

    #[test]
    fn what_is_no_list_is_none() {
        let list = list();
        for len in 0..list.len() {
            assert_eq!(items(&list[..len]), None, "{len} bytes");
        }
        for word in 0..5 {
            for value in [-1, 1, 9, 4096, i64::MAX, i64::MIN, i64::MAX - 7] {
                let mut bytes = list.clone();
                bytes[8 * word..][..8].copy_from_slice(&value.to_le_bytes());
                assert_eq!(items(&bytes), None, "word {word} is {value}");
            }
        }
        for (at, byte) in [(64, b'z'), (73, b'q'), (72, b'9'), (88, 1), (89, 0), (89, 3), (90, 200)] {
            let mut bytes = list.clone();
            bytes[at] = byte;
            assert_eq!(items(&bytes), None, "byte {at} is {byte}");
        }
        assert_eq!(items(&[0; 4096]), None);
        assert_eq!(items(&[0xff; 4096]), None);
    }

    /// Whatever it is changed to, it is read or not, and nothing else happens.
    #[test]
    fn no_byte_can_do_harm() {
        let list = list();
        for at in 0..list.len() {
            for byte in 0..=255 {
                let mut bytes = list.clone();
                bytes[at] = byte;
                for item in items(&bytes).unwrap_or_default() {
                    let _ = (item.to_string(), item.json(), item.of());
                }
            }
        }
    }

    #[test]
    fn a_cut_text_is_shown_as_far_as_it_goes() {
        let mut bytes = list();
        bytes[48..56].copy_from_slice(b"abcdefg\xc3");
        assert_eq!(items(&bytes).unwrap()[1], Item::CutText("abcdefg\u{fffd}".to_owned()));
    }
}
