//! Native keys: `QNativeIpcKey` in its text form, which says the mechanism and the name that it takes.
//!
//! The text is a URL without an authority: `posix:/name`, `systemv:/tmp/file`, `systemv-7:/tmp/file`,
//! `windows:Local\name`, each with `?legacyKey=...` where the legacy key is known.

use std::fmt;
use std::str::FromStr;

use super::key::PROJECT;
use super::percent;
use crate::{Error, ErrorKind, Result};

/// The query item that holds the legacy key; Qt knows no other.
const LEGACY_KEY: &str = "legacyKey";

/// Which mechanism a [`NativeKey`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// System V, with the project id for `ftok`: [`SYSTEM_V`](Self::SYSTEM_V), if nothing else is said.
    SystemV(u8),
    /// POSIX.
    Posix,
    /// Windows.
    Windows,
}

impl KeyType {
    /// `QNativeIpcKey::Type::SystemV`: the project id is `'Q'`.
    pub const SYSTEM_V: Self = Self::SystemV(PROJECT);
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SYSTEM_V => f.write_str("systemv"),
            Self::SystemV(project) => write!(f, "systemv-{project}"),
            Self::Posix => f.write_str("posix"),
            Self::Windows => f.write_str("windows"),
        }
    }
}

/// `QNativeIpcKey`: a name that goes to the system as it is, and the mechanism that it is for.
///
/// ```
/// use cenote::qt::{KeyType, NativeKey};
///
/// let key: NativeKey = "posix:/50%25?legacyKey=half".parse()?;
/// assert_eq!(key.key_type(), KeyType::Posix);
/// assert_eq!(key.native_key(), "/50%");
/// assert_eq!(key.legacy_key(), Some("half"));
/// assert_eq!(key.to_string(), "posix:/50%25?legacyKey=half");
/// # Ok::<(), cenote::Error>(())
/// ```
#[doc(alias = "QNativeIpcKey")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NativeKey {
    key_type: KeyType,
    native_key: String,
    legacy_key: Option<String>,
}

impl NativeKey {
    /// A key of that type. Empty names are refused, as in Qt, and so is System V's project id 0.
    ///
    /// ```
    /// # use cenote::qt::{KeyType, NativeKey};
    /// let key = NativeKey::new(KeyType::SYSTEM_V, "/run/user/1000/frames")?;
    /// assert_eq!(key.to_string(), "systemv:/run/user/1000/frames");
    /// assert!(NativeKey::new(KeyType::Posix, "").is_err());
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn new(key_type: KeyType, native_key: impl Into<String>) -> Result<Self> {
        let native_key = native_key.into();
        if key_type == KeyType::SystemV(0) {
            return Err(key_error("the project id 0 is not a type of native key", SYSTEM_V_HINT));
        }
        if native_key.is_empty() {
            return Err(key_error("the Qt key is empty, which is a KeyError in Qt too", FORM_HINT));
        }
        refuse_nul(&native_key)?;
        Ok(Self { key_type, native_key, legacy_key: None })
    }

    /// The same with the legacy key that it was made from, which Qt carries along for older programs.
    /// An empty one is none.
    ///
    /// ```
    /// # use cenote::qt::{KeyType, NativeKey};
    /// let key = NativeKey::new(KeyType::Posix, "/frames")?.with_legacy_key("frames")?;
    /// assert_eq!(key.to_string(), "posix:/frames?legacyKey=frames");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn with_legacy_key(mut self, legacy_key: impl Into<String>) -> Result<Self> {
        let legacy_key = legacy_key.into();
        refuse_nul(&legacy_key)?;
        self.legacy_key = (!legacy_key.is_empty()).then_some(legacy_key);
        Ok(self)
    }

    /// Which mechanism the key is for.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The name that the system gets: POSIX's with its slash, System V's key file, Windows's object name.
    #[must_use]
    pub fn native_key(&self) -> &str {
        &self.native_key
    }

    /// The legacy key that it was made from, if that is known.
    #[must_use]
    pub fn legacy_key(&self) -> Option<&str> {
        self.legacy_key.as_deref()
    }

    /// Whether `text` begins like a native key, right or wrong, and so cannot be taken for a legacy one.
    pub(crate) fn is_written(text: &str) -> bool {
        split_scheme(text).is_some()
    }
}

