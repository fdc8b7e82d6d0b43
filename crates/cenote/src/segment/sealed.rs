//! Memory that never changes again: sealed by the kernel, and so a plain slice.

use std::ops::Deref;

use super::Segment;
use crate::address::Address;
use crate::backend::memfd;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::SealedMemory;

/// Anonymous memory that nobody can change or shrink any more: the one kind of shared memory that safe code may read
/// as `&[u8]`, without a copy and without a lock.
///
/// [`Segment::into_sealed`] makes one; [`handover`](super::handover) brings it to other processes.
///
/// ```
/// let segment = cenote::Segment::create("memfd:picture", 4096)?;
/// segment.write_at(0, b"pixels")?;
/// let picture = segment.into_sealed()?;
/// assert!(picture.starts_with(b"pixels"));
/// # Ok::<(), cenote::Error>(())
/// ```
pub struct Sealed {
    memory: SealedMemory,
    address: Address,
}

impl Sealed {
    /// All its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.memory.bytes()
    }

    /// Where others of this user find it: this process, and its descriptor.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// As far as the kernel says that it is sealed.
    pub(super) fn new(memory: SealedMemory) -> Result<Self> {
        let address = memfd::address_of(memory.file());
        let address = address.ok_or_else(|| Error::new(ErrorKind::Unknown, "this process has no id"))?;
        Ok(Self { memory, address })
    }

    pub(super) fn memory(&self) -> &SealedMemory {
        &self.memory
    }
}

impl Deref for Sealed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({}, {} bytes)", self.address, self.len())
    }
}

impl Segment {
    /// From now on nobody can attach it read-write, write to it by system calls or change its size: only who has it
    /// attached read-write already, this handle among them, can write. That cannot be undone.
    ///
    /// For `memfd:` segments.
    ///
    /// # Errors
    /// `PermissionDenied` (attached read-only), `Unsupported` (another kind).
    ///
    /// ```
    /// let segment = cenote::Segment::create("memfd:frames", 4096)?;
    /// segment.seal_writes()?;
    /// segment.write_at(0, b"still")?;
    /// assert!(cenote::Segment::attach(segment.address()).is_err());
    /// let reader = cenote::Segment::options().read_only().attach(segment.address())?;
    /// assert_eq!(reader.read_to_vec(..5)?, b"still");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "F_SEAL_FUTURE_WRITE")]
    pub fn seal_writes(&self) -> Result<()> {
        self.attached().seal_writes().map_err(|error| error.during("seal", &self.address))
    }

    /// Makes memory of it that nobody can ever change: see [`Sealed`]. For `memfd:` segments. One that is sealed already
    /// may be attached read-only. It waits a tenth of a second at most: a program that another thread is just starting
    /// has the memory mapped for a moment, as every forked child has.
    ///
    /// # Errors
    /// `PermissionDenied` if somebody else has it attached read-write, a forked child included, or it is attached
    /// read-only here and not sealed yet; `Unsupported` (another kind). The error has the segment in it, attached as it was.
    ///
    /// ```
    /// let segment = cenote::Segment::create("memfd:frames", 4096)?;
    /// let writer = cenote::Segment::attach(segment.address())?;
    /// let segment = segment.into_sealed().unwrap_err().into_segment();
    /// drop(writer);
    /// let sealed = segment.into_sealed()?;
    /// assert_eq!(sealed.len(), 4096);
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "F_SEAL_WRITE")]
    pub fn into_sealed(mut self) -> Result<Sealed, SealError> {
        let sealed = match &mut self.attached {
            Some(attached) => attached.seal().and_then(Sealed::new),
            None => Err(Error::new(ErrorKind::NotFound, "it is detached")),
        };
        sealed.map_err(|error| {
            let error = error.during("seal", &self.address);
            SealError { segment: self, error }
        })
    }
}

/// Why a segment was not [sealed](Segment::into_sealed), and the segment.
#[derive(Debug)]
pub struct SealError {
    segment: Segment,
    error: Error,
}

impl SealError {
    /// What went wrong.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The segment, attached as it was.
    #[must_use]
    pub fn into_segment(self) -> Segment {
        self.segment
    }
}

impl std::fmt::Display for SealError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for SealError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl From<SealError> for Error {
    fn from(refused: SealError) -> Self {
        refused.error
    }
}
