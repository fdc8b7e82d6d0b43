//! The end that receives.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{fmt, hint};

use super::borrowed::Borrowed;
use crate::channel::arrived::Arrived;
use crate::channel::end::End;
use crate::channel::item::{Bytes, Item};
use crate::channel::ring::{Found, Glance, ReceivingAt};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::LINE;
use crate::segment::Segment;
use crate::sys::Wait;

/// How long somebody who only looks now and then leaves between two questions whether others live.
const ASKING: Duration = Duration::from_millis(1);

/// An end of a [`Queue`](super::Queue) that receives.
///
/// It stays in one thread at a time: it can be moved to another, and a thread that wants its own attaches its own.
///
/// Who waits for other things, too, has [`wait_for_any`](crate::wait_for_any) for other channels, and a
/// [`descriptor`](Self::descriptor) for all that poll(2) and its like wait for.
pub struct Receiver<T: Item + ?Sized = [u8]> {
    pub(super) end: End,
    pub(super) at: ReceivingAt,
    pub(super) asked: Cell<Option<Instant>>,
    expected: Cell<Expected>,
    of: PhantomData<fn() -> T>,
}

/// Where the first and the last byte of the next long message probably are: in the chunk of the one before, which is free by
/// then. Nothing, if that was a short one.
#[derive(Clone, Copy, Debug, Default)]
struct Expected {
    first: usize,
    last: usize,
}

impl<T: Item + ?Sized> Receiver<T> {
    pub(super) fn of(end: End) -> Result<Self> {
        let at = end.ring().receiving_from();
        end.mapping().intact()?;
        Ok(Self { end, at, asked: Cell::new(None), expected: Cell::default(), of: PhantomData })
    }

    /// Receives a message, waiting for one as long as it takes, or as [`Options::timeout`](crate::Options::timeout)
    /// allows. While messages come quickly it does not sleep; else it takes no time of a processor.
    ///
    /// If this process dies meanwhile, another one receives the message.
    ///
    /// # Errors
    /// `Timeout`; `Corrupt` if what is there makes no sense (the message is passed over), or the memory was taken away;
    /// `LockError` in a forked child.
    #[inline(always)]
    pub fn receive(&self) -> Result<T::Owned> {
        self.receive_tagged().map(|(_, message)| message)
    }

    /// The same, with the message's tag.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive).
    #[inline(always)]
    pub fn receive_tagged(&self) -> Result<(u32, T::Owned)> {
        match self.eagerly() {
            Some(position) => self.copy_out(position),
            None => self.receive_patiently(self.end.segment.patience(Wait::Forever)),
        }
    }

    /// Receives a message if there is one.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive), `Timeout` excepted.
    #[inline]
    pub fn try_receive(&self) -> Result<Option<T::Owned>> {
        self.try_receive_tagged().map(|received| received.map(|(_, message)| message))
    }

    /// The same, with the message's tag.
    ///
    /// # Errors
    /// Those of [`try_receive`](Self::try_receive).
    #[inline]
    pub fn try_receive_tagged(&self) -> Result<Option<(u32, T::Owned)>> {
        match self.glance() {
            Glance::Message(position) => self.copy_out(position).map(Some),
            Glance::Nothing => Ok(None),
            Glance::Unclear => self.copy_out_after(Wait::Try),
        }
    }

    /// Receives a message, waiting for so long at most.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive).
    #[inline]
    pub fn receive_timeout(&self, timeout: Duration) -> Result<T::Owned> {
        self.receive_tagged_timeout(timeout).map(|(_, message)| message)
    }

    /// The same, with the message's tag.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive).
    #[inline]
    pub fn receive_tagged_timeout(&self, timeout: Duration) -> Result<(u32, T::Owned)> {
        match self.eagerly() {
            Some(position) => self.copy_out(position),
            None => self.receive_patiently(Wait::up_to(Some(timeout))),
        }
    }

    /// The usual case, in as few steps as it can be done. A message is ours until it is finished.
    #[inline(always)]
    fn glance(&self) -> Glance {
        let end = &self.end;
        if !end.is_well() {
            return Glance::Unclear;
        }
        let seen = end.ring().glance(&self.at, end.me);
        if let Glance::Message(position) = seen {
            self.fetch(position);
        }
        seen
    }

    /// Has all lines fetched that a message lies in, as far as can be known before its cell says so: processors do that ahead,
    /// while the cell is on its way. One after the other they would take twice as long.
    #[inline(always)]
    fn fetch(&self, position: u64) {
        let end = &self.end;
        let from = end.shape.cells_at() + end.ring().cell_at(position) * size_of::<u64>();
        for line in 1..end.shape.lines() {
            end.mapping().prefetch(from + line * LINE);
        }
        let Expected { first, last } = self.expected.get();
        if first != 0 {
            end.mapping().prefetch(first);
            end.mapping().prefetch(last);
        }
    }

