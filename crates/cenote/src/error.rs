//! What went wrong, in words: the operation, the address, what the system said, and what to do next.

use std::{fmt, io};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which kind of thing went wrong.
///
/// The first eight have the meaning and the names of Qt's `QSharedMemory::SharedMemoryError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The system, or the way a segment was attached, does not allow it.
    PermissionDenied,
    /// The size or range is zero, too large, or outside the segment.
    InvalidSize,
    /// The key or name cannot name a segment of that kind.
    KeyError,
    /// There is one already.
    AlreadyExists,
    /// There is none.
    NotFound,
    /// The lock cannot be used.
    LockError,
    /// Memory, descriptors, space or a system limit is used up.
    OutOfResources,
    /// The system reported something that has no kind of its own; the message has its words.
    Unknown,
    /// The time allowed for waiting has passed.
    Timeout,
    /// The other side uses another format, version or type.
    Incompatible,
    /// What lies in the segment cannot be valid, or the memory behind it has been taken away.
    Corrupt,
    /// What is there belongs to somebody who must not own it.
    Untrusted,
    /// This system, or this version of Cenote, cannot do it.
    Unsupported,
}

impl ErrorKind {
    /// What a person can usually do about it.
    fn usual_hint(self) -> &'static str {
        match self {
            Self::PermissionDenied => {
                "run as the owner, or ask the owner for a wider mode (`cenote show` tells both)"
            }
            Self::InvalidSize => "`cenote show ADDRESS` tells the size there is",
            Self::KeyError => "check the address; `cenote help` lists the forms",
            Self::AlreadyExists => "attach to it instead, or remove it first with `cenote rm`",
            Self::NotFound => "`cenote ls` lists what there is; `cenote create` makes one",
            Self::LockError => "`cenote show ADDRESS` tells about the lock; `--no-lock` does without it",
            Self::OutOfResources => {
                "`cenote doctor` tells what is short, `cenote ls` what there is; remove what is not needed"
            }
            Self::Unknown => "the system's words above are all that is known",
            Self::Timeout => "somebody holds it: `cenote show ADDRESS` names the holders; or wait longer",
            Self::Incompatible => "both sides must use the same version and type",
            Self::Corrupt => "another process changed or shrank it: remove it and create it anew",
            Self::Untrusted => "find out who put it there before using or removing it",
            Self::Unsupported => "`cenote help` lists what this version can do here",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An error: one line of what (its `Display`), and one of what to do ([`hint`](Self::hint)).
///
/// Its `Debug` is both lines, so that `unwrap`, and a `main` that returns a `Result`, show a person what to do;
/// `{:#?}` has the fields.
#[derive(thiserror::Error)]
#[error("{}", self.line())]
pub struct Error {
    // Boxed, so that a `Result` stays small on the paths where nothing fails.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    what: String,
    operation: Option<&'static str>,
    address: Option<String>,
    hint: Option<String>,
    os: Option<io::Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { inner: Box::new(Inner { kind, what, operation: None, address: None, hint: None, os: None }) }
    }

    /// An error of the system: `call` is its name as in the manual.
    pub(crate) fn os(call: &str, error: impl Into<io::Error>) -> Self {
        let error = error.into();
        let kind = kind_of(&error);
        let mut this = Self::new(kind, format!("{call}: {error}"));
        this.inner.os = Some(error);
        this
    }

    /// A range that does not lie within what there is.
    #[cold]
    pub(crate) fn outside(offset: usize, len: usize, size: usize) -> Self {
        Self::new(
            ErrorKind::InvalidSize,
            format!("{len} bytes at offset {offset} do not fit into {size} bytes"),
        )
        .with_hint("choose an offset and a length within the size")
    }

    /// Corrects the kind where a call's error number means something else than usual.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    /// Puts `what` before what is there already.
    pub(crate) fn because(mut self, what: impl fmt::Display) -> Self {
        self.inner.what = format!("{what} ({})", self.inner.what);
        self
    }

    /// Says what was being done to which address, unless something nearer to the cause has said so.
    #[cold]
    #[inline(never)]
    pub(crate) fn during(mut self, operation: &'static str, address: &impl fmt::Display) -> Self {
        self.inner.operation.get_or_insert(operation);
        self.inner.address.get_or_insert_with(|| address.to_string());
        self
    }

    /// Which kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What a person can do about it, in one line.
    #[must_use]
    pub fn hint(&self) -> &str {
        self.inner.hint.as_deref().unwrap_or_else(|| self.inner.kind.usual_hint())
    }

    /// The operation that failed, as a verb: `attach`, `lock`.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.inner.operation
    }

    /// The address that the operation was about, as it is written.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.inner.address.as_deref()
    }

    /// What the system said, if it was the system.
    #[must_use]
    pub fn os_error(&self) -> Option<&io::Error> {
        self.inner.os.as_ref()
    }

    fn line(&self) -> String {
        let Inner { what, operation, address, .. } = &*self.inner;
        match (operation, address) {
            (Some(operation), Some(address)) => format!("cannot {operation} {address}: {what}"),
            _ => what.clone(),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.inner.fmt(f);
        }
        write!(f, "{self}\n  hint: {}", self.hint())
    }
}

/// The usual meaning of the system's error numbers; where a call means another, its caller says so.
fn kind_of(error: &io::Error) -> ErrorKind {
    use io::ErrorKind as Io;
    match error.kind() {
        Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        Io::NotFound => ErrorKind::NotFound,
        Io::AlreadyExists => ErrorKind::AlreadyExists,
        Io::OutOfMemory | Io::StorageFull | Io::QuotaExceeded => ErrorKind::OutOfResources,
        Io::FileTooLarge => ErrorKind::InvalidSize,
        Io::InvalidFilename | Io::IsADirectory | Io::NotADirectory => ErrorKind::KeyError,
        Io::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::Unknown,
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
            ErrorKind::OutOfResources => io::ErrorKind::OutOfMemory,
            ErrorKind::InvalidSize | ErrorKind::KeyError => io::ErrorKind::InvalidInput,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::Corrupt | ErrorKind::Incompatible => io::ErrorKind::InvalidData,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
