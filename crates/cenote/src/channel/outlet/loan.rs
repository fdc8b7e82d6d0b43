//! Memory for a message that is filled in place.

#![allow(unsafe_code)]

use std::{fmt, io};

use super::{Message, Outlet, still_full};
use crate::channel::cell::Aligned;
use crate::channel::item::Item;
use crate::error::{Error, Result};
use crate::segment::View;
use crate::sys::Wait;

/// Memory for a message, from [`Sender::loan`](crate::Sender::loan): filled in place, and sent without a copy. Dropped unsent, it is given back.
///
/// It lies in shared memory, where others could write: so bytes are copied into it. What was there before is not cleared.
pub struct Loan<'a, T: Item + ?Sized = [u8]> {
    outlet: &'a Outlet<T>,
    len: usize,
    memory: Memory,
    /// How far [`io::Write`] has come.
    written: usize,
}

#[expect(clippy::large_enum_variant, reason = "it stays on the stack, and nothing is allocated")]
enum Memory {
    /// Of our own, until there is a cell for it.
    Short(Aligned),
    Chunk(usize),
    /// It was sent.
    Gone,
}

impl<'a, T: Item + ?Sized> Loan<'a, T> {
    pub(super) fn short(outlet: &'a Outlet<T>, len: usize) -> Self {
        Self { outlet, len, memory: Memory::Short(Aligned([0; 256])), written: 0 }
    }

    pub(super) fn chunk(outlet: &'a Outlet<T>, chunk: usize, len: usize) -> Self {
        Self { outlet, len, memory: Memory::Chunk(chunk), written: 0 }
    }

    pub(super) fn put(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        if offset.checked_add(bytes.len()).is_none_or(|end| end > self.len) {
            return Err(Error::outside(offset, bytes.len(), self.len));
        }
        match &mut self.memory {
            Memory::Short(Aligned(all)) => all[offset..offset + bytes.len()].copy_from_slice(bytes),
            Memory::Chunk(chunk) => {
                let end = &self.outlet.end;
                end.mapping().write(end.shape.chunk_at(*chunk) + offset, bytes)?;
            }
            Memory::Gone => {}
        }
        Ok(())
    }

    /// Sends it: false if there was no room in the time, and it is as it was.
    #[inline]
    pub(super) fn hand_over(&mut self, tag: u32, wait: Wait) -> Result<bool> {
        self.outlet.end.ensure_ours()?;
        let Some(position) = self.outlet.claim(wait)? else { return Ok(false) };
        let message = match &self.memory {
            Memory::Short(Aligned(all)) => Message::Short(&all[..self.len]),
            Memory::Chunk(chunk) => Message::Chunk(*chunk, self.len),
            Memory::Gone => Message::Short(&[]),
        };
        let sent = self.outlet.publish(position, tag, &message);
        // Also if that failed it is not ours to give back.
        self.memory = Memory::Gone;
        sent.map(|()| true)
    }
}

impl Loan<'_> {
    /// How many bytes the message has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies bytes into it.
    ///
    /// # Errors
    /// `InvalidSize` if they are not within the message; `Corrupt` if the memory was taken away.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let outlet = self.outlet;
        self.put(offset, bytes).map_err(|error| outlet.end.during("write", error))
    }

    /// The bytes in place, to be filled. They begin at a multiple of 64.
    ///
    /// # Safety
    /// While the slice lives, nobody else may read or change these bytes, nor shrink the file behind the queue: nobody does
    /// who keeps to the rules of a queue, and a hostile process can.
    #[must_use]
    pub unsafe fn as_mut_slice(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Short(Aligned(all)) => &mut all[..self.len],
            Memory::Chunk(chunk) => {
                let end = &self.outlet.end;
                let at = end.shape.chunk_at(*chunk);
                let view = View::part(end.mapping(), end.segment.address(), at, self.len);
                // SAFETY: the caller's promise; the chunk is ours as long as this is.
                unsafe { view.as_mut_slice() }
            }
            Memory::Gone => &mut [],
        }
    }

    /// Sends it, as [`Sender::send`](crate::Sender::send) does.
    ///
    /// # Errors
    /// As there. The message is lost then.
    pub fn send(self) -> Result<()> {
        self.send_tagged(0)
    }

    /// The same with a tag.
    ///
    /// # Errors
    /// As there. The message is lost then.
    pub fn send_tagged(mut self, tag: u32) -> Result<()> {
        let outlet = self.outlet;
        match self.hand_over(tag, outlet.patience()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(outlet.end.during("send to", still_full())),
            Err(error) => Err(outlet.end.during("send to", error)),
        }
    }

    /// Sends it if there is room: the loan itself if there is not.
    ///
    /// # Errors
    /// Those of [`Sender::try_send`](crate::Sender::try_send).
    pub fn try_send(mut self, tag: u32) -> Result<Option<Self>> {
        match self.hand_over(tag, Wait::Try) {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(self)),
            Err(error) => Err(self.outlet.end.during("send to", error)),
        }
    }
}

/// Fills it from the beginning on.
impl io::Write for Loan<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.len - self.written);
        self.put(self.written, &bytes[..fits]).map_err(io::Error::other)?;
        self.written += fits;
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T: Item + ?Sized> Drop for Loan<'_, T> {
    fn drop(&mut self) {
        let end = &self.outlet.end;
        if let (Memory::Chunk(chunk), Ok(())) = (&self.memory, end.ensure_ours()) {
            end.pool().give_back(*chunk, end.me);
            end.notify_senders();
        }
    }
}

impl<T: Item + ?Sized> fmt::Debug for Loan<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("len", &self.len).finish_non_exhaustive()
    }
}
