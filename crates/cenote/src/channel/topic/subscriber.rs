//! The end that reads.

use std::cell::Cell;
use std::marker::PhantomData;
use std::time::{Duration, Instant};
use std::{fmt, hint};

use super::leaving::Leaving;
use super::seat::{Seat, seen};
use crate::channel::arrived::Arrived;
use crate::channel::end::{End, Sight};
use crate::channel::item::{Bytes, Item};
use crate::channel::ring::{Living, ReadingAt, Seen};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{MOST_KEPT, WhenFull};
use crate::segment::Segment;
use crate::sync::Readable;
use crate::sys::{Backoff, Wait};

/// How long somebody who only looks now and then leaves between two questions whether others live.
const ASKING: Duration = Duration::from_millis(1);
/// How often a message is tried that was written over while it was read, and then the next one.
const TRIES: u32 = 100;
/// How often who cannot sleep looks at once.
const SPINS: u32 = 1000;

/// An end of a [`Topic`](super::Topic) that reads.
///
/// It stays in one thread at a time: it can be moved to another, and a thread that wants its own attaches its own.
///
/// Who waits for other things, too, has [`wait_for_any`](crate::wait_for_any) for other channels, and a
/// [`descriptor`](Self::descriptor) for all that poll(2) and its like wait for.
pub struct Subscriber<T: Item + ?Sized = [u8]> {
    /// It goes before the memory does.
    leaving: Option<Leaving>,
    pub(super) seat: Seat,
    pub(super) at: ReadingAt,
    /// Which words of its record have a chunk.
    keeps: Cell<u64>,
    holds_back: bool,
    pub(super) asked: Cell<Option<Instant>>,
    of: PhantomData<fn() -> T>,
}

/// Whether a chunk is kept from being used anew.
pub(super) enum Kept {
    /// With the number of the word that says so.
    Here(usize),
    /// Its message is over.
    Gone,
    /// All words are in use, or we cannot write.
    NotSaid,
}

impl<T: Item + ?Sized> Subscriber<T> {
    pub(super) fn of(seat: Seat, last: u64) -> Result<Self> {
        let at = seen!(&seat, sight => sight.ring().reading_from(last));
        let mut leaving = None;
        if let Seat::Writing(end) = &seat {
            leaving = Some(Leaving::of(end));
            let from = end.ring().subscribe(end.me, at.next.get())?;
            if last == 0 {
                at.next.set(from);
            }
        }
        seat.mapping().intact()?;
        let holds_back = leaving.is_some() && seat.shape().when_full != WhenFull::DropOldest;
        let (keeps, asked) = (Cell::new(0), Cell::new(None));
        Ok(Self { leaving, seat, at, keeps, holds_back, asked, of: PhantomData })
    }

