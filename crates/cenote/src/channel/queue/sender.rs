//! The end that sends.

use std::fmt;
use std::time::Duration;

use crate::channel::end::End;
use crate::channel::item::Item;
use crate::channel::outlet::{Loan, Outlet};
use crate::error::Result;
use crate::segment::Segment;

/// An end of a [`Queue`](super::Queue) that sends.
///
/// It stays in one thread at a time: it can be moved to another, and a thread that wants its own attaches its own.
pub struct Sender<T: Item + ?Sized = [u8]> {
    outlet: Outlet<T>,
}

impl<T: Item + ?Sized> Sender<T> {
    pub(super) fn of(end: End) -> Result<Self> {
        Outlet::of(end).map(|outlet| Self { outlet })
    }

    /// Sends a copy. Where there is no room it does what the queue was made for: waits until there is, fails
    /// (`OutOfResources`), or drops the oldest message.
    ///
    /// If this process dies meanwhile, then either the message is there as a whole or nobody ever sees it.
    ///
    /// # Errors
    /// `InvalidSize` if it is longer than the queue's messages can be; `OutOfResources`; `Timeout` after the time that
    /// [`Options::timeout`](crate::Options::timeout) allows; `Corrupt` if the memory was taken away or makes no sense;
    /// `LockError` in a forked child.
    #[inline(always)]
    pub fn send(&self, message: &T) -> Result<()> {
        self.outlet.send(0, message)
    }

    /// The same with a tag, which the receiver gets beside the message: a number that means what the programs agree on.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    #[inline(always)]
    pub fn send_tagged(&self, tag: u32, message: &T) -> Result<()> {
        self.outlet.send(tag, message)
    }

    /// Sends a copy if there is room: false if there is not.
    ///
    /// # Errors
    /// Those of [`send`](Self::send), `OutOfResources` and `Timeout` excepted.
    #[inline]
    pub fn try_send(&self, message: &T) -> Result<bool> {
        self.outlet.try_send(0, message)
    }

    /// The same with a tag.
    ///
    /// # Errors
    /// Those of [`try_send`](Self::try_send).
    #[inline]
    pub fn try_send_tagged(&self, tag: u32, message: &T) -> Result<bool> {
        self.outlet.try_send(tag, message)
    }

    /// Sends a copy, and waits for room for so long at most, whatever the queue was made for.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    #[inline]
    pub fn send_timeout(&self, message: &T, timeout: Duration) -> Result<()> {
        self.outlet.send_timeout(0, message, timeout)
    }

    /// The same with a tag.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_tagged_timeout(&self, tag: u32, message: &T, timeout: Duration) -> Result<()> {
        self.outlet.send_timeout(tag, message, timeout)
    }

    /// The segment that it lies in.
    #[must_use]
    pub fn segment(&self) -> &Segment {
        self.outlet.segment()
    }

    /// Detaches, and reports errors: as [`Segment::detach`].
    ///
    /// # Errors
    /// As there.
    pub fn detach(self) -> Result<()> {
        self.outlet.detach()
    }
}

impl Sender {
    /// Lends memory for a message of so many bytes, to be filled in place and then sent without a copy. It waits for a
    /// free chunk as [`send`](Self::send) does for room.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn loan(&self, len: usize) -> Result<Loan<'_>> {
        self.outlet.loan(len)
    }
}

impl<T: Item + ?Sized> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("segment", self.segment()).finish_non_exhaustive()
    }
}
