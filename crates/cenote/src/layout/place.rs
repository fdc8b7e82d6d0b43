//! The places for locks and their like that have a name. `docs/format/place.md` says it byte by byte.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::segment::{padded, unpadded};

/// How many there are in a segment.
pub(crate) const PLACES: u32 = 16;
/// How long a name may be, in bytes.
pub(crate) const PLACE_NAME_MOST: usize = 40;
const FIRST: usize = 256;

/// What is in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceKind {
    Lock,
    RwLock,
    Semaphore,
    Event,
    Condvar,
}

impl PlaceKind {
    const ALL: [Self; 5] = [Self::Lock, Self::RwLock, Self::Semaphore, Self::Event, Self::Condvar];

    fn number(self) -> u32 {
        match self {
            Self::Lock => 1,
            Self::RwLock => 2,
            Self::Semaphore => 3,
            Self::Event => 4,
            Self::Condvar => 5,
        }
    }

    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lock => "a lock",
            Self::RwLock => "an rwlock",
            Self::Semaphore => "a semaphore",
            Self::Event => "an event",
            Self::Condvar => "a condvar",
        }
    }
}

/// One of them. The words change all the time; the rest is written once, the kind last.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Place {
    word: U64,
    turns: U64,
    kind: U32,
    permits: U32,
    name: [u8; PLACE_NAME_MOST],
}

const _: () = assert!(size_of::<Place>() == 64);

impl Place {
    /// With its words at 0, and neither kind nor permits yet.
    pub(crate) fn new(name: &str) -> Self {
        Self { word: 0.into(), turns: 0.into(), kind: 0.into(), permits: 0.into(), name: padded(name) }
    }

    /// Where it is, and so its word.
    pub(crate) fn at(index: u32) -> usize {
        FIRST + index as usize * size_of::<Self>()
    }

    /// Where its second word is.
    pub(crate) fn turns_at(index: u32) -> usize {
        Self::at(index) + std::mem::offset_of!(Self, turns)
    }

    /// Where its kind is, with its permits: a word that is written last, and at once.
    pub(crate) fn kind_at(index: u32) -> usize {
        Self::at(index) + std::mem::offset_of!(Self, kind)
    }

    /// What is at [`kind_at`](Self::kind_at) of a place that is in use.
    pub(crate) fn kind_word(kind: PlaceKind, permits: u32) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(U32::new(kind.number()).as_bytes());
        bytes[4..].copy_from_slice(U32::new(permits).as_bytes());
        bytes
    }

    /// Whether nobody has used it yet.
    pub(crate) fn is_free(&self) -> bool {
        self.kind.get() == 0
    }

    pub(crate) fn kind(&self) -> Option<PlaceKind> {
        PlaceKind::ALL.into_iter().find(|kind| kind.number() == self.kind.get())
    }

    pub(crate) fn permits(&self) -> u32 {
        self.permits.get()
    }

    /// What is written as its name, by whomever.
    pub(crate) fn name(&self) -> String {
        unpadded(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes as the page has them.
    #[test]
    fn a_place_is_as_the_page_says() {
        let mut place = Place::new("left");
        (place.kind, place.permits) = (PlaceKind::Semaphore.number().into(), 4.into());
        let mut golden = vec![0; 64];
        golden[16] = 3;
        golden[20] = 4;
        golden[24..28].copy_from_slice(b"left");
        assert_eq!(place.as_bytes(), golden);
        assert_eq!(&golden[16..24], Place::kind_word(PlaceKind::Semaphore, 4));
        assert_eq!((Place::at(0), Place::turns_at(1), Place::kind_at(15)), (256, 328, 1232));
        assert_eq!(
            (place.kind(), place.permits(), place.name()),
            (Some(PlaceKind::Semaphore), 4, "left".into())
        );
    }

    #[test]
    fn any_bytes_are_something() {
        let odd = Place::read_from_bytes(&[0xff; 64]).unwrap();
        assert_eq!((odd.kind(), odd.is_free()), (None, false));
        assert_eq!(odd.name().chars().count(), PLACE_NAME_MOST);
    }
}