    /// The same, again and again, for as long as it takes a peer to answer at once.
    #[inline(always)]
    fn eagerly(&self) -> Option<u64> {
        for _ in 0..self.end.spin.eager() {
            if let Glance::Message(position) = self.glance() {
                return Some(position);
            }
            // Without this, looking takes the line from the sender while it writes there, again and again.
            hint::spin_loop();
        }
        match self.glance() {
            Glance::Message(position) => Some(position),
            Glance::Nothing | Glance::Unclear => None,
        }
    }

    #[inline(always)]
    fn copy_out(&self, position: u64) -> Result<(u32, T::Owned)> {
        let Some(arrived) = self.read_head(position) else { return Err(self.pass_over(position)) };
        let message =
            T::read(Bytes { mapping: self.end.mapping(), offset: arrived.offset, len: arrived.len });
        let finished = self.finish(position);
        match message {
            Ok(message) if finished => Ok((arrived.tag, message)),
            Ok(_) => Err(self.why_odd()),
            Err(error) => Err(self.end.during("receive from", error)),
        }
    }

    #[cold]
    fn receive_patiently(&self, wait: Wait) -> Result<(u32, T::Owned)> {
        self.copy_out_after(wait)?.ok_or_else(|| self.end.during("receive from", silent()))
    }

    #[cold]
    fn copy_out_after(&self, wait: Wait) -> Result<Option<(u32, T::Owned)>> {
        match self.next(wait) {
            Ok(Some(position)) => self.copy_out(position).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(self.end.during("receive from", error)),
        }
    }

    /// Waits for a message, which is ours until it is finished.
    fn next(&self, wait: Wait) -> Result<Option<u64>> {
        let end = &self.end;
        end.ensure_ours()?;
        end.mapping().intact()?;
        let position = match end.ring().look(&self.at, end.me)? {
            Found::Message(position) => Some(position),
            found => self.look_again(found, wait)?,
        };
        end.mapping().intact()?;
        Ok(position)
    }

    #[cold]
    fn look_again(&self, found: Found, wait: Wait) -> Result<Option<u64>> {
        let ring = self.end.ring();
        if !matches!(wait, Wait::Try) {
            let bell = self.end.arrivals();
            let found = self.end.wait_at(&bell, wait, |thoroughly| {
                self.end.mapping().intact()?;
                self.look(thoroughly)
            })?;
            // Where one is woken: who was, for the one behind it, may have found this one unfinished, and sleeps again.
            if !bell.all && found.is_some() && matches!(ring.peek(&self.at), Ok(Found::Message(_))) {
                self.end.notify_receivers();
            }
            return Ok(found);
        }
        // Relaxed: a hint, whether there may be something of the dead.
        let all_is_well =
            found == Found::Nothing && ring.head().load(Ordering::Relaxed) == self.at.next.get();
        if all_is_well || self.asked.get().is_some_and(|asked| asked.elapsed() < ASKING) {
            return Ok(None);
        }
        self.asked.set(Some(Instant::now()));
        self.look(true)
    }

    /// Looks for a message, and, if that is to be done thoroughly, for what those who died have left.
    fn look(&self, thoroughly: bool) -> Result<Option<u64>> {
        let end = &self.end;
        let ring = end.ring();
        loop {
            match ring.look(&self.at, end.me)? {
                Found::Message(position) => return Ok(Some(position)),
                Found::Unfinished(position) if thoroughly => {
                    if !ring.skip_if_gone(position, &end.living()?)? {
                        return Ok(None);
                    }
                }
                Found::Nothing if thoroughly => {
                    // Those that were passed over have made room.
                    end.notify_senders();
                    return ring.take_over(&self.at, end.me, &end.living()?);
                }
                Found::Nothing | Found::Unfinished(_) => return Ok(None),
            }
        }
    }

    /// What the cell says of its message: `None` if it makes no sense.
    #[inline(always)]
    fn read_head(&self, position: u64) -> Option<Arrived> {
        let end = &self.end;
        let arrived = Arrived::at(&end.ring(), position, &end.shape, end.short)?;
        let Arrived { offset, len, chunk, .. } = arrived;
        let expected = Expected { first: offset, last: offset + len.saturating_sub(1) };
        self.expected.set(if chunk.is_some() { expected } else { Expected::default() });
        Some(arrived)
    }

    #[cold]
    fn pass_over(&self, position: u64) -> Error {
        if !self.finish(position) {
            return self.why_odd();
        }
        let what = "a message is said to be where none can be, and was passed over";
        let error = Error::new(ErrorKind::Corrupt, what).with_hint("somebody has scribbled over it");
        self.end.during("receive from", error)
    }

    /// Ends with a message, and lets a sender have its place: false if something is the matter.
    #[inline(always)]
    pub(super) fn finish(&self, position: u64) -> bool {
        let end = &self.end;
        let ours = end.ring().finish(&self.at, position, end.me);
        end.notify_senders();
        ours && end.is_well()
    }

    #[cold]
    fn why_odd(&self) -> Error {
        let error = self.end.mapping().intact().err().unwrap_or_else(taken_for_dead);
        self.end.during("receive from", error)
    }

