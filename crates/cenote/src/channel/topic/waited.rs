//! Subscribers that are waited for together with others: whether there is a message, without going on behind it.

use std::sync::atomic::AtomicU64;

use super::seat::{Seat, seen};
use super::subscriber::Subscriber;
use crate::channel::descriptor::Descriptor;
use crate::channel::end::{Frame, Sight};
use crate::channel::item::Item;
use crate::channel::several::{Sealed, Source, Waiting};
use crate::channel::waiting::{Bell, Spin, Waited};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::Readable;

impl<T: Item + ?Sized> Subscriber<T> {
    /// A descriptor that is readable when there is something to receive, for poll(2) and its like.
    ///
    /// # Errors
    /// `OutOfResources` if there are too many descriptors or threads; `PermissionDenied` if the topic is attached read-only,
    /// so that nobody can know that it waits; `LockError` in a forked child; `Unsupported` where the system is not Linux.
    pub fn descriptor(&self) -> Result<Descriptor> {
        let made = self.ensure_ours().and_then(|()| match &self.seat {
            Seat::Writing(end) => Descriptor::of(self, Frame::to_write(end.mapping(), &end.shape)?, true),
            Seat::Reading(_) => Err(Error::new(ErrorKind::PermissionDenied, "it is attached read-only")
                .with_hint("attach it read-write, or ask it now and then by try_receive()")),
        });
        made.map_err(|error| self.seat.during("wait for", error))
    }

    fn has_something<W: Readable>(&self, sight: &Sight<W>, thoroughly: bool) -> Result<bool> {
        sight.ensure_ours()?;
        sight.mapping().intact()?;
        self.find(sight, thoroughly).map(|found| found.is_some())
    }
}

impl<T: Item + ?Sized> Waited<AtomicU64> for Subscriber<T> {
    fn is_ready(&self, thoroughly: bool) -> bool {
        seen!(&self.seat, sight => self.has_something(sight, thoroughly)).unwrap_or_else(|_| {
            // Who receives next is to see it, and so looks thoroughly, however little time has passed.
            self.asked.set(None);
            true
        })
    }

    fn bell(&self) -> Option<Bell<'_, AtomicU64>> {
        match &self.seat {
            Seat::Writing(end) => Some(end.arrivals()),
            Seat::Reading(_) => None,
        }
    }

    fn spin(&self) -> &Spin {
        seen!(&self.seat, sight => &sight.spin)
    }
}

impl<T: Item + ?Sized> Sealed for Subscriber<T> {
    fn waiting(&self) -> Waiting<'_> {
        Waiting { waited: self, mapping: self.seat.mapping() }
    }

    fn next(&self) -> u64 {
        self.at.next.get()
    }
}

impl<T: Item + ?Sized> Source for Subscriber<T> {}
