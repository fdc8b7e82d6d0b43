//! The end that publishes.

use std::fmt;
use std::time::Duration;

use crate::channel::end::End;
use crate::channel::item::Item;
use crate::channel::outlet::{Loan, Outlet};
use crate::error::Result;
use crate::segment::Segment;

/// An end of a [`Topic`](super::Topic) that publishes.
///
/// It stays in one thread at a time: it can be moved to another, and a thread that wants its own attaches its own.
pub struct Publisher<T: Item + ?Sized = [u8]> {
    outlet: Outlet<T>,
}

impl<T: Item + ?Sized> Publisher<T> {
    pub(super) fn of(end: End) -> Result<Self> {
        Outlet::of(end).map(|outlet| Self { outlet })
    }

    /// Publishes a copy: at once, unless the topic was made to wait for those who subscribe, or to fail
    /// (`OutOfResources`) when somebody is slow.
    ///
    /// If this process dies meanwhile, then either the message is there as a whole or nobody ever sees it.
    ///
    /// # Errors
    /// `InvalidSize` if it is longer than the topic's messages can be; `OutOfResources` if all memory for messages is in
    /// somebody's hands, or if somebody is slow and it was so made; `Timeout` after the time that
    /// [`Options::timeout`](crate::Options::timeout) allows; `Corrupt` if the memory was taken away or makes no sense;
    /// `LockError` in a forked child.
    #[inline(always)]
    pub fn publish(&self, message: &T) -> Result<()> {
        self.outlet.send(0, message)
    }

    /// The same with a tag, which subscribers get beside the message: a number that means what the programs agree on.
    ///
    /// # Errors
    /// Those of [`publish`](Self::publish).
    #[inline(always)]
    pub fn publish_tagged(&self, tag: u32, message: &T) -> Result<()> {
        self.outlet.send(tag, message)
    }

    /// Publishes a copy if that can be done at once: false if it cannot.
    ///
    /// # Errors
    /// Those of [`publish`](Self::publish), `OutOfResources` and `Timeout` excepted.
    #[inline]
    pub fn try_publish(&self, message: &T) -> Result<bool> {
        self.outlet.try_send(0, message)
    }

    /// The same with a tag.
    ///
    /// # Errors
    /// Those of [`try_publish`](Self::try_publish).
    #[inline]
    pub fn try_publish_tagged(&self, tag: u32, message: &T) -> Result<bool> {
        self.outlet.try_send(tag, message)
    }

    /// Publishes a copy, and waits for so long at most, whatever the topic was made for.
    ///
    /// # Errors
    /// Those of [`publish`](Self::publish).
    #[inline]
    pub fn publish_timeout(&self, message: &T, timeout: Duration) -> Result<()> {
        self.outlet.send_timeout(0, message, timeout)
    }

    /// The same with a tag.
    ///
    /// # Errors
    /// Those of [`publish`](Self::publish).
    pub fn publish_tagged_timeout(&self, tag: u32, message: &T, timeout: Duration) -> Result<()> {
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

impl Publisher {
    /// Lends memory for a message of so many bytes, to be filled in place and then published without a copy.
    ///
    /// # Errors
    /// Those of [`publish`](Self::publish).
    pub fn loan(&self, len: usize) -> Result<Loan<'_>> {
        self.outlet.loan(len)
    }
}

impl<T: Item + ?Sized> fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("segment", self.segment()).finish_non_exhaustive()
    }
}
