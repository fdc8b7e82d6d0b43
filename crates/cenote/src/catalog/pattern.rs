//! Addresses with gaps: `posix:psm_*`.

use std::str::FromStr;

use crate::address::{Address, Kind};
use crate::error::{Error, ErrorKind, Result};

/// An address with gaps: a kind, and what is behind its colon; `*` stands for any text there, `?` for any one character.
///
/// It is written as an address is. A kind alone, with a colon or without it, is all of that kind; without a kind it is of
/// native segments.
///
/// ```
/// use cenote::catalog::Pattern;
///
/// let pattern: Pattern = "posix:psm_*".parse()?;
/// assert!(pattern.fits(&"posix:/psm_0a1b2c3d".parse()?));
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pattern {
    kind: Kind,
    glob: Vec<char>,
}

impl FromStr for Pattern {
    type Err = Error;

    /// # Errors
    /// `KeyError`: it is empty, or there is no such kind.
    fn from_str(text: &str) -> Result<Self> {
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
}

impl Pattern {
    fn all(kind: Kind) -> Self {
        Self { kind, glob: vec!['*'] }
    }

    /// Whether the address is as the pattern says.
    #[must_use]
    pub fn fits(&self, address: &Address) -> bool {
        let written = address.to_string();
        let name = written.split_once(':').map_or("", |(_, name)| name);
        address.kind() == self.kind && fits(&self.glob, &name.chars().collect::<Vec<_>>())
    }

    /// Whether it is of POSIX semaphores, whose files lie beside the segments: only if it begins as their names do, so that
    /// none goes along with what is named otherwise.
    pub(super) fn is_of_semaphores(&self) -> bool {
        self.kind == Kind::Posix && self.glob.starts_with(&['/', 's', 'e', 'm', '.'])
    }

    /// Whether a key of System V, or an id, is as the pattern says, which is more than a kind.
    pub(super) fn names_system_v(&self, name: &str) -> bool {
        let is_more = self.glob.iter().any(|&letter| letter != '*');
        self.kind == Kind::Sysv && is_more && fits(&self.glob, &name.chars().collect::<Vec<_>>())
    }

    /// The kind of all addresses that fit.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
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
        let fits = |pattern: &str, address: &str| {
            pattern.parse::<Pattern>().unwrap().fits(&address.parse().unwrap())
        };
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
        let of_semaphores = |pattern: &str| pattern.parse::<Pattern>().unwrap().is_of_semaphores();
        assert!(of_semaphores("posix:sem.*") && of_semaphores("posix:/sem.a"));
        for other in ["posix:", "posix:*", "posix:/*", "posix:?sem.*", "posix:sem*", "file:/sem.*", "sem.*"] {
            assert!(!of_semaphores(other), "{other}");
        }
        let of_system_v = |pattern: &str| pattern.parse::<Pattern>().unwrap().names_system_v("0x5100c01f");
        assert!(of_system_v("sysv:0x51*") && of_system_v("sysv:0x5100c01f"));
        assert!(!["sysv:", "sysv:*", "sysv:0x52*", "qt:0x51*"].into_iter().any(of_system_v));
        for wrong in ["", "floppy:x"] {
            assert_eq!(wrong.parse::<Pattern>().unwrap_err().kind(), ErrorKind::KeyError, "{wrong}");
        }
    }
}
