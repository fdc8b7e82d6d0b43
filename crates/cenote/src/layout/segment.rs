//! The native segment: what is in front of the data. `docs/format/segment.md` says it byte by byte.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};
use std::{fmt, mem};

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::PLACES;
use crate::error::{Error, ErrorKind, Result};

const MAGIC: [u8; 8] = *b"CENOTE\r\n";
const VERSION: u32 = 1;
/// How many can be attached read-write at once.
pub(crate) const SLOTS: u32 = 256;
const HEADER: usize = 4096;
/// Where is said that the segment was found damaged, in 4 bytes.
pub(crate) const POISONED: usize = 128;
/// Where the lock is.
pub(crate) const LOCK: usize = 192;
/// Where the type's description is, and how long it may be.
pub(crate) const DESCRIPTION: usize = 1280;
#[allow(dead_code, reason = "values come next")]
pub(crate) const DESCRIPTION_MOST: usize = HEADER - DESCRIPTION - size_of::<U32>();
/// With its length.
pub(crate) const DESCRIPTION_WHOLE: usize = HEADER - DESCRIPTION;
/// How much is in front of the data.
pub(crate) const FRONT: usize = HEADER + SLOTS as usize * size_of::<Slot>();

const KEPT: u32 = 1;

/// What is in a segment: bytes of nobody's business, or something of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Which of the kinds of content that the page names.
    pub(crate) kind: u32,
    /// Of the type; 0 if it has none.
    pub(crate) fingerprint: u64,
    pub(crate) type_size: u32,
    pub(crate) type_align: u32,
    /// For people. Cut when it is written.
    pub(crate) type_name: String,
    /// The type with its fields, at most [`DESCRIPTION_MOST`] bytes.
    pub(crate) description: String,
}

impl Content {
    pub(crate) const BYTES: u32 = 0;
    pub(crate) const VALUE: u32 = 1;
    pub(crate) const BLOB: u32 = 2;
    pub(crate) const QUEUE: u32 = 3;
    pub(crate) const TOPIC: u32 = 4;

    /// With the description that is in these bytes of the header. What cannot be one is none.
    pub(crate) fn described(mut self, bytes: &[u8]) -> Self {
        let text = U32::read_from_prefix(bytes).ok().and_then(|(len, rest)| rest.get(..len.get() as usize));
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        self.description = text.unwrap_or_default().to_owned();
        self
    }

    /// Whether both mean the same bytes.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        let of = |content: &Self| (content.kind, content.fingerprint, content.type_size, content.type_align);
        of(self) == of(other)
    }
}

/// For people, who are to see how two differ.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { type_name, type_size, fingerprint, .. } = self;
        match self.kind {
            Self::BYTES => write!(f, "plain bytes"),
            Self::VALUE => write!(f, "a value {type_name:?} of {type_size} bytes, layout {fingerprint:016x}"),
            Self::BLOB => write!(f, "a blob"),
            Self::QUEUE | Self::TOPIC => {
                let what = if self.kind == Self::QUEUE { "queue" } else { "topic" };
                if *fingerprint == 0 {
                    return write!(f, "a {what} of bytes");
                }
                write!(f, "a {what} of {type_name:?}, {type_size} bytes each, layout {fingerprint:016x}")
            }
            kind => write!(f, "content of kind {kind}"),
        }
    }
}

/// What is written before the segment has its name, and never again.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Identity {
    magic: [u8; 8],
    version: U32,
    front: U32,
    size: U64,
    signature: [u8; 8],
    lifetime: U32,
    slots: U32,
    content: U32,
    creator: U32,
    created: U64,
    reserved: [u8; 8],
    fingerprint: U64,
    type_size: U32,
    type_align: U32,
    type_name: [u8; 48],
}

/// One attachment that may write. All of it but the generation is for people.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Slot {
    pub(crate) generation: U32,
    pub(crate) pid: U32,
    /// In seconds since 1970.
    since: U32,
    /// What it sleeps for: bit 0 is the lock, and then one for each place.
    waits: U32,
    /// How often it has a part in what has several holders, one byte for each place.
    shares: [U64; 2],
}

const _: () = assert!(size_of::<Identity>() == 128 && size_of::<Slot>() == 32 && FRONT == 12288);

/// What of an identity is used, once it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The data, in bytes; within the file.
    pub(crate) size: u64,
    pub(crate) kept: bool,
    /// For people.
    pub(crate) creator: u32,
    pub(crate) created: Option<SystemTime>,
    /// Without its description, which is elsewhere.
    pub(crate) content: Content,
}

