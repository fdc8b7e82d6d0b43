//! Taking and giving back what an attachment has: the segment's lock, and what is in its places.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{MutexGuard, TryLockError};
use std::thread;

use super::attached::broken;
use super::door::Door;
use super::{AttachedNative, stopped_at_the_door, wait_for_the_door};
use crate::backend::lock::{Abandoned, Locked, Which};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{PLACE_NAME_MOST, PLACES, Place, PlaceKind};
use crate::sync::shares::{self, Shared, Words};
use crate::sync::{Sleeper, condvar, event, lock, permits, rwlock};
use crate::sys::{Backoff, Byte, Taken, Wait};

impl AttachedNative {
    /// Takes a lock, or a lock with readers for writing.
    #[inline]
    pub(crate) fn lock_which(&self, which: Which, wait: Wait) -> Result<Option<Locked>> {
        let door = Door::to(self, which.place())?;
        let taken = match which {
            Which::Writing(_) => rwlock::write(words(&door), &door, door.me(), wait)?,
            _ => lock::acquire(door.word(), &door, door.me(), wait)?,
        };
        self.locked(which, taken)
    }

    /// Gives back what `lock_which` took.
    pub(crate) fn unlock_which(&self, locked: &Locked) -> Result<()> {
        let door = Door::to(self, locked.which().place())?;
        let marked = thread::panicking() && !locked.taken_in_panic();
        let released = lock::release(door.word(), door.me(), marked, |word| door.wake_one(word));
        // Before anything is said of others: where the memory is gone, so is what was written there.
        self.front.intact()?;
        if released { Ok(()) } else { Err(broken()) }
    }

    /// Takes it for reading. It is given back by `give_back`.
    pub(crate) fn read_lock(&self, place: u32, wait: Wait) -> Result<Option<Locked>> {
        let door = Door::to(self, Some(place))?;
        let shared = rwlock::read(words(&door), &door, door.me(), wait)?;
        self.shared(place, shared)
    }

    /// Takes a permit. It is given back by `give_back`.
    pub(crate) fn acquire(&self, place: u32, count: u32, wait: Wait) -> Result<Option<Locked>> {
        let door = Door::to(self, Some(place))?;
        let shared = permits::acquire(words(&door), &door, door.me(), count, wait)?;
        self.shared(place, shared)
    }

    /// Ends one's part in what several have.
    pub(crate) fn give_back(&self, locked: &Locked) -> Result<()> {
        let door = Door::to(self, locked.which().place())?;
        let given = shares::give_back(words(&door), &door, door.me());
        self.front.intact()?;
        if given {
            return Ok(());
        }
        Err(Error::new(ErrorKind::LockError, "another process has changed what this one had taken"))
    }

    /// How many permits those have who live.
    pub(crate) fn permits_taken(&self, place: u32) -> Result<u32> {
        let door = Door::to(self, Some(place))?;
        shares::living(&door, door.me())
    }

    pub(crate) fn event_is_set(&self, place: u32) -> Result<bool> {
        let set = event::is_set(Door::to(self, Some(place))?.word());
        self.front.intact().map(|()| set)
    }

    pub(crate) fn set_event(&self, place: u32) -> Result<bool> {
        let door = Door::to(self, Some(place))?;
        let set = event::set(door.word(), &door);
        self.front.intact().map(|()| set)
    }

    pub(crate) fn reset_event(&self, place: u32) -> Result<bool> {
        let door = Door::to(self, Some(place))?;
        let reset = event::reset(door.word(), &door);
        self.front.intact().map(|()| reset)
    }

    /// Waits for it, and resets it if it is to be taken: false if the wait ended first.
    pub(crate) fn wait_for_event(&self, place: u32, take: bool, wait: Wait) -> Result<bool> {
        let door = Door::to(self, Some(place))?;
        let came =
            if take { event::take(door.word(), &door, wait) } else { event::wait(door.word(), &door, wait) };
        self.front.intact().map(|()| came)
    }

    /// What `wait_for_notice` is to be told, from within the lock.
    pub(crate) fn listen(&self, place: u32) -> Result<u64> {
        Ok(condvar::listen(Door::to(self, Some(place))?.word()))
    }

    /// Waits for what comes after `listened`, without the lock: false if the wait ended first.
    pub(crate) fn wait_for_notice(&self, place: u32, listened: u64, wait: Wait) -> Result<bool> {
        let door = Door::to(self, Some(place))?;
        let came = condvar::wait(door.word(), &door, listened, wait);
        self.front.intact().map(|()| came)
    }

    pub(crate) fn notify(&self, place: u32) -> Result<()> {
        let door = Door::to(self, Some(place))?;
        condvar::notify(door.word(), &door);
        self.front.intact()
    }

