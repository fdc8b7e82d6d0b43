//! A file as the rules see it, and what they find in it.

use std::fmt;
use std::path::Path;

use super::lexer;

/// One file of the repository.
pub(crate) struct Source {
    /// Relative to the repository's root, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with the insides of comments and literals blanked out, line for line the same
    /// (empty if it is not Rust).
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: impl AsRef<Path>, text: impl Into<String>) -> Self {
        let text = text.into();
        let path = path.as_ref();
        let path =
            path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        let code = if path.ends_with(".rs") { lexer::blank(&text) } else { String::new() };
        Self { path, text, code }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The path below the library's `src/`, for a file of the library.
    pub(crate) fn in_library(&self) -> Option<&str> {
        self.path.strip_prefix("crates/cenote/src/")
    }

    /// The number of the line that holds the byte at `offset` of `code`.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        1 + self.code[..offset].matches('\n').count()
    }

    pub(crate) fn violation(&self, line: usize, rule: &'static str, what: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line, rule, what: what.into() }
    }

    /// Where `word` stands in the code on its own, not as a part of a longer name.
    pub(crate) fn find_word<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
    }
}

/// Whether a name can hold `letter`.
pub(crate) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The name that `text` begins with; empty if it begins with something else.
pub(crate) fn leading_word(text: &str) -> &str {
    &text[..text.find(|letter| !is_word(letter)).unwrap_or(text.len())]
}

/// The inside of the bracket that `text` begins with, up to its partner.
pub(crate) fn bracketed(text: &str) -> &str {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text[..at].get(1..).unwrap_or_default();
        }
    }
    text.get(1..).unwrap_or_default()
}

/// A rule broken at a line.
#[derive(Debug)]
pub(crate) struct Violation {
    path: String,
    pub(crate) line: usize,
    rule: &'static str,
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_nest() {
        assert_eq!(bracketed("(a(b)[c])d"), "a(b)[c]");
        assert_eq!(bracketed("{unclosed"), "unclosed");
        assert_eq!(bracketed("x"), "");
    }

    #[test]
    fn words_stand_alone() {
        let source = Source::new("a.rs", "unsafe_code unsafe; notunsafe");
        assert_eq!(source.find_word("unsafe").collect::<Vec<_>>(), [12]);
    }
}
