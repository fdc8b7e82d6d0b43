//! Values and blobs: what the data of a native segment are that has one. `docs/format/value.md` says it byte by byte.

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::error::{Error, ErrorKind, Result};

/// Where the version word is.
pub(crate) const VERSION_WORD: usize = 0;
/// Copies begin at multiples of this, and so share no line with each other or with the version.
const LINE: usize = 64;
/// What a copy of a blob begins with: how many bytes it has.
pub(crate) const BLOB_LENGTH: usize = size_of::<U64>();

/// In front of the copies.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Control {
    /// In the machine's own byte order, as all words that are exchanged.
    version: u64,
    room: U64,
    reserved: [u8; 48],
}

const _: () = assert!(size_of::<Control>() == LINE);

impl Control {
    /// The version word, as it was when it was copied.
    pub(crate) fn version_word(&self) -> u64 {
        self.version
    }
}

/// Two copies of the same room, and where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copies {
    room: usize,
    stride: usize,
}

impl Copies {
    /// Of `room` bytes each.
    pub(crate) fn new(room: usize) -> Result<Self> {
        let fits = |stride: &usize| stride.checked_mul(2).and_then(|both| both.checked_add(LINE)).is_some();
        match room.checked_next_multiple_of(LINE).filter(fits) {
            Some(stride) => Ok(Self { room, stride }),
            None => {
                Err(Error::new(ErrorKind::InvalidSize, format!("{room} bytes twice cannot be addressed"))
                    .with_hint("ask for less"))
            }
        }
    }

    /// What a segment with `len` bytes of data has, by its control line.
    pub(crate) fn of(control: &Control, len: usize) -> Result<Self> {
        let room = control.room.get();
        let copies = usize::try_from(room).ok().and_then(|room| Self::new(room).ok());
        copies.filter(|copies| copies.size() <= len).ok_or_else(|| {
            let what =
                format!("it says that it has two copies of {room} bytes, and it has {len} bytes in all");
            Error::new(ErrorKind::Corrupt, what)
                .with_hint("another process has damaged it: remove it and create it anew")
        })
    }

    /// How many bytes a blob of these copies has room for.
    pub(crate) fn capacity(self) -> Option<usize> {
        self.room.checked_sub(BLOB_LENGTH)
    }

    pub(crate) fn room(self) -> usize {
        self.room
    }

    /// Where copy 0 or 1 begins.
    #[inline]
    pub(crate) fn at(self, copy: usize) -> usize {
        LINE + copy * self.stride
    }

    /// Of all the data.
    pub(crate) fn size(self) -> usize {
        LINE + 2 * self.stride
    }

    /// What the data of a new one begin with: version 0, whose copy begins with `first`.
    pub(crate) fn first(self, first: &[u8]) -> Vec<u8> {
        let control = Control { version: 0, room: (self.room as u64).into(), reserved: [0; 48] };
        [control.as_bytes(), first].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes as the page has them: a change of the format is a new version.
    #[test]
    fn a_new_one_is_as_the_page_says() {
        let copies = Copies::new(100).unwrap();
        let mut golden = vec![0; 67];
        golden[8] = 100;
        golden[64..].copy_from_slice(b"new");
        assert_eq!(copies.first(b"new"), golden);
        assert_eq!((copies.at(0), copies.at(1), copies.size()), (64, 192, 320));
        let exact = Copies::new(128).unwrap();
        assert_eq!((exact.at(1), exact.size()), (192, 320));
    }

    #[test]
    fn what_cannot_be_is_told() {
        let control = |room: u64| Control { version: 7, room: room.into(), reserved: [9; 48] };
        assert_eq!(Copies::of(&control(100), 320).unwrap().room(), 100);
        for (room, len) in [(100, 319), (129, 320), (u64::MAX, 320), (u64::MAX / 2, usize::MAX), (0, 63)] {
            assert_eq!(Copies::of(&control(room), len).unwrap_err().kind(), ErrorKind::Corrupt, "{room}");
        }
        for room in [usize::MAX, usize::MAX / 2, usize::MAX - 63] {
            assert_eq!(Copies::new(room).unwrap_err().kind(), ErrorKind::InvalidSize);
        }
    }
}
