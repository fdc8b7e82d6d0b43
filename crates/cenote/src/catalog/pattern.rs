//! Addresses with gaps: `posix:psm_*`.

use crate::address::{Address, Kind};
use crate::error::{Error, ErrorKind, Result};

/// A kind, and what is behind its colon; `*` stands for any text there, `?` for any one character.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) kind: Kind,
    glob: Vec<char>,
}

impl Pattern {
    pub(super) fn all(kind: Kind) -> Self {
        Self { kind, glob: vec!['*'] }
    }

    /// As an address is written. A kind alone, with a colon or without it, is all of that kind; without a kind it is of native
    /// segments.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::new(ErrorKind::KeyError, "the pattern is empty")
                .with_hint("write a kind as in `posix:`, or a pattern as in `posix:psm_*`"));
        }
        if let Ok(kind) = text.strip_suffix(':').unwrap_or(text).parse() {
            return Ok(Self::all(kind));
        }
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind.parse()?, rest),
            None => (Kind::Cenote, text),
        };
        let slash = if kind == Kind::Posix && !rest.starts_with(['/', '*', '?']) { "/" } else { "" };
        Ok(Self { kind, glob: slash.chars().chain(rest.chars()).collect() })
    }

    pub(super) fn fits(&self, address: &Address) -> bool {
        let written = address.to_string();
        let name = written.split_once(':').map_or("", |(_, name)| name);
        address.kind() == self.kind && fits(&self.glob, &name.chars().collect::<Vec<_>>())
    }
}

/// Whether a text is as a pattern says: for programs that look at names by themselves.
pub(super) fn fits(glob: &[char], text: &[char]) -> bool {
    let (mut at, mut of, mut star) = (0, 0, None);
    while at < text.len() {
        match glob.get(of) {
            Some('*') => {
                // For now it stands for nothing.
                star = Some((of, at));
                of += 1;
            }
            Some(&letter) if letter == '?' || letter == text[at] => {
                at += 1;
                of += 1;
            }
            _ => match &mut star {
                // The last star takes one more.
                Some((behind, from)) => {
                    *from += 1;
                    (of, at) = (*behind + 1, *from);
                }
                None => return false,
            },
        }
    }
    glob[of..].iter().all(|&letter| letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled() {
        let is = |glob: &str, text: &str| {
            fits(&glob.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
        };
        for (glob, text) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("a*c", "acac"),
            ("?", "é"),
            ("*a*b*", "xaybz"),
            ("", ""),
            ("a**", "a"),
        ] {
            assert!(is(glob, text), "{glob} {text}");
        }
        for (glob, text) in [("", "a"), ("?", ""), ("a*c", "abd"), ("a", "ab"), ("*b", "ba"), ("[a]", "a")] {
            assert!(!is(glob, text), "{glob} {text}");
        }
    }

    #[test]
    fn patterns_are_written_as_addresses_are() {
        let fits =
            |pattern: &str, address: &str| Pattern::parse(pattern).unwrap().fits(&address.parse().unwrap());
        for (pattern, address) in [
            ("posix:", "posix:/frames"),
            ("posix", "posix:/frames"),
            ("posix:psm_*", "posix:/psm_0123"),
            ("posix:/psm_????", "posix:/psm_0123"),
            ("posix:*3", "posix:/psm_0123"),
            ("robot/*", "cenote:robot/pose"),
            ("cenote:@ann/*", "cenote:@ann/pose"),
            ("sysv:0x51*", "sysv:0x5100c01f"),
            ("sysv:id=*", "sysv:id=7"),
            ("qt:My*", "qt:MyKey"),
            ("*", "cenote:a"),
        ] {
            assert!(fits(pattern, address), "{pattern} {address}");
        }
        for (pattern, address) in [
            ("cenote:", "posix:/frames"),
            ("*", "posix:/frames"),
            ("posix:psm", "posix:/psm_0123"),
            ("robot/*", "cenote:robots"),
        ] {
            assert!(!fits(pattern, address), "{pattern} {address}");
        }
        for wrong in ["", "floppy:x"] {
            assert_eq!(Pattern::parse(wrong).unwrap_err().kind(), ErrorKind::KeyError, "{wrong}");
        }
    }
}