const FORM_HINT: &str = r"write `posix:/name`, `systemv:/path`, `windows:Local\name`";
const SYSTEM_V_HINT: &str =
    "the project id is a number from 1 to 255, as in `systemv-7:/path`; `systemv:` has 81";

fn key_error(what: impl Into<String>, hint: &str) -> Error {
    Error::new(ErrorKind::KeyError, what).with_hint(hint)
}

fn refuse_nul(text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(key_error("the Qt key contains a NUL byte", "a Qt key is any text without a NUL byte"));
    }
    Ok(())
}

/// The type's word before the colon, and what follows it.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(scheme, _)| {
        let is = |word: &str| scheme.eq_ignore_ascii_case(word);
        is("systemv") || is("posix") || is("windows") || project(scheme).is_some()
    })
}

/// The digits of `systemv-N`.
fn project(scheme: &str) -> Option<&str> {
    let (word, digits) = scheme.split_once('-')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    (word.eq_ignore_ascii_case("systemv") && is_number).then_some(digits)
}

impl FromStr for NativeKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (scheme, rest) = split_scheme(text)
            .ok_or_else(|| key_error("a native key of Qt begins with its type", FORM_HINT))?;
        let key_type = match project(scheme) {
            // 0 is refused below.
            Some(digits) => digits
                .parse()
                .map(KeyType::SystemV)
                .map_err(|_| key_error("the project id of the native key is too large", SYSTEM_V_HINT))?,
            None if scheme.eq_ignore_ascii_case("systemv") => KeyType::SYSTEM_V,
            None if scheme.eq_ignore_ascii_case("posix") => KeyType::Posix,
            None => KeyType::Windows,
        };
        // A fragment means nothing here.
        let rest = rest.split_once('#').map_or(rest, |(rest, _fragment)| rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let key = Self::new(key_type, percent::decode(without_authority(path)?))?;
        key.with_legacy_key(legacy_key(query)?)
    }
}

/// Two slashes open an authority, as in any URL. An empty one says nothing; another has no meaning in a key.
fn without_authority(path: &str) -> Result<&str> {
    let Some(rest) = path.strip_prefix("//") else {
        return Ok(path);
    };
    if rest.is_empty() || rest.starts_with('/') {
        return Ok(rest);
    }
    Err(key_error(
        "the native key begins with two slashes, which would name a host",
        "write a name that begins with two slashes as `/%2F...`",
    ))
}

/// The value of the query's `legacyKey`; the last, if there are several. Any other item is an error.
fn legacy_key(query: &str) -> Result<String> {
    let mut legacy_key = "";
    // One `&` may end the last item.
    for item in query.split_terminator('&') {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        if name != LEGACY_KEY {
            return Err(key_error(
                "after the `?` of a native key only `legacyKey=...` may stand",
                "write a `?` that belongs to the name as `%3F`",
            ));
        }
        legacy_key = value;
    }
    Ok(percent::decode(legacy_key).into_owned())
}

