//! A message that is read where it is.

#![allow(unsafe_code)]

use std::fmt;
use std::ops::RangeBounds;

use zerocopy::FromBytes;

use super::receiver::Receiver;
use crate::channel::arrived::Arrived;
use crate::error::Result;
use crate::segment::View;

/// A message in shared memory, from [`Receiver::borrow`]. Dropped, it has been received.
///
/// Others may write there, at any time, if they mean harm: so its bytes are copied out.
pub struct Borrowed<'a> {
    receiver: &'a Receiver,
    position: u64,
    arrived: Arrived,
}

impl<'a> Borrowed<'a> {
    #[inline(always)]
    pub(super) fn new(receiver: &'a Receiver, position: u64, arrived: Arrived) -> Self {
        Self { receiver, position, arrived }
    }

    /// The tag that it was sent with.
    #[must_use]
    pub fn tag(&self) -> u32 {
        self.arrived.tag
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrived.len
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrived.len == 0
    }

    /// Copies bytes out, as many from `offset` on as fit into `to`.
    ///
    /// # Errors
    /// `InvalidSize` if that is not within the message; `Corrupt` if the memory was taken away.
    pub fn read_at(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        self.view().read_at(offset, to)
    }

    /// Copies bytes out.
    ///
    /// # Errors
    /// Those of [`read_at`](Self::read_at).
    pub fn read_to_vec(&self, range: impl RangeBounds<usize>) -> Result<Vec<u8>> {
        self.view().read_to_vec(range)
    }

    /// Copies out a value of a type for which all bytes are valid.
    ///
    /// # Errors
    /// Those of [`read_at`](Self::read_at).
    pub fn read_value<V: FromBytes>(&self, offset: usize) -> Result<V> {
        self.view().read_value(offset)
    }

    /// The bytes in place.
    ///
    /// # Safety
    /// While the slice lives, nobody may change these bytes, in this process or another, nor shrink the file behind the
    /// queue: nobody does who keeps to the rules of a queue, and a hostile process can.
    #[must_use]
    pub unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: the caller's promise; the message is ours as long as this is borrowed.
        unsafe { self.view().as_slice() }
    }

    #[inline]
    fn view(&self) -> View<'_> {
        let end = &self.receiver.end;
        View::part(end.mapping(), end.segment.address(), self.arrived.offset, self.arrived.len)
    }
}

impl Drop for Borrowed<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.receiver.end.ensure_ours().is_ok() {
            // It was read by now; who took it over has it as well, and is told so.
            let _ = self.receiver.finish(self.position);
        }
    }
}

impl fmt::Debug for Borrowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrowed").field("tag", &self.tag()).field("len", &self.len()).finish_non_exhaustive()
    }
}
