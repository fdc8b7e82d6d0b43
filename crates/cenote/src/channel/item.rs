//! What can be sent: bytes, or values of a type.

use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

use crate::error::{Error, ErrorKind, Result};
use crate::layout::Content;
use crate::sys::Mapping;
use crate::value::{Copied, Shared, content_of};

/// What a channel's messages are: bytes (`[u8]`), or a type with [`Shared`] and those traits of zerocopy that say how it
/// is made from bytes.
///
/// It is for these alone: nobody else can have it.
pub trait Item: sealed::Sealed {
    /// What a receiver gets: a `Vec<u8>`, or the value.
    type Owned;

    /// What a queue of these says of itself.
    #[doc(hidden)]
    fn says() -> Result<Says>;

    #[doc(hidden)]
    fn bytes(&self) -> &[u8];

    /// Copies one out.
    #[doc(hidden)]
    fn read(from: Bytes<'_>) -> Result<Self::Owned>;
}

mod sealed {
    pub trait Sealed {}
}

/// What a queue says of its messages.
#[doc(hidden)]
#[derive(Debug)]
pub struct Says {
    /// In the segment's header, but for its kind; `None`: the kind is enough.
    pub(super) content: Option<Content>,
    /// The length of each, if all have one.
    pub(super) length: Option<usize>,
}

/// The bytes of a message, where they are mapped.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "nobody sees it")]
pub struct Bytes<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) offset: usize,
    pub(super) len: usize,
}

impl sealed::Sealed for [u8] {}

impl Item for [u8] {
    type Owned = Vec<u8>;

    fn says() -> Result<Says> {
        Ok(Says { content: None, length: None })
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn read(from: Bytes<'_>) -> Result<Vec<u8>> {
        from.mapping.read_to_vec(from.offset, from.len)
    }
}

impl<T> sealed::Sealed for T where T: Shared + TryFromBytes + IntoBytes + Immutable + KnownLayout {}

impl<T> Item for T
where
    T: Shared + TryFromBytes + IntoBytes + Immutable + KnownLayout,
{
    type Owned = T;

    fn says() -> Result<Says> {
        Ok(Says { content: Some(content_of::<T>()?), length: Some(size_of::<T>()) })
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    #[inline]
    fn read(from: Bytes<'_>) -> Result<T> {
        if from.len != size_of::<T>() {
            return Err(another_length(from.len, size_of::<T>()));
        }
        let mut copied = Copied::<T>::new();
        copied.fill(from.mapping, from.offset)?;
        copied.value(|| {
            Error::new(ErrorKind::Corrupt, "the bytes of a message are no value of its type")
                .with_hint("somebody has scribbled over it, or sends what it should not")
        })
    }
}

#[cold]
fn another_length(there: usize, wanted: usize) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a message has {there} bytes, and its type has {wanted}"))
        .with_hint("somebody has scribbled over it, or sends what it should not")
}
