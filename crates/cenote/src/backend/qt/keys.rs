//! From a name to a native key, in Qt's ways: `platformSafeKey` and `legacyNativeKey`.

use super::supported;
use crate::address::Kind;
use crate::error::{Error, ErrorKind, Result};
use crate::qt::{KeyType, NativeKey, legacy_segment_name, legacy_semaphore_name};
use crate::sys;

/// The longest name that all of Qt has on Windows, in units of UTF-16: newer versions cut it there, and 6.6 does not.
const MAX_PATH: usize = 260;

impl NativeKey {
    /// `QSharedMemory::platformSafeKey`: the native key of a segment that its users call `key`. Nothing is hashed.
    ///
    /// POSIX: `/key`. System V: an absolute path as it is, another in `$XDG_RUNTIME_DIR`, or where Qt goes if that is
    /// not this user's alone; the directory is made if it is missing. Windows: `shm_` before the name, which is then no
    /// longer than 260 units of UTF-16.
    ///
    /// ```
    /// use cenote::qt::{KeyType, NativeKey};
    ///
    /// assert_eq!(NativeKey::of_segment("frames", KeyType::Posix)?.to_string(), "posix:/frames");
    /// let path = NativeKey::of_segment("/run/lock/frames", KeyType::SystemV(7))?;
    /// assert_eq!(path.to_string(), "systemv-7:/run/lock/frames");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    ///
    /// # Errors
    /// `KeyError` (the key is empty, or too long), `Untrusted` (there is no directory of this user's own), `Unsupported` (the type
    /// is another system's).
    #[doc(alias = "platformSafeKey")]
    pub fn of_segment(key: &str, key_type: KeyType) -> Result<Self> {
        platform_safe(key, key_type, "shm_")
    }

    /// `QSystemSemaphore::platformSafeKey`: the same for a semaphore.
    ///
    /// # Errors
    /// Those of [`of_segment`](Self::of_segment).
    pub fn of_semaphore(key: &str, key_type: KeyType) -> Result<Self> {
        platform_safe(key, key_type, "sem_")
    }

    /// `QSharedMemory::legacyNativeKey`: the native key of what older programs know by the legacy key, which it
    /// carries along.
    ///
    /// ```
    /// use cenote::qt::{KeyType, NativeKey};
    ///
    /// assert_eq!(
    ///     NativeKey::legacy_of_segment("foo", KeyType::Posix)?.to_string(),
    ///     "posix:/qipc_sharedmemory_foo0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33?legacyKey=foo",
    /// );
    /// # Ok::<(), cenote::Error>(())
    /// ```
    ///
    /// # Errors
    /// `KeyError` (the key is empty), `Unsupported` (the type is another system's).
    #[doc(alias = "legacyNativeKey")]
    pub fn legacy_of_segment(key: &str, key_type: KeyType) -> Result<Self> {
        legacy(key, &legacy_segment_name(key), key_type)
    }

    /// `QSystemSemaphore::legacyNativeKey`: the same for a semaphore.
    ///
    /// # Errors
    /// Those of [`legacy_of_segment`](Self::legacy_of_segment).
    pub fn legacy_of_semaphore(key: &str, key_type: KeyType) -> Result<Self> {
        legacy(key, &legacy_semaphore_name(key), key_type)
    }
}

impl KeyType {
    /// `QNativeIpcKey::DefaultTypeForOs`: what new programs use here.
    #[doc(alias = "DefaultTypeForOs")]
    pub const DEFAULT: Self = sys::DEFAULT_KEY_TYPE;

    /// `QNativeIpcKey::legacyDefaultTypeForOs()`: what legacy keys mean here. A Qt that was built for POSIX alone has
    /// another, and Qt 5 and Qt 6 of the distributions have this one.
    #[doc(alias = "legacyDefaultTypeForOs")]
    pub const LEGACY_DEFAULT: Self = sys::LEGACY_KEY_TYPE;

    /// `isKeyTypeSupported`: whether segments and semaphores of this type exist here.
    ///
    /// ```
    /// use cenote::qt::KeyType;
    ///
    /// assert!(KeyType::DEFAULT.is_supported());
    /// ```
    #[must_use]
    #[doc(alias = "isKeyTypeSupported")]
    pub fn is_supported(self) -> bool {
        let kind = match self {
            Self::SystemV(_) => Kind::Sysv,
            Self::Posix => Kind::Posix,
            Self::Windows => Kind::Windows,
        };
        sys::lacks(kind).is_none()
    }
}

fn platform_safe(key: &str, key_type: KeyType, prefix: &str) -> Result<NativeKey> {
    refuse_empty(key)?;
    supported(key_type)?;
    match key_type {
        KeyType::Posix => NativeKey::new(key_type, format!("/{key}")),
        KeyType::SystemV(_) if key.starts_with('/') => NativeKey::new(key_type, key),
        KeyType::SystemV(_) => NativeKey::new(key_type, format!("{}/{key}", sys::runtime_directory()?)),
        KeyType::Windows => {
            // The prefix of the namespace stays in front.
            let namespace =
                ["Local\\", "Global\\"].into_iter().find(|space| key.starts_with(space)).unwrap_or("");
            let name = format!("{namespace}{prefix}{}", &key[namespace.len()..]);
            if name.encode_utf16().count() > MAX_PATH {
                let what = "Qt's versions do not agree on names of more than 260 units of UTF-16";
                return Err(Error::new(ErrorKind::KeyError, what)
                    .with_hint("choose a shorter key, or give the native key as the program has it"));
            }
            NativeKey::new(key_type, name)
        }
    }
}

fn legacy(key: &str, name: &str, key_type: KeyType) -> Result<NativeKey> {
    refuse_empty(key)?;
    supported(key_type)?;
    let native = match key_type {
        KeyType::Posix => format!("/{name}"),
        KeyType::SystemV(_) => sys::temporary_directory().join(name).display().to_string(),
        KeyType::Windows => name.to_owned(),
    };
    NativeKey::new(key_type, native)?.with_legacy_key(key)
}

fn refuse_empty(key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::new(ErrorKind::KeyError, "the Qt key is empty, which is a KeyError in Qt too")
            .with_hint("Qt allows every key but that one"));
    }
    Ok(())
}
