//! Subscribers that are waited for together with others: whether there is a message, without going on behind it.

use std::sync::atomic::AtomicU64;

use super::seat::{Seat, seen};
use super::subscriber::{Subscriber, TRIES};
use crate::channel::end::Sight;
use crate::channel::item::Item;
use crate::channel::ring::{Living, Seen};
use crate::channel::several::{Sealed, Source, Waiting};
use crate::channel::waiting::{Bell, Spin, Waited};
use crate::error::Result;
use crate::sync::Readable;

impl<T: Item + ?Sized> Subscriber<T> {
    fn has_something<W: Readable>(&self, sight: &Sight<W>, thoroughly: bool) -> Result<bool> {
        sight.ensure_ours()?;
        sight.mapping().intact()?;
        for _ in 0..TRIES {
            match sight.ring().read(&self.at)? {
                Seen::Message(_) => return Ok(true),
                Seen::Unfinished(position, by) if thoroughly => {
                    if !sight.living()?.is_gone(by)? {
                        return Ok(false);
                    }
                    self.pass_over_the_dead(position)?;
                }
                Seen::Nothing | Seen::Unfinished(..) => return Ok(false),
            }
        }
        Ok(false)
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
        Waiting(self)
    }
}

impl<T: Item + ?Sized> Source for Subscriber<T> {}
