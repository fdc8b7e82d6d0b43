//! JSON that somebody wrote, indented: numbers, names and their order stay as they were written.

use serde::de::IgnoredAny;

use crate::failure::Failure;

/// Deeper nesting is more spaces than data.
const DEEPEST: usize = 128;

/// `text`, which must be one JSON value, with a line for each element.
pub(crate) fn indented(text: &str) -> Result<String, Failure> {
    // From here on brackets match, and strings end.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| none(&error.to_string()))?;
    let mut out = String::with_capacity(text.len());
    let mut depth = 0;
    let mut rest = text.trim_start();
    while let Some(letter) = rest.chars().next() {
        let (token, after) = rest.split_at(if letter == '"' { string_len(rest) } else { letter.len_utf8() });
        rest = after.trim_start();
        match letter {
            '[' | '{' if rest.starts_with([']', '}']) => {
                out.push_str(token);
                out.push_str(&rest[..1]);
                rest = rest[1..].trim_start();
            }
            '[' | '{' => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(none(&format!("it is nested more than {DEEPEST} deep")));
                }
                out.push_str(token);
                new_line(&mut out, depth);
            }
            ']' | '}' => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push_str(token);
            }
            ',' => {
                out.push_str(token);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push_str(token),
        }
    }
    Ok(out)
}

/// The failure of what should be JSON.
pub(crate) fn none(why: &str) -> Failure {
    Failure::new(format!("what is there is no JSON: {why}"), "`--as text` shows it as it is")
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// The length of the string that `text` begins with, quotes included.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn what_was_written_stays() {
        let text = r#" {"b":1.50e400 , "a" : [ ] ,"a":{}, "s":"x\" , [\\", "l":[1, -2,null]} "#;
        let expected = r#"{
  "b": 1.50e400,
  "a": [],
  "a": {},
  "s": "x\" , [\\",
  "l": [
    1,
    -2,
    null
  ]
}"#;
        assert_eq!(indented(text).unwrap(), expected);
        assert_eq!(indented(expected).unwrap(), expected);
        assert_eq!(indented(r#""é""#).unwrap(), r#""é""#);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "[1,]", "1 2", "\"\\x\"", "nul", "{1:2}"] {
            assert!(indented(text).is_err(), "{text}");
        }
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(indented(&nested(100)).is_ok());
        assert!(indented(&nested(100_000)).is_err());
    }
}
