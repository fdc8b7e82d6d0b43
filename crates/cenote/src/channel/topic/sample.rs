//! A message that is read where it is, for as long as it is kept.

#![allow(unsafe_code)]

use std::fmt;
use std::ops::RangeBounds;
use std::time::Duration;

use zerocopy::FromBytes;

use super::seat::{Seat, seen};
use super::subscriber::{Kept, Subscriber, too_many};
use crate::channel::arrived::Arrived;
use crate::channel::cell::Aligned;
use crate::error::{Error, Result};
use crate::segment::{View, resolve};
use crate::sys::Wait;

/// A message of a topic, from [`Subscriber::borrow`]: a long one where it lies in shared memory, a short one copied. It
/// stays as it is until this is dropped, whatever is published meanwhile.
///
/// Others may write there, at any time, if they mean harm: so its bytes are copied out.
pub struct Sample<'a> {
    tag: u32,
    memory: Memory<'a>,
}

#[expect(clippy::large_enum_variant, reason = "it stays on the stack, and nothing is allocated")]
enum Memory<'a> {
    /// With its length.
    Short(Aligned, usize),
    /// A long one, of those who only read.
    Long(Vec<u8>),
    Kept {
        subscriber: &'a Subscriber,
        /// By which word of the record.
        which: usize,
        view: View<'a>,
    },
}

impl Sample<'_> {
    /// The tag that it was published with.
    #[must_use]
    pub fn tag(&self) -> u32 {
        self.tag
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.memory {
            Memory::Short(_, len) => *len,
            Memory::Long(bytes) => bytes.len(),
            Memory::Kept { view, .. } => view.len(),
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies bytes out, as many from `offset` on as fit into `to`.
    ///
    /// # Errors
    /// `InvalidSize` if that is not within the message; `Corrupt` if the memory was taken away.
    pub fn read_at(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        match self.own() {
            Ok(own) => part(own, offset, to.len()).map(|bytes| to.copy_from_slice(bytes)),
            Err(view) => view.read_at(offset, to),
        }
    }

    /// Copies bytes out.
    ///
    /// # Errors
    /// Those of [`read_at`](Self::read_at).
    pub fn read_to_vec(&self, range: impl RangeBounds<usize>) -> Result<Vec<u8>> {
        match self.own() {
            Ok(own) => {
                let (offset, len) = resolve(&range, own.len());
                part(own, offset, len).map(<[u8]>::to_vec)
            }
            Err(view) => view.read_to_vec(range),
        }
    }

    /// Copies out a value of a type for which all bytes are valid.
    ///
    /// # Errors
    /// Those of [`read_at`](Self::read_at).
    pub fn read_value<V: FromBytes>(&self, offset: usize) -> Result<V> {
        match self.own() {
            Ok(own) => {
                let value = V::read_from_bytes(part(own, offset, size_of::<V>())?).ok();
                value.ok_or_else(|| Error::outside(offset, size_of::<V>(), own.len()))
            }
            Err(view) => view.read_value(offset),
        }
    }

    /// The bytes in place. They begin at a multiple of 64, unless the topic was attached read-only.
    ///
    /// # Safety
    /// While the slice lives, nobody may change these bytes, in this process or another, nor shrink the file behind the
    /// topic: nobody does who keeps to the rules of a topic, and a hostile process can.
    #[must_use]
    pub unsafe fn as_slice(&self) -> &[u8] {
        match self.own() {
            Ok(own) => own,
            // SAFETY: the caller's promise; the message is kept as long as this is.
            Err(view) => unsafe { view.as_slice() },
        }
    }

    /// The bytes if they are our own.
    fn own(&self) -> std::result::Result<&[u8], &View<'_>> {
        match &self.memory {
            Memory::Short(Aligned(all), len) => Ok(&all[..*len]),
            Memory::Long(bytes) => Ok(bytes),
            Memory::Kept { view, .. } => Err(view),
        }
    }
}

fn part(bytes: &[u8], offset: usize, len: usize) -> Result<&[u8]> {
    let part = offset.checked_add(len).and_then(|end| bytes.get(offset..end));
    part.ok_or_else(|| Error::outside(offset, len, bytes.len()))
}

