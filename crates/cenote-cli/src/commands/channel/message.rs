//! Messages as they are written in text.

use std::fmt::Write;

use cenote::value::Description;
use serde::{Deserialize, Serialize};

use super::Form;
use crate::failure::Failure;
use crate::output::{escaped, hex};

const HEX: &str = "write it in digits 0 to 9 and a to f, two for each byte, with or without spaces";
const OBJECT: &str = r#"write it as {"tag":7,"text":"hello"}, or with "hex" in place of "text""#;

/// A message that is to be sent.
pub(super) struct Outgoing {
    pub(super) tag: Option<u32>,
    pub(super) bytes: Vec<u8>,
}

/// A message in JSON, as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    tag: Option<u32>,
    text: Option<String>,
    hex: Option<String>,
    /// Told of received ones, and of no use here.
    #[serde(rename = "len")]
    _len: Option<u64>,
}

/// The same, as it is received.
#[derive(Serialize)]
struct Heard {
    tag: u32,
    len: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
}

/// What a line, or an argument, means.
pub(super) fn parse(bytes: &[u8], form: Form) -> Result<Outgoing, Failure> {
    let plain = |bytes: &[u8]| Ok(Outgoing { tag: None, bytes: bytes.to_vec() });
    match form {
        Form::Text | Form::Raw => plain(bytes),
        Form::Hex => plain(&of_hex(bytes)?),
        Form::Json => {
            let said: Said = serde_json::from_slice(bytes)
                .map_err(|error| Failure::new(format!("a message cannot be understood: {error}"), OBJECT))?;
            let bytes = match (said.text, said.hex) {
                (Some(text), None) => text.into_bytes(),
                (None, Some(digits)) => of_hex(digits.as_bytes())?,
                _ => return Err(Failure::new("a message has either a text or digits in hex", OBJECT)),
            };
            Ok(Outgoing { tag: said.tag, bytes })
        }
    }
}

fn of_hex(digits: &[u8]) -> Result<Vec<u8>, Failure> {
    let digits: Vec<u8> = digits.iter().copied().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let byte = |pair: &[u8]| match *pair {
        [high, low] => Some(value(high)? << 4 | value(low)?),
        _ => None,
    };
    digits
        .chunks(2)
        .map(byte)
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(|| Failure::new("these are no hex digits", HEX))
}

/// A message that was received, as it is printed: with what ends it.
pub(super) fn print(tag: u32, bytes: &[u8], form: Option<Form>, of: Option<&Description>) -> Vec<u8> {
    let decoded = of.and_then(|of| of.decode(bytes).ok()).map(|value| value.to_string());
    let mut text = match form {
        Some(Form::Raw) => return bytes.to_vec(),
        Some(Form::Hex) => hex::digits(bytes),
        Some(Form::Json) => json(tag, bytes, decoded.as_deref()),
        Some(Form::Text) => String::from_utf8_lossy(bytes).into_owned(),
        None => decoded.unwrap_or_else(|| readable(bytes)),
    };
    text.push('\n');
    text.into_bytes()
}

/// As text if it is one in a line, else in hex.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if escaped(text) == text => text.to_owned(),
        _ => bytes.iter().fold(String::new(), |mut all, byte| {
            let between = if all.is_empty() { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(all, "{between}{byte:02x}");
            all
        }),
    }
}

fn json(tag: u32, bytes: &[u8], decoded: Option<&str>) -> String {
    let value = decoded.and_then(|text| serde_json::from_str(text).ok());
    let text = if value.is_none() { std::str::from_utf8(bytes).ok().map(str::to_owned) } else { None };
    let hex = (value.is_none() && text.is_none()).then(|| hex::digits(bytes));
    // Numbers and strings always have a form.
    serde_json::to_string(&Heard { tag, len: bytes.len(), text, hex, value }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, form: Form) -> Option<(Option<u32>, Vec<u8>)> {
        parse(text.as_bytes(), form).ok().map(|message| (message.tag, message.bytes))
    }

    #[test]
    fn what_is_said_is_understood_or_refused() {
        assert_eq!(said("a b", Form::Text), Some((None, b"a b".to_vec())));
        assert_eq!(said("00 fF\t7f", Form::Hex), Some((None, vec![0, 255, 127])));
        assert_eq!(said("0", Form::Hex), None);
        assert_eq!(said("0x12", Form::Hex), None);
        assert_eq!(said(r#"{"tag":7,"text":"é"}"#, Form::Json), Some((Some(7), "é".into())));
        assert_eq!(said(r#"{"hex":"00ff"}"#, Form::Json), Some((None, vec![0, 255])));
        for bad in [
            "",
            "{}",
            "7",
            r#"{"text":"a","hex":"00"}"#,
            r#"{"text":"a","tga":7}"#,
            r#"{"tag":-1,"text":""}"#,
        ] {
            assert_eq!(said(bad, Form::Json), None, "{bad}");
        }
    }

    #[test]
    fn what_is_heard_can_be_said_again() {
        for bytes in [&b"hello"[..], b"", b"\xff\0", "é\n".as_bytes()] {
            let line = print(9, bytes, Some(Form::Json), None);
            let again = parse(&line, Form::Json).ok().unwrap();
            assert_eq!((again.tag, &again.bytes[..]), (Some(9), bytes));
            let line = print(9, bytes, Some(Form::Hex), None);
            assert_eq!(parse(&line, Form::Hex).ok().unwrap().bytes, bytes);
        }
        assert_eq!(print(0, b"plain", None, None), b"plain\n");
        assert_eq!(print(0, b"two\nlines", None, None), b"74 77 6f 0a 6c 69 6e 65 73\n");
        assert_eq!(print(0, b"as it is\n", Some(Form::Raw), None), b"as it is\n");
    }
}
