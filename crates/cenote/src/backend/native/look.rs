//! Looking at a native segment's locks without taking any: what is in front of its data, copied out once.

use std::sync::atomic::AtomicU64;

use zerocopy::{FromBytes, IntoBytes};

use super::Opened;
use crate::backend::lock::LockState;
use crate::backend::{Named, NamedKind, Sharer};
use crate::error::Result;
use crate::layout::{FRONT, Known, LOCK, PLACES, Place, PlaceKind, SLOTS, Slot};
use crate::sync::{event, lock};
use crate::sys::{self, Byte};

/// What was in front of the data.
pub(super) struct Look<'a> {
    opened: &'a Opened,
    front: Vec<u8>,
}

impl Opened {
    /// And what the beginning of the file says.
    pub(super) fn look(&self) -> Result<(Look<'_>, Known)> {
        let known = self.known()?;
        let mut front = vec![0; FRONT];
        sys::read_file_at(&self.file, 0, front.as_mut_bytes())?;
        Ok((Look { opened: self, front }, known))
    }
}

impl Look<'_> {
    /// Of the segment's own lock.
    pub(super) fn lock_state(&self) -> LockState {
        self.held(LOCK)
    }

    /// The processes that sleep until they get it.
    pub(super) fn lock_waiters(&self) -> Vec<u32> {
        self.waiters(0)
    }

    /// What the places have.
    pub(super) fn named(&self) -> Vec<Named> {
        (0..PLACES).filter_map(|index| self.place(index)).collect()
    }

    fn place(&self, index: u32) -> Option<Named> {
        let place: Place = self.read(Place::at(index))?;
        let kind = match place.kind()? {
            PlaceKind::Lock => NamedKind::Lock(self.held(Place::at(index))),
            PlaceKind::RwLock => {
                NamedKind::RwLock { writer: self.held(Place::at(index)), readers: self.sharers(index) }
            }
            PlaceKind::Semaphore => {
                NamedKind::Semaphore { permits: place.permits(), taken: self.sharers(index) }
            }
            PlaceKind::Event => NamedKind::Event { is_set: event::is_set(&self.word(Place::at(index))) },
            PlaceKind::Condvar => NamedKind::Condvar,
        };
        Some(Named { name: place.name(), kind, waiting: self.waiters(index + 1) })
    }

    /// Whoever comes next takes over what a dead holder had: it is free.
    fn held(&self, word: usize) -> LockState {
        let holder = lock::holder(&self.word(word));
        let slot = holder.and_then(|holder| {
            let slot = self.slot(holder.slot)?;
            (slot.generation.get() == holder.generation && self.lives(holder.slot)).then_some(slot)
        });
        slot.map_or(LockState::Free, |slot| LockState::Held(process(&slot)))
    }

    fn sharers(&self, place: u32) -> Vec<Sharer> {
        let sharing = self.slots_with(|slot| slot.shares_of(place) > 0);
        sharing.map(|slot| Sharer { pid: process(&slot), times: slot.shares_of(place) }).collect()
    }

    fn waiters(&self, bit: u32) -> Vec<u32> {
        self.slots_with(|slot| slot.waits_for(bit)).filter_map(|slot| process(&slot)).collect()
    }

    /// Those that are so, and have a holder.
    fn slots_with(&self, wanted: impl Fn(&Slot) -> bool) -> impl Iterator<Item = Slot> {
        let slots = (0..SLOTS).filter_map(|index| Some((index, self.slot(index)?)));
        slots.filter(move |(index, slot)| wanted(slot) && self.lives(*index)).map(|(_, slot)| slot)
    }

    /// Whether it has a holder: what the kernel does not tell is no proof of one.
    fn lives(&self, slot: u32) -> bool {
        self.opened.witness.is_held_by_others(Byte::Slot(slot)).unwrap_or(false)
    }

    fn slot(&self, index: u32) -> Option<Slot> {
        if index < SLOTS { self.read(Slot::at(index)) } else { None }
    }

    fn word(&self, offset: usize) -> AtomicU64 {
        AtomicU64::new(self.read(offset).unwrap_or_default())
    }

    fn read<T: FromBytes>(&self, offset: usize) -> Option<T> {
        T::read_from_prefix(self.front.get(offset..)?).ok().map(|(value, _)| value)
    }
}

/// For people.
fn process(slot: &Slot) -> Option<u32> {
    Some(slot.pid.get()).filter(|&pid| pid != 0)
}
