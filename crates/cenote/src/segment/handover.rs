//! Handing anonymous memory to another process, over a Unix stream socket: no name, no file, nobody else.
//!
//! ```
//! use cenote::handover::{self, Grant};
//! use std::os::unix::net::UnixStream;
//!
//! let (ours, theirs) = UnixStream::pair()?; // or any connection to a process of this machine
//! let segment = cenote::Segment::create("memfd:picture", 4096)?;
//! segment.write_at(0, b"pixels")?;
//! handover::send(&ours, &segment.into_sealed()?, Grant::ReadOnly)?;
//!
//! let picture = handover::receive(&theirs)?.sealed()?;
//! assert_eq!(&picture[..6], b"pixels");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A message is 8 bytes, with one descriptor (`SCM_RIGHTS`): `CENOTE`, the version 1, and what it is: 0 a segment to
//! read and write, 1 a segment to read, 2 sealed memory. Other bytes may go over the same socket before and after it.
//! The waiting is the socket's: see `UnixStream::set_read_timeout`.
//!
//! Who receives trusts nothing: the size is what the kernel says, memory that is said to be sealed must be, and what
//! is no anonymous memory, or can shrink, is refused.

use super::{Sealed, Segment};
use crate::backend::memfd;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, SealedMemory};

/// A connection to another process on this machine that can carry descriptors: a `UnixStream`, where there are some.
pub use crate::sys::LocalStream;

const READ_WRITE: u8 = 0;
const READ_ONLY: u8 = 1;
const SEALED: u8 = 2;
const VERSION: u8 = 1;

/// What who receives a segment may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Read and write. A process of another user can take the lock only if the segment's
    /// [mode](crate::Options::mode) lets that user in: locking opens the memory once more.
    ReadWrite,
    /// Read, and nothing else, whatever they try. A descriptor that was opened read-only is not enough for that:
    /// its user, and others if the mode lets them, could open it anew for writing. So sending this first
    /// [seals](Segment::seal_writes) the segment against new writers. Hand it to those who may write before.
    ReadOnly,
}

/// What is handed over; made by `into` from a `&Segment` or a `&Sealed`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Item<'a> {
    /// A `memfd:` segment.
    Segment(&'a Segment),
    /// Memory that never changes.
    Sealed(&'a Sealed),
}

impl<'a> From<&'a Segment> for Item<'a> {
    fn from(segment: &'a Segment) -> Self {
        Self::Segment(segment)
    }
}

impl<'a> From<&'a Sealed> for Item<'a> {
    fn from(sealed: &'a Sealed) -> Self {
        Self::Sealed(sealed)
    }
}

/// What was received.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received {
    /// A segment, attached read-write or read-only as it was granted.
    Segment(Segment),
    /// Memory that never changes, by the kernel's word.
    Sealed(Sealed),
}

impl Received {
    /// The segment that it is.
    ///
    /// # Errors
    /// `Incompatible` if it is sealed memory.
    pub fn segment(self) -> Result<Segment> {
        match self {
            Self::Segment(segment) => Ok(segment),
            Self::Sealed(_) => Err(another("sealed memory", "a segment")),
        }
    }

    /// The sealed memory that it is.
    ///
    /// # Errors
    /// `Incompatible` if it is a segment.
    pub fn sealed(self) -> Result<Sealed> {
        match self {
            Self::Sealed(sealed) => Ok(sealed),
            Self::Segment(_) => Err(another("a segment", "sealed memory")),
        }
    }
}

/// Hands a segment or sealed memory to the process at the other end. It stays attached here.
///
/// # Errors
/// `PermissionDenied` (it is read-only here or sealed, and `ReadWrite` was to be granted), `NotFound` (the other side
/// has closed the connection), `Timeout` (by the socket's own), `Unsupported` (a segment that is no `memfd:`).
pub fn send<'a>(stream: &LocalStream, what: impl Into<Item<'a>>, grant: Grant) -> Result<()> {
    let what = what.into();
    let address = match what {
        Item::Segment(segment) => segment.address(),
        Item::Sealed(sealed) => sealed.address(),
    };
    send_item(stream, what, grant).map_err(|error| error.during("hand over", address))
}

fn send_item(stream: &LocalStream, what: Item<'_>, grant: Grant) -> Result<()> {
    let (descriptor, tag) = match (what, grant) {
        (Item::Sealed(_), Grant::ReadWrite) => return Err(read_only("it is sealed")),
        (Item::Segment(segment), Grant::ReadWrite) if segment.is_read_only() => {
            return Err(read_only("it is attached read-only here"));
        }
        // Its descriptor is read-only and carries no lock. Whoever has it can share no more than that.
        (Item::Sealed(sealed), Grant::ReadOnly) => (sealed.memory().for_sending()?, SEALED),
        (Item::Segment(segment), Grant::ReadWrite) => {
            (segment.attached().another_description(true)?, READ_WRITE)
        }
        (Item::Segment(segment), Grant::ReadOnly) => {
            segment.attached().seal_writes()?;
            (segment.attached().another_description(false)?, READ_ONLY)
        }
    };
    sys::send_descriptor(stream, &message(tag), &descriptor)
}

/// Waits for what the process at the other end hands over.
///
/// # Errors
/// `Untrusted` (what came is not what it was said to be), `KeyError` (it is no anonymous memory), `Incompatible`
/// (another version), `NotFound` (the other side has closed the connection), `Timeout` (by the socket's own).
pub fn receive(stream: &LocalStream) -> Result<Received> {
    let mut bytes = [0; 8];
    let descriptor = sys::receive_descriptor(stream, &mut bytes)?;
    match bytes[7] {
        tag if bytes != message(tag) => Err(unknown(bytes)),
        SEALED => {
            SealedMemory::of(sys::adopt_memfd(descriptor, false)?).and_then(Sealed::new).map(Received::Sealed)
        }
        tag @ (READ_WRITE | READ_ONLY) => {
            let attached = memfd::received(descriptor, tag == READ_WRITE)?;
            let address = attached.address();
            let address = address.ok_or_else(|| Error::new(ErrorKind::Unknown, "this process has no id"))?;
            let segment = Segment {
                address,
                attached: Some(attached),
                elsewhere: None,
                timeout: None,
                created: false,
                quick: false,
            };
            Ok(Received::Segment(segment))
        }
        _ => Err(unknown(bytes)),
    }
}

fn message(tag: u8) -> [u8; 8] {
    [b'C', b'E', b'N', b'O', b'T', b'E', VERSION, tag]
}

#[cold]
fn unknown(bytes: [u8; 8]) -> Error {
    if bytes.starts_with(b"CENOTE") {
        let [.., version, tag] = bytes;
        return Error::new(
            ErrorKind::Incompatible,
            format!("a message of version {version} and kind {tag} came, and this is version {VERSION}"),
        );
    }
    Error::new(ErrorKind::Untrusted, "what came is no message of Cenote's")
        .with_hint("both sides must agree on what else goes over the socket, and when")
}

#[cold]
fn another(came: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::Incompatible, format!("{came} came, and {wanted} was expected"))
        .with_hint("match on what was received, or change what is sent")
}

#[cold]
fn read_only(why: &str) -> Error {
    Error::new(ErrorKind::PermissionDenied, why).with_hint("hand it over as Grant::ReadOnly")
}
