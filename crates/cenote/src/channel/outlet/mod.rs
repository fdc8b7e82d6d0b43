//! What sends: of a queue's sender and of a topic's publisher.

mod chunks;
mod loan;

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::time::Duration;

pub use loan::Loan;

use super::cell;
use super::end::End;
use super::item::Item;
use super::ring::{Claim, SendingAt};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::WhenFull;
use crate::segment::Segment;
use crate::sys::Wait;

/// The sending end of a channel.
pub(super) struct Outlet<T: Item + ?Sized> {
    pub(super) end: End,
    at: SendingAt,
    /// Where to look for a free chunk.
    cursor: Cell<usize>,
    /// Of a topic: chunks that are ours, for the next messages.
    ready: RefCell<Vec<usize>>,
    /// And up to where messages were taken away for their memory.
    withdrawn: Cell<u64>,
    /// Whether others may wait for the very cell that we write, and not for those who receive.
    is_in_the_way: bool,
    of: PhantomData<fn(&T)>,
}

/// How an attempt in the usual way ended.
enum Quick {
    Sent,
    /// It has to be looked at more closely.
    Unknown,
    /// Something is the matter.
    Odd,
}

/// What is to be sent.
enum Message<'a> {
    Short(&'a [u8]),
    /// A chunk that is ours, and how many bytes of it.
    Chunk(usize, usize),
}

impl<T: Item + ?Sized> Outlet<T> {
    pub(super) fn of(end: End) -> Result<Self> {
        let at = end.ring().sending_from()?;
        end.mapping().intact()?;
        let (cursor, ready, withdrawn) = (Cell::new(0), RefCell::default(), Cell::new(0));
        let shape = &end.shape;
        let is_in_the_way =
            !shape.one_sender && (shape.is_topic() || shape.when_full == WhenFull::DropOldest);
        Ok(Self { end, at, cursor, ready, withdrawn, is_in_the_way, of: PhantomData })
    }

    /// Sends a copy; where there is no room, as the channel was made for.
    #[inline(always)]
    pub(super) fn send(&self, tag: u32, message: &T) -> Result<()> {
        if self.try_send(tag, message)? {
            return Ok(());
        }
        match self.end.shape.when_full {
            WhenFull::Fail => Err(self.end.during("send to", full())),
            WhenFull::DropOldest if self.end.shape.is_topic() => {
                self.overwrite(tag, message.bytes()).map_err(|error| self.end.during("send to", error))
            }
            _ => self.patiently(tag, message, self.end.segment.patience(Wait::Forever)),
        }
    }

    /// Sends a copy, and waits for room for so long at most.
    pub(super) fn send_timeout(&self, tag: u32, message: &T, timeout: Duration) -> Result<()> {
        if self.try_send(tag, message)? {
            return Ok(());
        }
        self.patiently(tag, message, Wait::up_to(Some(timeout)))
    }

    /// If there is room.
    #[inline(always)]
    pub(super) fn try_send(&self, tag: u32, message: &T) -> Result<bool> {
        match self.quickly(tag, message.bytes()) {
            Quick::Sent => Ok(true),
            Quick::Unknown => self.slowly(tag, message.bytes(), Wait::Try),
            Quick::Odd => self.why_odd(),
        }
    }

    /// The usual case, in as few steps as it can be done.
    #[inline(always)]
    fn quickly(&self, tag: u32, bytes: &[u8]) -> Quick {
        let end = &self.end;
        if bytes.len() > end.short || !end.is_well() {
            return Quick::Unknown;
        }
        let ring = end.ring();
        let Some(position) = ring.claim_quickly(&self.at, end.me) else { return Quick::Unknown };
        let cell = ring.cell(position);
        cell::write(cell, tag, bytes);
        let published = ring.publish(&self.at, position, end.me);
        self.notify();
        if published && end.is_well() { Quick::Sent } else { Quick::Odd }
    }

    /// That it is there; and, where one sender can come upon the cell that another one writes, that it is written.
    #[inline(always)]
    fn notify(&self) {
        self.end.notify_receivers();
        if self.is_in_the_way {
            self.end.notify_senders();
        }
    }

    #[cold]
    fn why_odd(&self) -> Result<bool> {
        let error = self.end.mapping().intact().err().unwrap_or_else(taken_for_dead);
        Err(self.end.during("send to", error))
    }

    #[cold]
    fn patiently(&self, tag: u32, message: &T, wait: Wait) -> Result<()> {
        if self.slowly(tag, message.bytes(), wait)? {
            Ok(())
        } else {
            Err(self.end.during("send to", still_full()))
        }
    }

    /// Of a topic that waits for nobody who reads: only for who is about to write the same cell.
    #[cold]
    fn overwrite(&self, tag: u32, bytes: &[u8]) -> Result<()> {
        self.end.ensure_ours()?;
        let mut loan = self.borrow_chunk(bytes.len(), Wait::Try)?.ok_or_else(no_chunk)?;
        loan.put(0, bytes)?;
        let is_sent = loan.hand_over(tag, self.end.segment.patience(Wait::Forever))?;
        if is_sent { Ok(()) } else { Err(still_full()) }
    }

    #[cold]
    fn slowly(&self, tag: u32, bytes: &[u8], wait: Wait) -> Result<bool> {
        self.send_bytes(tag, bytes, wait).map_err(|error| self.end.during("send to", error))
    }