    fn locked(&self, which: Which, taken: Taken) -> Result<Option<Locked>> {
        let abandoned = match taken {
            Taken::Yes => Abandoned::No,
            Taken::Abandoned => Abandoned::Yes,
            Taken::TimedOut => return Ok(None),
        };
        // Memory that somebody has cut off is ours alone.
        self.front.intact()?;
        Ok(Some(Locked::of_native(which, abandoned)))
    }

    fn shared(&self, place: u32, shared: Shared) -> Result<Option<Locked>> {
        match shared {
            Shared::Taken(taken) => self.locked(Which::Share(place), taken),
            Shared::Full => Err(Error::new(ErrorKind::OutOfResources, "this attachment has it 255 times")
                .with_hint("attach the segment once more for more threads")),
        }
    }

    /// The place with that name; if there is none it is made.
    pub(crate) fn place(&self, name: &str, kind: PlaceKind, permits: u32, wait: Wait) -> Result<u32> {
        if name.is_empty() || name.len() > PLACE_NAME_MOST || name.contains('\0') {
            let what = format!("{name:?} has {} bytes, or a NUL among them", name.len());
            let hint = format!("names have 1 to {PLACE_NAME_MOST} bytes");
            return Err(Error::new(ErrorKind::KeyError, what).with_hint(hint));
        }
        self.holder()?;
        if let Some(index) = self.find_place(name, kind, permits)? {
            return Ok(index);
        }
        let _alone = self.wait_for_other_threads(wait)?;
        wait_for_the_door(&self.witness, wait)?;
        let index = self.find_place(name, kind, permits).and_then(|found| match found {
            Some(index) => Ok(index),
            None => self.make_place(name, kind, permits),
        });
        self.witness.unlock(Byte::Door)?;
        index
    }

    /// The door keeps out other attachments, and not the threads of this one.
    fn wait_for_other_threads(&self, wait: Wait) -> Result<MutexGuard<'_, ()>> {
        let mut backoff = Backoff::new();
        loop {
            match self.one_thread.try_lock() {
                Ok(alone) => return Ok(alone),
                // Nothing is in it that could be half done.
                Err(TryLockError::Poisoned(alone)) => return Ok(alone.into_inner()),
                Err(TryLockError::WouldBlock) if backoff.pause(wait) => {}
                Err(TryLockError::WouldBlock) => return Err(stopped_at_the_door()),
            }
        }
    }

    fn find_place(&self, name: &str, kind: PlaceKind, permits: u32) -> Result<Option<u32>> {
        for index in 0..PLACES {
            // Acquire: pairs with the Release in `make_place`, which says what the place is last.
            if self.front.word(Place::kind_at(index))?.load(Ordering::Acquire) == 0 {
                continue;
            }
            let place: Place = self.front.read_value(Place::at(index))?;
            if place.name() != name {
                continue;
            }
            if place.kind() != Some(kind) || place.permits() != permits {
                return Err(another(name, &place, kind, permits));
            }
            return Ok(Some(index));
        }
        Ok(None)
    }

    /// At the door, so that there is one of each name. What has no kind is nobody's, also after a death in here.
    fn make_place(&self, name: &str, kind: PlaceKind, permits: u32) -> Result<u32> {
        for index in 0..PLACES {
            let place: Place = self.front.read_value(Place::at(index))?;
            if place.is_free() {
                self.front.write_value(Place::at(index), &Place::new(name))?;
                let says = u64::from_ne_bytes(Place::kind_word(kind, permits));
                // Release: pairs with the Acquire in `find_place`, which then sees the name.
                self.front.word(Place::kind_at(index))?.store(says, Ordering::Release);
                self.front.intact()?;
                return Ok(index);
            }
        }
        Err(Error::new(ErrorKind::OutOfResources, format!("all {PLACES} places for names are taken"))
            .with_hint("they stay as long as the segment: use another segment for more"))
    }
}

fn words<'a>(door: &Door<'a>) -> Words<'a, AtomicU64> {
    Words { word: door.word(), turns: door.turns() }
}

#[cold]
fn another(name: &str, there: &Place, kind: PlaceKind, permits: u32) -> Error {
    let of = |kind: Option<PlaceKind>, permits: u32| match kind {
        Some(kind @ PlaceKind::Semaphore) => format!("{} of {permits}", kind.name()),
        Some(kind) => kind.name().to_owned(),
        None => "something that this version does not know".to_owned(),
    };
    let (there, wanted) = (of(there.kind(), there.permits()), of(Some(kind), permits));
    Error::new(ErrorKind::Incompatible, format!("{name:?} is {there} in it, and not {wanted}"))
        .with_hint("all programs that share a segment use a name for the same thing")
}