    /// The segment that it lies in.
    #[must_use]
    pub fn segment(&self) -> &Segment {
        &self.end.segment
    }

    /// Detaches, and reports errors: as [`Segment::detach`].
    ///
    /// # Errors
    /// As there.
    pub fn detach(self) -> Result<()> {
        self.end.detach()
    }
}

impl Receiver {
    /// Receives a message into `to`, in place of what is in it, and gives its tag: once `to` is large enough, nothing is
    /// allocated. Waits as [`receive`](Self::receive) does.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive), and then anything may be in `to`.
    #[inline]
    pub fn receive_into(&self, to: &mut Vec<u8>) -> Result<u32> {
        match self.eagerly() {
            Some(position) => self.copy_into(position, to),
            None => self.receive_into_patiently(to),
        }
    }

    /// The same if there is a message.
    ///
    /// # Errors
    /// Those of [`try_receive`](Self::try_receive), and then anything may be in `to`.
    #[inline]
    pub fn try_receive_into(&self, to: &mut Vec<u8>) -> Result<Option<u32>> {
        match self.glance() {
            Glance::Message(position) => self.copy_into(position, to).map(Some),
            Glance::Nothing => Ok(None),
            Glance::Unclear => self.copy_into_after(Wait::Try, to),
        }
    }

    #[inline(always)]
    fn copy_into(&self, position: u64, to: &mut Vec<u8>) -> Result<u32> {
        let Some(arrived) = self.read_head(position) else { return Err(self.pass_over(position)) };
        let copied = self.end.mapping().read_into(arrived.offset, arrived.len, to);
        let finished = self.finish(position);
        match copied {
            Ok(()) if finished => Ok(arrived.tag),
            Ok(()) => Err(self.why_odd()),
            Err(error) => Err(self.end.during("receive from", error)),
        }
    }

    #[cold]
    fn receive_into_patiently(&self, to: &mut Vec<u8>) -> Result<u32> {
        let wait = self.end.segment.patience(Wait::Forever);
        self.copy_into_after(wait, to)?.ok_or_else(|| self.end.during("receive from", silent()))
    }

    #[cold]
    fn copy_into_after(&self, wait: Wait, to: &mut Vec<u8>) -> Result<Option<u32>> {
        match self.next(wait) {
            Ok(Some(position)) => self.copy_into(position, to).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(self.end.during("receive from", error)),
        }
    }

    /// Receives a message without copying it: it stays where it is until the [`Borrowed`] is dropped, and counts as received
    /// only then. Waits as [`receive`](Self::receive) does.
    ///
    /// If this process dies with it in hand, another one receives the message. While it is in hand it takes up room in
    /// the queue, and further messages can be received.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive).
    #[inline]
    pub fn borrow(&self) -> Result<Borrowed<'_>> {
        match self.eagerly() {
            Some(position) => self.borrow_at(position),
            None => self.borrow_patiently(self.end.segment.patience(Wait::Forever)),
        }
    }

    /// The same if there is a message.
    ///
    /// # Errors
    /// Those of [`try_receive`](Self::try_receive).
    #[inline]
    pub fn try_borrow(&self) -> Result<Option<Borrowed<'_>>> {
        match self.glance() {
            Glance::Message(position) => match self.read_head(position) {
                Some(arrived) => Ok(Some(Borrowed::new(self, position, arrived))),
                None => Err(self.pass_over(position)),
            },
            Glance::Nothing => Ok(None),
            Glance::Unclear => self.borrow_after(Wait::Try),
        }
    }

    /// The same, waiting for so long at most.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive).
    #[inline]
    pub fn borrow_timeout(&self, timeout: Duration) -> Result<Borrowed<'_>> {
        match self.eagerly() {
            Some(position) => self.borrow_at(position),
            None => self.borrow_patiently(Wait::up_to(Some(timeout))),
        }
    }

    #[inline(always)]
    fn borrow_at(&self, position: u64) -> Result<Borrowed<'_>> {
        match self.read_head(position) {
            Some(arrived) => Ok(Borrowed::new(self, position, arrived)),
            None => Err(self.pass_over(position)),
        }
    }

    #[cold]
    fn borrow_patiently(&self, wait: Wait) -> Result<Borrowed<'_>> {
        self.borrow_after(wait)?.ok_or_else(|| self.end.during("receive from", silent()))
    }

    #[cold]
    fn borrow_after(&self, wait: Wait) -> Result<Option<Borrowed<'_>>> {
        match self.next(wait) {
            Ok(Some(position)) => self.borrow_at(position).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(self.end.during("receive from", error)),
        }
    }
}

impl<T: Item + ?Sized> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("segment", &self.end.segment).finish_non_exhaustive()
    }
}

#[cold]
fn silent() -> Error {
    Error::new(ErrorKind::Timeout, "no message came")
        .with_hint("nobody sends: `cenote show` names those who could; or wait longer")
}

#[cold]
fn taken_for_dead() -> Error {
    Error::new(ErrorKind::LockError, "somebody has taken this message over, as if its receiver were dead")
        .with_hint("something has closed this process's files: attach anew")
}
