//! Receivers that are waited for together with others: whether there is a message, without taking it.

use std::sync::atomic::AtomicU64;

use super::receiver::Receiver;
use crate::channel::descriptor::Descriptor;
use crate::channel::end::Frame;
use crate::channel::item::Item;
use crate::channel::ring::Found;
use crate::channel::several::{Sealed, Source, Waiting};
use crate::channel::waiting::{Bell, Spin, Waited};
use crate::error::Result;

impl<T: Item + ?Sized> Receiver<T> {
    /// A descriptor that is readable when there is something to receive, for poll(2) and its like.
    ///
    /// # Errors
    /// `OutOfResources` if there are too many descriptors or threads; `LockError` in a forked child; `Unsupported` where
    /// the system is not Linux.
    pub fn descriptor(&self) -> Result<Descriptor> {
        let end = &self.end;
        let made = end
            .ensure_ours()
            .and_then(|()| Descriptor::of(self, Frame::to_write(end.mapping(), &end.shape)?, false));
        made.map_err(|error| end.during("wait for", error))
    }

    fn has_something(&self, thoroughly: bool) -> Result<bool> {
        let end = &self.end;
        end.ensure_ours()?;
        end.mapping().intact()?;
        let ring = end.ring();
        loop {
            match ring.peek(&self.at)? {
                Found::Message(_) => return Ok(true),
                Found::Unfinished(position) if thoroughly => {
                    if !ring.skip_if_gone(position, &end.living()?)? {
                        return Ok(false);
                    }
                }
                Found::Nothing if thoroughly => {
                    // As for one who waits here alone: those that were passed over have made room.
                    end.notify_senders();
                    let of_the_dead = ring.can_take_over(&self.at, end.me, &end.living()?)?;
                    if of_the_dead {
                        self.asks_next_time();
                    }
                    return Ok(of_the_dead);
                }
                Found::Nothing | Found::Unfinished(_) => return Ok(false),
            }
        }
    }

    /// Who receives next is to find it, and so looks thoroughly, however little time has passed.
    fn asks_next_time(&self) {
        self.asked.set(None);
    }
}

impl<T: Item + ?Sized> Waited<AtomicU64> for Receiver<T> {
    fn is_ready(&self, thoroughly: bool) -> bool {
        self.has_something(thoroughly).unwrap_or_else(|_| {
            self.asks_next_time();
            true
        })
    }

    fn bell(&self) -> Option<Bell<'_, AtomicU64>> {
        Some(self.end.arrivals())
    }

    fn spin(&self) -> &Spin {
        &self.end.spin
    }
}

impl<T: Item + ?Sized> Sealed for Receiver<T> {
    fn waiting(&self) -> Waiting<'_> {
        Waiting { waited: self, mapping: self.end.mapping() }
    }
}

impl<T: Item + ?Sized> Source for Receiver<T> {}