impl Identity {
    /// Of a segment that this process makes.
    pub(crate) fn new(size: u64, kept: bool, content: &Content) -> Self {
        Self {
            magic: MAGIC,
            version: VERSION.into(),
            front: (FRONT as u32).into(),
            size: size.into(),
            signature: signature(),
            lifetime: u32::from(kept).into(),
            slots: SLOTS.into(),
            content: content.kind.into(),
            creator: std::process::id().into(),
            created: nanoseconds(SystemTime::now()).into(),
            reserved: [0; 8],
            fingerprint: content.fingerprint.into(),
            type_size: content.type_size.into(),
            type_align: content.type_align.into(),
            type_name: padded(&content.type_name),
        }
    }

    /// What it says, if it is one of this format, in a file of `len` bytes.
    pub(crate) fn check(&self, len: u64) -> Result<Known> {
        if self.magic != MAGIC {
            return Err(Error::new(ErrorKind::Corrupt, "it does not begin as a native segment does")
                .with_hint("it is no segment of Cenote's, or was damaged: `cenote rm` removes it"));
        }
        if self.version.get() != VERSION {
            return Err(another(&format!("version {}", self.version), &format!("version {VERSION}")));
        }
        if self.signature != signature() {
            return Err(another("another layout of this version", "its own"));
        }
        let end = self.size.get().checked_add(FRONT as u64);
        if self.front.get() as usize != FRONT || self.slots.get() != SLOTS || end.is_none_or(|end| end > len)
        {
            let what =
                format!("it says that it has {} bytes of data, and the file has {len} in all", self.size);
            return Err(Error::new(ErrorKind::Corrupt, what)
                .with_hint("somebody has damaged or cut it: `cenote rm` removes it"));
        }
        if self.lifetime.get() > KEPT {
            let what = format!("it says that its lifetime is {}, which is none", self.lifetime);
            return Err(Error::new(ErrorKind::Corrupt, what)
                .with_hint("somebody has damaged it: `cenote rm` removes it"));
        }
        let since = Duration::from_nanos(self.created.get());
        Ok(Known {
            size: self.size.get(),
            kept: self.lifetime.get() == KEPT,
            creator: self.creator.get(),
            created: SystemTime::UNIX_EPOCH.checked_add(since),
            content: Content {
                kind: self.content.get(),
                fingerprint: self.fingerprint.get(),
                type_size: self.type_size.get(),
                type_align: self.type_align.get(),
                type_name: unpadded(&self.type_name),
                description: String::new(),
            },
        })
    }
}

/// What a new file begins with: the header, and the first slot.
pub(crate) fn front(identity: &Identity, content: &Content, first: &Slot) -> Vec<u8> {
    let mut bytes = vec![0; Slot::at(1)];
    let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
    let description = content.description.as_bytes();
    put(0, identity.as_bytes());
    put(DESCRIPTION, U32::new(description.len() as u32).as_bytes());
    put(DESCRIPTION + size_of::<U32>(), description);
    put(Slot::at(0), first.as_bytes());
    bytes
}

/// A name in so many bytes, cut between letters, with zeros after it.
pub(super) fn padded<const N: usize>(name: &str) -> [u8; N] {
    let cut = (0..=name.len().min(N)).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
    std::array::from_fn(|at| name.as_bytes()[..cut].get(at).copied().unwrap_or(0))
}