    /// Reads the next message, waiting for one as long as it takes, or as [`Options::timeout`](crate::Options::timeout)
    /// allows. While messages come quickly it does not sleep; else it takes no time of a processor. Attached read-only it looks
    /// once in a millisecond.
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
        match self.eagerly(Self::copy_out) {
            Some(message) => Ok(message),
            None => self.patiently(self.seat.segment().patience(Wait::Forever), Self::copy_out),
        }
    }

    /// Reads the next message if there is one.
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
        match self.quickly(Self::copy_out) {
            Some(message) => Ok(Some(message)),
            None => self.within(Wait::Try, Self::copy_out),
        }
    }

    /// Reads the next message, waiting for so long at most.
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
        match self.eagerly(Self::copy_out) {
            Some(message) => Ok(message),
            None => self.patiently(Wait::up_to(Some(timeout)), Self::copy_out),
        }
    }

    /// How many messages it has missed since it subscribed, as they were written over before it read them. (Those that a
    /// publisher's death left half written may be among them.)
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.at.missed.get()
    }

    /// The usual case, in as few steps as it can be done: a message that is there.
    #[inline(always)]
    pub(super) fn quickly<'a, R>(
        &'a self,
        take: impl Fn(&'a Self, &Arrived, u64) -> Result<Option<R>>,
    ) -> Option<R> {
        let (position, arrived) = self.arrived_quickly()?;
        let taken = take(self, &arrived, position).ok().flatten()?;
        self.go_on(position);
        Some(taken)
    }

    /// What its cell says of the next message, if that is there.
    #[inline(always)]
    fn arrived_quickly(&self) -> Option<(u64, Arrived)> {
        seen!(&self.seat, sight => {
            if !sight.is_well() {
                return None;
            }
            let ring = sight.ring();
            let position = ring.read_quickly(&self.at)?;
            Some((position, Arrived::at(&ring, position, &sight.shape, sight.short)?))
        })
    }

    /// Looks again and again, for as long as it takes a publisher to answer at once.
    #[inline(always)]
    pub(super) fn eagerly<'a, R>(
        &'a self,
        take: impl Fn(&'a Self, &Arrived, u64) -> Result<Option<R>>,
    ) -> Option<R> {
        let eager = seen!(&self.seat, sight => sight.spin.eager());
        for _ in 0..eager {
            if let Some(message) = self.quickly(&take) {
                return Some(message);
            }
            // Without this, looking takes the line from the publisher while it writes there, again and again.
            hint::spin_loop();
        }
        self.quickly(take)
    }

    /// Whether this process has subscribed, rather than the one that it was forked from.
    pub(super) fn ensure_ours(&self) -> Result<()> {
        seen!(&self.seat, sight => sight.ensure_ours())
    }

    /// An error if no more can be kept.
    pub(super) fn ensure_room(&self) -> Result<()> {
        if self.keeps.get().trailing_ones() < MOST_KEPT {
            Ok(())
        } else {
            Err(self.seat.during("receive from", too_many()))
        }
    }

    /// That one was read.
    #[inline(always)]
    pub(super) fn go_on(&self, position: u64) {
        self.at.next.set(position.wrapping_add(1));
        let Seat::Writing(end) = &self.seat else { return };
        if let Some(record) = end.ring().record(end.me) {
            record.say(position.wrapping_add(1), self.at.missed.get(), self.keeps.get() != 0);
        }
        if self.holds_back {
            end.notify_senders();
        }
    }

    /// Copies a message out: one in a chunk while it is kept, where that can be said. `None`: it was written over meanwhile.
    #[inline(always)]
    fn copy_out(&self, arrived: &Arrived, position: u64) -> Result<Option<(u32, T::Owned)>> {
        let kept = arrived.chunk.map_or(Kept::NotSaid, |chunk| self.keep(chunk, position));
        if matches!(kept, Kept::Gone) {
            return Ok(None);
        }
        let message = seen!(&self.seat, sight => read::<T, _>(sight, arrived));
        match kept {
            Kept::Here(which) => self.let_go(which),
            _ if seen!(&self.seat, sight => sight.ring().is_still_there(position)) => {}
            _ => return Ok(None),
        }
        message.map(|message| Some((arrived.tag, message)))
    }

    /// Keeps the chunk of a message from being used anew.
    pub(super) fn keep(&self, chunk: usize, position: u64) -> Kept {
        let Seat::Writing(end) = &self.seat else { return Kept::NotSaid };
        let ring = end.ring();
        let Some(which) = ring.record(end.me).and_then(|record| record.keep(self.keeps.get(), chunk)) else {
            return Kept::NotSaid;
        };
        self.keeps.set(self.keeps.get() | 1 << which);
        if ring.is_still_there(position) {
            return Kept::Here(which);
        }
        self.let_go(which);
        Kept::Gone
    }

    /// Lets it go.
    pub(super) fn let_go(&self, which: usize) {
        let Seat::Writing(end) = &self.seat else { return };
        self.keeps.set(self.keeps.get() & !(1 << which));
        if let Some(record) = end.ring().record(end.me) {
            record.let_go(which);
        }
        end.notify_senders();
    }

    #[cold]
    pub(super) fn patiently<'a, R>(
        &'a self,
        wait: Wait,
        take: impl Fn(&'a Self, &Arrived, u64) -> Result<Option<R>>,
    ) -> Result<R> {
        self.within(wait, take)?.ok_or_else(|| self.seat.during("receive from", silent()))
    }

    #[cold]
    pub(super) fn within<'a, R>(
        &'a self,
        wait: Wait,
        take: impl Fn(&'a Self, &Arrived, u64) -> Result<Option<R>>,
    ) -> Result<Option<R>> {
        let found = match &self.seat {
            Seat::Writing(end) => self.wait_writing(end, wait, &take),
            Seat::Reading(sight) => self.wait_reading(sight, wait, &take),
        };
        // What went wrong with one message is not its neighbours' business: so it is passed on only now.
        found.and_then(Option::transpose).map_err(|error| self.seat.during("receive from", error))
    }

    fn wait_writing<'a, R>(
        &'a self,
        end: &End,
        wait: Wait,
        take: &impl Fn(&'a Self, &Arrived, u64) -> Result<Option<R>>,
    ) -> Result<Option<Result<R>>> {
        end.ensure_ours()?;
        if matches!(wait, Wait::Try) {
            end.mapping().intact()?;
            let asks = self.asked.get().is_none_or(|asked| asked.elapsed() >= ASKING);
            return self.look(&**end, asks, take);
        }
        end.wait_at(&end.arrivals(), wait, |thoroughly| {
            end.mapping().intact()?;
            self.look(&**end, thoroughly, take)
        })
    }

    /// Who cannot say that it waits looks again and again.
    fn wait_reading<'a, R>(
        &'a self,
        sight: &Sight,
        wait: Wait,
        take: &impl Fn(&'a Self, &Arrived, u64) -> Result<Option<R>>,
    ) -> Result<Option<Result<R>>> {
        sight.ensure_ours()?;
        let mut backoff = Backoff::new();
        let looks = if matches!(wait, Wait::Try) { 1 } else { SPINS };
        loop {
            for look in 0..looks {
                sight.mapping().intact()?;
                if let Some(found) = self.look(sight, look == 0, take)? {
                    return Ok(Some(found));
                }
                hint::spin_loop();
            }
            if matches!(wait, Wait::Try) || !backoff.pause(wait) {
                return Ok(None);
            }
        }
    }

    /// Looks for a message and takes it, and, if that is to be done thoroughly, passes over what the dead have left.
    fn look<'a, W: Readable, R>(
        &'a self,
        sight: &Sight<W>,
        thoroughly: bool,
        take: &impl Fn(&'a Self, &Arrived, u64) -> Result<Option<R>>,
    ) -> Result<Option<Result<R>>> {
        let ring = sight.ring();
        for _ in 0..TRIES {
            let Some(position) = self.find(sight, thoroughly)? else { return Ok(None) };
            let Some(arrived) = Arrived::at(&ring, position, &sight.shape, sight.short) else {
                if ring.is_still_there(position) {
                    self.go_on(position);
                    return Ok(Some(Err(nowhere())));
                }
                continue;
            };
            if let Some(taken) = take(self, &arrived, position).transpose() {
                self.go_on(position);
                sight.mapping().intact()?;
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// Where the next message is, if there is one. Who passes over others until there is none says so: a publisher may wait for it.
    pub(super) fn find<W: Readable>(&self, sight: &Sight<W>, thoroughly: bool) -> Result<Option<u64>> {
        let before = self.at.next.get();
        let found = self.pass_to_next(sight, thoroughly)?;
        let next = self.at.next.get();
        if found.is_none() && next != before {
            self.go_on(next.wrapping_sub(1));
        }
        Ok(found)
    }

    fn pass_to_next<W: Readable>(&self, sight: &Sight<W>, thoroughly: bool) -> Result<Option<u64>> {
        for _ in 0..TRIES {
            match sight.ring().read(&self.at)? {
                Seen::Message(position) => return Ok(Some(position)),
                Seen::Unfinished(position, by) if thoroughly => {
                    self.asked.set(Some(Instant::now()));
                    if !sight.living()?.is_gone(by)? {
                        return Ok(None);
                    }
                    self.pass_over_the_dead(position)?;
                }
                Seen::Nothing | Seen::Unfinished(..) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Who can write says so to all.
    fn pass_over_the_dead(&self, position: u64) -> Result<()> {
        match &self.seat {
            Seat::Writing(end) => end.ring().skip_if_gone(position, &end.living()?).map(drop),
            Seat::Reading(_) => {
                self.at.next.set(position.wrapping_add(1));
                Ok(())
            }
        }
    }

    /// The segment that it lies in.
    #[must_use]
    pub fn segment(&self) -> &Segment {
        self.seat.segment()
    }

    /// Detaches, and reports errors: as [`Segment::detach`].
    ///
    /// # Errors
    /// As there.
    pub fn detach(self) -> Result<()> {
        let Self { leaving, seat, .. } = self;
        drop(leaving);
        seat.detach()
    }
}

/// Copies a message out, whatever is there.
#[inline(always)]
fn read<T: Item + ?Sized, W: Readable>(sight: &Sight<W>, arrived: &Arrived) -> Result<T::Owned> {
    T::read(Bytes { mapping: sight.mapping(), offset: arrived.offset, len: arrived.len })
}

impl<T: Item + ?Sized> fmt::Debug for Subscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("segment", self.segment()).finish_non_exhaustive()
    }
}

#[cold]
fn silent() -> Error {
    Error::new(ErrorKind::Timeout, "no message came")
        .with_hint("nobody publishes: `cenote show` names those who could; or wait longer")
}

#[cold]
pub(super) fn too_many() -> Error {
    Error::new(ErrorKind::OutOfResources, format!("it has {MOST_KEPT} messages in hand"))
        .with_hint("drop one of them")
}

#[cold]
fn nowhere() -> Error {
    Error::new(ErrorKind::Corrupt, "a message is said to be where none can be, and was passed over")
        .with_hint("somebody has scribbled over it")
}
