//! Legacy keys: from the key that a Qt program gives to the name that the system knows.
//!
//! A name is a prefix, the letters of the key, and the SHA-1 of the whole key in hex. The hash cannot be
//! undone; where a listing wants the key, only one made of letters alone can be recovered.

use sha1_smol::Sha1;

/// The project id that Qt gives to ftok(3).
pub(crate) const PROJECT: u8 = b'Q';

const SEGMENT: &str = "qipc_sharedmemory_";
const SEMAPHORE: &str = "qipc_systemsem_";
/// Characters of a SHA-1 in hex.
const HASH: usize = 40;

/// The name of the segment that `QSharedMemory(key)` uses, without a directory or slash. Empty for
/// an empty key.
///
/// System V puts it in the temporary directory as a key file, POSIX puts a slash before it, and
/// Windows takes it as it is.
///
/// ```
/// assert_eq!(
///     cenote::qt::legacy_segment_name("foo"),
///     "qipc_sharedmemory_foo0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33",
/// );
/// ```
#[must_use]
pub fn legacy_segment_name(key: &str) -> String {
    legacy_name(SEGMENT, key)
}

/// The name of the semaphore that `QSystemSemaphore(key)` uses, and the lock of `QSharedMemory(key)` with it.
///
/// ```
/// assert_eq!(
///     cenote::qt::legacy_semaphore_name("foo"),
///     "qipc_systemsem_foo0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33",
/// );
/// ```
#[must_use]
pub fn legacy_semaphore_name(key: &str) -> String {
    legacy_name(SEMAPHORE, key)
}

fn legacy_name(prefix: &str, key: &str) -> String {
    if key.is_empty() {
        return String::new();
    }
    let letters: String = key.chars().filter(char::is_ascii_alphabetic).collect();
    format!("{prefix}{letters}{}", sha1(key))
}

fn sha1(key: &str) -> String {
    Sha1::from(key).digest().to_string()
}

/// The name of the semaphore that belongs to a segment, from the segment's name: the key need not be known.
pub(crate) fn semaphore_name_beside(segment: &str) -> Option<String> {
    let (letters, hash) = letters_and_hash(segment)?;
    Some(format!("{SEMAPHORE}{letters}{hash}"))
}

/// The name of the segment that a semaphore may belong to, from the semaphore's name.
pub(crate) fn segment_name_beside(semaphore: &str) -> Option<String> {
    let segment = format!("{SEGMENT}{}", semaphore.strip_prefix(SEMAPHORE)?);
    letters_and_hash(&segment)?;
    Some(segment)
}

/// The key behind a segment's name, where it is made of letters alone.
pub(crate) fn key_guess(segment: &str) -> Option<String> {
    let (letters, hash) = letters_and_hash(segment)?;
    (!letters.is_empty() && sha1(letters) == hash).then(|| letters.to_owned())
}

/// The two parts of a segment's name, if it has the form of one.
fn letters_and_hash(segment: &str) -> Option<(&str, &str)> {
    let rest = segment.strip_prefix(SEGMENT)?;
    let (letters, hash) = rest.split_at_checked(rest.len().checked_sub(HASH)?)?;
    let is_hash = hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (is_hash && letters.bytes().all(|b| b.is_ascii_alphabetic())).then_some((letters, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOO: &str = "foo0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33";

    /// Names that real Qt programs (5.15, 6.4, 6.12) were seen to make.
    #[test]
    fn names_are_those_that_qt_makes() {
        assert_eq!(legacy_segment_name("foo"), format!("qipc_sharedmemory_{FOO}"));
        assert_eq!(legacy_semaphore_name("foo"), format!("qipc_systemsem_{FOO}"));
        assert_eq!(
            legacy_segment_name("QSharedMemoryExample"),
            "qipc_sharedmemory_QSharedMemoryExampleff77196351dd7c1c8f79461ad32f21726fe31f5b"
        );
        let noel = legacy_segment_name("Noël");
        assert!(
            noel.starts_with("qipc_sharedmemory_Nolf74a492d"),
            "only A-Z are letters, and UTF-8 is hashed: {noel}"
        );
    }

    #[test]
    fn a_key_without_letters_keeps_the_hash_and_an_empty_key_has_no_name() {
        assert_eq!(legacy_segment_name("1-2").len(), SEGMENT.len() + HASH);
        assert_eq!(legacy_segment_name(""), "");
        assert_eq!(legacy_semaphore_name(""), "");
    }

    #[test]
    fn the_semaphore_is_found_beside_the_segment() {
        for key in ["foo", "1-2", "Noël", "abcdef"] {
            assert_eq!(semaphore_name_beside(&legacy_segment_name(key)), Some(legacy_semaphore_name(key)));
            assert_eq!(segment_name_beside(&legacy_semaphore_name(key)), Some(legacy_segment_name(key)));
        }
    }

    #[test]
    fn names_of_another_form_have_no_semaphore_beside() {
        let short = &FOO[3..FOO.len() - 1];
        for other in [
            "".to_owned(),
            "qipc_sharedmemory_".to_owned(),
            FOO.to_owned(),
            format!("qipc_systemsem_{FOO}"),
            format!("qipc_sharedmemory_{short}"),
            format!("qipc_sharedmemory_{}", FOO.to_uppercase()),
            format!("qipc_sharedmemory_x-{FOO}"),
            format!("qipc_sharedmemory_ë{}", &short[..38]),
            format!("/qipc_sharedmemory_{FOO}"),
        ] {
            assert_eq!(semaphore_name_beside(&other), None, "{other}");
            assert_eq!(key_guess(&other), None, "{other}");
            let semaphore = other.replacen(SEGMENT, SEMAPHORE, 1);
            assert!(other.starts_with(SEMAPHORE) || segment_name_beside(&semaphore).is_none(), "{other}");
        }
    }

    #[test]
    fn only_a_key_of_letters_alone_is_guessed() {
        assert_eq!(key_guess(&legacy_segment_name("foo")).as_deref(), Some("foo"));
        assert_eq!(key_guess(&legacy_segment_name("abcdef")).as_deref(), Some("abcdef"));
        assert_eq!(key_guess(&legacy_segment_name("foo1")), None);
        assert_eq!(key_guess(&legacy_segment_name("Noël")), None);
        assert_eq!(key_guess(&format!("{SEGMENT}{}", sha1(""))), None, "Qt has no segment of an empty key");
    }
}