impl fmt::Display for NativeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.key_type)?;
        match self.native_key.strip_prefix("//") {
            // Or it would read as an authority.
            Some(rest) => {
                f.write_str("/%2F")?;
                percent::encode(f, rest, "?")?;
            }
            None => percent::encode(f, &self.native_key, "?")?,
        }
        if let Some(legacy_key) = &self.legacy_key {
            write!(f, "?{LEGACY_KEY}=")?;
            percent::encode(f, legacy_key, "&=")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> NativeKey {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_types_of_qt_are_read_and_written() {
        for (text, again) in
            [("POSIX:/x", "posix:/x"), ("SystemV-07:/x", "systemv-7:/x"), ("Windows:x", "windows:x")]
        {
            assert_eq!(parse(text).to_string(), again);
        }
        for (text, key_type) in [
            ("systemv:/tmp/x", KeyType::SystemV(0x51)),
            ("systemv-1:/tmp/x", KeyType::SystemV(1)),
            ("systemv-255:/tmp/x", KeyType::SystemV(255)),
            ("posix:/x", KeyType::Posix),
            (r"windows:Local\shm_x", KeyType::Windows),
        ] {
            assert_eq!(parse(text).key_type(), key_type, "{text}");
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(parse("systemv-81:/x"), parse("systemv:/x"), "81 is the project id of `systemv:`");
    }

    #[test]
    fn percent_encoding_is_that_of_qt() {
        let key = |name: &str| NativeKey::new(KeyType::Posix, name).unwrap().to_string();
        assert_eq!(key("/a%b?c#d"), "posix:/a%25b%3Fc%23d");
        assert_eq!(key("//a//b"), "posix:/%2Fa//b", "only leading slashes would read as a host");
        assert_eq!(key("/Noël x"), "posix:/Noël x");
        assert_eq!(key("/a\tb\x7f"), "posix:/a%09b%7F");
        assert_eq!(parse("posix:/No%C3%ABl%20x").native_key(), "/Noël x");
        assert_eq!(parse("posix:/%2fa").native_key(), "//a");
        assert_eq!(parse("posix:/%2525").native_key(), "/%25", "decoded once");
        for stray in ["/%", "/%4", "/%+1", "/%zz", "/%ë", "/%41%zz"] {
            assert_eq!(parse(&format!("posix:{stray}")).native_key(), stray, "none of it is decoded");
        }
        assert_eq!(parse("posix:/%ff").native_key(), "/\u{fffd}");
    }

    #[test]
    fn a_legacy_key_is_carried_along() {
        let key = parse("posix:/x?legacyKey=a%26b%25=c");
        assert_eq!((key.native_key(), key.legacy_key()), ("/x", Some("a&b%=c")));
        assert_eq!(key.to_string(), "posix:/x?legacyKey=a%26b%25%3Dc");
        for none in ["posix:/x", "posix:/x?", "posix:/x?legacyKey=", "posix:/x?legacyKey"] {
            assert_eq!(parse(none).legacy_key(), None, "{none}");
        }
    }

    #[test]
    fn a_fragment_is_ignored_and_an_empty_authority_too() {
        assert_eq!(parse("posix:/x#y?z=1"), parse("posix:/x"));
        assert_eq!(parse("posix:/x?legacyKey=k#y").legacy_key(), Some("k"));
        assert_eq!(parse("posix:///x"), parse("posix:/x"));
    }

    #[test]
    fn what_is_not_a_native_key_is_a_key_error() {
        for text in [
            "",
            "posix",
            "/x",
            "qt:/x",
            "posix:",
            "posix:?legacyKey=k",
            "posix://host/x",
            "posix://",
            "systemv-0:/x",
            "systemv-256:/x",
            "systemv-99999999999:/x",
            "systemv-:/x",
            "systemv-x:/x",
            "systemv-+1:/x",
            "posix:/x?other=1",
            "posix:/x?legacyKey=k&other=1",
            "posix:/x?&legacyKey=k",
            "posix:/x?legacyKey=k&&",
            "posix:/x?&",
            "posix:/x%00",
            "posix:/x?legacyKey=%00",
        ] {
            let error = text.parse::<NativeKey>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::KeyError, "{text}: {error}");
        }
        assert!(NativeKey::new(KeyType::SystemV(0), "/x").is_err());
        assert!(NativeKey::new(KeyType::Posix, "/\0").is_err());
    }

    fn types() -> impl Strategy<Value = KeyType> {
        prop_oneof![(1_u8..).prop_map(KeyType::SystemV), Just(KeyType::Posix), Just(KeyType::Windows)]
    }

    proptest! {
        #[test]
        fn printing_and_parsing_undo_each_other(
            key_type in types(),
            name in prop_oneof!["[^\0]{1,20}", "[/%?#&=a]{1,8}"],
            legacy_key in prop_oneof!["[^\0]{0,20}", "[/%?#&=+a]{0,8}"],
        ) {
            let key = NativeKey::new(key_type, name)?.with_legacy_key(legacy_key)?;
            prop_assert_eq!(key.to_string().parse::<NativeKey>()?, key);
        }

        #[test]
        fn any_text_is_read_or_refused(rest in "[/%?#&=a0-9Fe]{0,12}") {
            if let Ok(key) = format!("posix:{rest}").parse::<NativeKey>() {
                prop_assert_eq!(key.to_string().parse::<NativeKey>()?, key);
            }
        }
    }
}