    fn send_bytes(&self, tag: u32, bytes: &[u8], wait: Wait) -> Result<bool> {
        self.end.ensure_ours()?;
        let Some(mut loan) = self.borrow_chunk(bytes.len(), wait)? else { return Ok(false) };
        loan.put(0, bytes)?;
        loan.hand_over(tag, wait)
    }

    /// Waits for a position to send at.
    fn claim(&self, wait: Wait) -> Result<Option<u64>> {
        let end = &self.end;
        let ring = end.ring();
        let look = |thoroughly| {
            loop {
                end.mapping().intact()?;
                match ring.claim(&self.at, end.me)? {
                    Claim::Ours(position) => return Ok(Some(position)),
                    Claim::Full(_) if thoroughly && end.shape.is_topic() => {
                        if !ring.forget_the_gone(&end.living()?)? {
                            return Ok(None);
                        }
                    }
                    Claim::Held(position) if thoroughly => {
                        if !ring.skip_if_gone(position, &end.living()?)? {
                            return Ok(None);
                        }
                    }
                    Claim::Full(_) | Claim::Held(_) | Claim::Restless => return Ok(None),
                }
            }
        };
        match ring.claim_quickly(&self.at, end.me) {
            Some(position) => Ok(Some(position)),
            None => end.wait_at(&end.room(), wait, look),
        }
    }

    /// Says what is in the cell, or in the chunk, and lets it go.
    fn publish(&self, position: u64, tag: u32, message: &Message<'_>) -> Result<()> {
        let end = &self.end;
        let ring = end.ring();
        let cell = ring.cell(position);
        let still_ours = match *message {
            Message::Short(bytes) => {
                cell::write(cell, tag, bytes);
                true
            }
            Message::Chunk(chunk, len) => {
                // First, so that the cell is written in one go: its receiver looks at it all the time.
                let still_ours = end.pool().send(chunk, position, end.me);
                cell::say(cell, tag, len);
                cell::set_chunk(cell, chunk);
                still_ours
            }
        };
        let published = still_ours && ring.publish(&self.at, position, end.me);
        if !still_ours {
            ring.give_up(position, end.me);
        }
        self.notify();
        end.mapping().intact()?;
        if published { Ok(()) } else { Err(taken_for_dead()) }
    }

    /// Lends memory for a message, to be filled in place.
    #[inline]
    pub(super) fn loan(&self, len: usize) -> Result<Loan<'_, T>> {
        if len <= self.end.short && self.end.is_well() {
            return Ok(Loan::short(self, len));
        }
        self.loan_chunk(len)
    }

    fn loan_chunk(&self, len: usize) -> Result<Loan<'_, T>> {
        let wait = self.patience();
        let loan = self.end.ensure_ours().and_then(|()| self.borrow_chunk(len, wait));
        match loan {
            Ok(Some(loan)) => Ok(loan),
            Ok(None) if matches!(wait, Wait::Try) => Err(self.end.during("loan from", no_chunk())),
            Ok(None) => Err(self.end.during("loan from", still_full())),
            Err(error) => Err(self.end.during("loan from", error)),
        }
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.end.segment
    }

    /// Detaches, and reports errors.
    pub(super) fn detach(self) -> Result<()> {
        self.end.detach()
    }

    /// How long to wait for room, where nothing is said.
    fn patience(&self) -> Wait {
        match self.end.shape.when_full {
            WhenFull::Wait => self.end.segment.patience(Wait::Forever),
            WhenFull::Fail | WhenFull::DropOldest => Wait::Try,
        }
    }

    fn borrow_chunk(&self, len: usize, wait: Wait) -> Result<Option<Loan<'_, T>>> {
        let end = &self.end;
        if len > end.shape.longest {
            return Err(too_long(len, end.shape.longest));
        }
        if len <= end.short {
            return Ok(Some(Loan::short(self, len)));
        }
        let chunk = match self.lend(true)? {
            None => end.wait_at(&end.room(), wait, |thoroughly| {
                end.mapping().intact()?;
                self.lend(thoroughly)
            })?,
            chunk => chunk,
        };
        end.mapping().intact()?;
        Ok(chunk.map(|chunk| Loan::chunk(self, chunk, len)))
    }
}

#[cold]
fn full() -> Error {
    Error::new(ErrorKind::OutOfResources, "it is full, and was made to say so")
        .with_hint("receive from it, or make it deeper; `cenote show` tells who receives")
}

#[cold]
fn still_full() -> Error {
    Error::new(ErrorKind::Timeout, "it has been full all the time")
        .with_hint("nobody receives, or too slowly: `cenote show` tells who does; or wait longer")
}

#[cold]
fn no_chunk() -> Error {
    Error::new(ErrorKind::OutOfResources, "all its memory for messages is in use")
        .with_hint("receive from it, drop loans, or make it with more to spare")
}

#[cold]
fn too_long(len: usize, longest: usize) -> Error {
    Error::new(ErrorKind::InvalidSize, format!("a message of {len} bytes, and {longest} is the most"))
        .with_hint("send less, or make the channel for longer messages")
}

#[cold]
fn taken_for_dead() -> Error {
    Error::new(ErrorKind::LockError, "somebody has passed over this message, as if its sender were dead")
        .with_hint("something has closed this process's files: attach anew")
}