impl Sample<'_> {
    fn copy_into(&self, to: &mut Vec<u8>) -> Result<()> {
        if to.capacity() < self.len() {
            *to = self.read_to_vec(..)?;
            return Ok(());
        }
        to.resize(self.len(), 0);
        self.read_at(0, to)
    }
}

impl Drop for Sample<'_> {
    fn drop(&mut self) {
        if let Memory::Kept { subscriber, which, .. } = self.memory
            && subscriber.ensure_ours().is_ok()
        {
            subscriber.let_go(which);
        }
    }
}

impl fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").field("tag", &self.tag).field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Subscriber {
    /// Reads the next message without copying it, if it is long: it stays where it is until the [`Sample`] is dropped. Up to
    /// six can be in hand at a time. Waits as [`receive`](Self::receive) does.
    ///
    /// If this process dies with it in hand, its memory is free again.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive); `OutOfResources` if six are in hand.
    pub fn borrow(&self) -> Result<Sample<'_>> {
        self.ensure_room()?;
        match self.eagerly(Self::sample) {
            Some(sample) => Ok(sample),
            None => self.patiently(self.segment().patience(Wait::Forever), Self::sample),
        }
    }

    /// The same if there is a message.
    ///
    /// # Errors
    /// Those of [`try_receive`](Self::try_receive); `OutOfResources` if six are in hand.
    pub fn try_borrow(&self) -> Result<Option<Sample<'_>>> {
        self.ensure_room()?;
        match self.quickly(Self::sample) {
            Some(sample) => Ok(Some(sample)),
            None => self.within(Wait::Try, Self::sample),
        }
    }

    /// The same, waiting for so long at most.
    ///
    /// # Errors
    /// Those of [`borrow`](Self::borrow).
    pub fn borrow_timeout(&self, timeout: Duration) -> Result<Sample<'_>> {
        self.ensure_room()?;
        match self.eagerly(Self::sample) {
            Some(sample) => Ok(sample),
            None => self.patiently(Wait::up_to(Some(timeout)), Self::sample),
        }
    }

    /// Reads the next message into `to`, in place of what is in it, and gives its tag: once `to` is large enough, nothing
    /// is allocated. Waits as [`receive`](Self::receive) does.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive), and then anything may be in `to`.
    pub fn receive_into(&self, to: &mut Vec<u8>) -> Result<u32> {
        let sample = self.borrow()?;
        sample.copy_into(to)?;
        Ok(sample.tag)
    }

    /// The same if there is a message.
    ///
    /// # Errors
    /// Those of [`try_receive`](Self::try_receive), and then anything may be in `to`.
    pub fn try_receive_into(&self, to: &mut Vec<u8>) -> Result<Option<u32>> {
        let Some(sample) = self.try_borrow()? else { return Ok(None) };
        sample.copy_into(to)?;
        Ok(Some(sample.tag))
    }

    /// `None`: it was written over meanwhile.
    fn sample(&self, arrived: &Arrived, position: u64) -> Result<Option<Sample<'_>>> {
        let &Arrived { tag, len, offset, chunk } = arrived;
        if let (Some(chunk), Seat::Writing(end)) = (chunk, &self.seat) {
            return Ok(match self.keep(chunk, position) {
                Kept::Here(which) => {
                    let view = View::part(end.mapping(), end.segment.address(), offset, len);
                    Some(Sample { tag, memory: Memory::Kept { subscriber: self, which, view } })
                }
                Kept::Gone => None,
                Kept::NotSaid => return Err(too_many()),
            });
        }
        let memory = if chunk.is_some() {
            Memory::Long(self.seat.mapping().read_to_vec(offset, len)?)
        } else {
            let mut own = Aligned([0; 256]);
            self.seat.mapping().read(offset, &mut own.0[..len])?;
            Memory::Short(own, len)
        };
        let is_there = seen!(&self.seat, sight => sight.ring().is_still_there(position));
        Ok(is_there.then_some(Sample { tag, memory }))
    }
}