/// What is in front of the zeros, whatever it is.
pub(super) fn unpadded(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

impl Slot {
    /// Where it is.
    pub(crate) fn at(index: u32) -> usize {
        HEADER + index as usize * size_of::<Self>()
    }

    /// Taken by this process, now.
    pub(crate) fn taken(generation: u32) -> Self {
        Self {
            generation: generation.into(),
            pid: std::process::id().into(),
            since: (nanoseconds(SystemTime::now()) / 1_000_000_000).try_into().unwrap_or(u32::MAX).into(),
            waits: 0.into(),
            shares: [0.into(); 2],
        }
    }

    /// Where the word is that has its `waits` in the upper half.
    pub(crate) fn waits_at(index: u32) -> usize {
        Self::at(index) + mem::offset_of!(Self, since)
    }

    /// Whether it sleeps for what that bit stands for.
    pub(crate) fn waits_for(&self, bit: u32) -> bool {
        self.waits.get() >> bit & 1 != 0
    }

    /// How often it has a part in a place.
    pub(crate) fn shares_of(&self, place: u32) -> u32 {
        (self.shares[(place / 8) as usize].get() >> (place % 8 * 8) & 0xff) as u32
    }

    /// Where the word of its shares is that has those of a place, and how far up in it.
    pub(crate) fn shares_at(index: u32, place: u32) -> (usize, u32) {
        let word = (place / 8) as usize * size_of::<U64>();
        (Self::at(index) + mem::offset_of!(Self, shares) + word, place % 8 * 8)
    }
}

/// Stands for all sizes and places of the format.
fn signature() -> [u8; 8] {
    // Making and attaching a small segment takes no longer than a few of these digests.
    static SIGNATURE: OnceLock<[u8; 8]> = OnceLock::new();
    *SIGNATURE.get_or_init(|| {
        let text =
            format!("cenote segment {VERSION}: header {HEADER}, slots {SLOTS} x 32, places {PLACES} x 64");
        let digest = sha1_smol::Sha1::from(text).digest().bytes();
        std::array::from_fn(|at| digest[at])
    })
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().try_into().unwrap_or(u64::MAX)
}

#[cold]
pub(crate) fn another(theirs: &str, ours: &str) -> Error {
    Error::new(ErrorKind::Incompatible, format!("it has {theirs}, and this program has {ours}"))
        .with_hint("use one version of Cenote for all programs that share a segment")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes as the page has them: a change of the format is a new version.
    #[test]
    fn the_identity_is_as_the_page_says() {
        let mut identity = Identity::new(0x0102, true, &Content::default());
        identity.creator = 0x0a0b.into();
        identity.created = 7.into();
        let mut golden = vec![0; 128];
        golden[..8].copy_from_slice(b"CENOTE\r\n");
        golden[8] = 1;
        golden[12..14].copy_from_slice(&[0x00, 0x30]);
        golden[16..18].copy_from_slice(&[2, 1]);
        golden[24..32].copy_from_slice(&SIGNATURE);
        golden[32] = 1;
        golden[36..38].copy_from_slice(&[0, 1]);
        golden[44..46].copy_from_slice(&[0x0b, 0x0a]);
        golden[48] = 7;
        assert_eq!(identity.as_bytes(), golden);
        let known = identity.check(FRONT as u64 + 0x0102).unwrap();
        assert_eq!((known.size, known.kept, known.creator), (0x0102, true, 0x0a0b));
    }

    const SIGNATURE: [u8; 8] = [0x8e, 0x1b, 0xc0, 0x80, 0x9f, 0xaa, 0xe5, 0xc7];

    #[test]
    fn what_is_not_of_this_format_is_told_apart() {
        let good = Identity::new(100, false, &Content::default());
        let len = FRONT as u64 + 100;
        let kind = |change: fn(&mut Identity), len: u64| {
            let mut identity = good;
            change(&mut identity);
            identity.check(len).unwrap_err().kind()
        };
        assert_eq!(kind(|i| i.magic[0] = b'X', len), ErrorKind::Corrupt);
        assert_eq!(kind(|i| i.version = 2.into(), len), ErrorKind::Incompatible);
        assert_eq!(kind(|i| i.signature[7] ^= 1, len), ErrorKind::Incompatible);
        assert_eq!(kind(|i| i.front = 0.into(), len), ErrorKind::Corrupt);
        assert_eq!(kind(|i| i.slots = 255.into(), len), ErrorKind::Corrupt);
        assert_eq!(kind(|i| i.lifetime = 2.into(), len), ErrorKind::Corrupt);
        assert_eq!(kind(|i| i.size = u64::MAX.into(), len), ErrorKind::Corrupt);
        assert_eq!(kind(|_| (), len - 1), ErrorKind::Corrupt);
        // What a typed one says of its type is there, cut between letters.
        let name = format!("{}é", "x".repeat(47));
        let content = Content {
            kind: Content::VALUE,
            fingerprint: 7,
            type_size: 8,
            type_name: name,
            ..Content::default()
        };
        let typed = Identity::new(100, false, &content).check(len).unwrap();
        assert!(typed.content.is_as(&content) && !typed.content.is_as(&Content::default()));
        assert_eq!(typed.content.type_name, "x".repeat(47));
        // For people, and so whatever they are.
        let mut odd = good;
        (odd.creator, odd.created) = (u32::MAX.into(), u64::MAX.into());
        assert!(odd.check(len + 1).is_ok());
    }
}
