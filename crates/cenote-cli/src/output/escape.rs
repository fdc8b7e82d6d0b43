//! Names from elsewhere, made harmless for a terminal.

use std::borrow::Cow;

/// `text` with escapes for what could steer a terminal or deceive its reader: control characters, and the invisible
/// ones that change the direction of writing.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if is_harmful(letter) {
            safe.extend(letter.escape_default());
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

fn is_harmful(letter: char) -> bool {
    let is_invisible = matches!(
        letter,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    letter.is_control() || is_invisible
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn only_what_is_harmful_is_escaped() {
        assert_eq!(escaped("posix:/Überblick \u{1f426}"), "posix:/Überblick \u{1f426}");
        assert_eq!(escaped("a\nb\x1b[2J"), "a\\nb\\u{1b}[2J");
        assert_eq!(escaped("\u{9b}2J\u{202e}txt"), "\\u{9b}2J\\u{202e}txt");
    }
}
