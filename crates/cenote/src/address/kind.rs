//! The kinds of segment: whose rules one follows, and the word for it before the colon.

use std::fmt;
use std::str::FromStr;

use super::check::quoted;
use crate::{Error, ErrorKind};

/// Whose rules a segment follows.
///
/// Every kind exists on every system; using one that the system at hand lacks is an
/// [`Unsupported`](crate::ErrorKind::Unsupported) error.
///
/// ```
/// use cenote::{Address, Kind};
///
/// let address: Address = "posix:/frames".parse()?;
/// assert_eq!(address.kind(), Kind::Posix);
/// assert_eq!(Kind::Posix.to_string(), "posix");
/// assert_eq!("qt".parse::<Kind>()?, Kind::Qt);
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Native: with Cenote's header, and so with recovery, types, holders and channels.
    Cenote,
    /// POSIX shared memory, as by `shm_open`.
    Posix,
    /// System V shared memory, as by `shmget`.
    Sysv,
    /// A memory-mapped file.
    File,
    /// Anonymous memory, handed over as a descriptor.
    Memfd,
    /// A Windows named file mapping.
    Windows,
    /// What Qt's `QSharedMemory` uses.
    Qt,
}

impl Kind {
    pub(super) const ALL: [Self; 7] =
        [Self::Cenote, Self::Posix, Self::Sysv, Self::File, Self::Memfd, Self::Windows, Self::Qt];

    /// The word before the colon.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Cenote => "cenote",
            Self::Posix => "posix",
            Self::Sysv => "sysv",
            Self::File => "file",
            Self::Memfd => "memfd",
            Self::Windows => "windows",
            Self::Qt => "qt",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            let kinds = Self::ALL.map(Self::word).join(", ");
            Error::new(
                ErrorKind::KeyError,
                format!("there is no kind {}: the kinds are {kinds}", quoted(word)),
            )
            .with_hint(format!("use one of {kinds}"))
        })
    }
}
