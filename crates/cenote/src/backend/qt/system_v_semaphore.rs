//! Qt's semaphore on System V, of legacy and of native keys: a set found through a key file, taken with SEM_UNDO.
//!
//! The protocol is that of QSystemSemaphore on System V, as observed with Qt 5.15 to 6.12 (`docs/qt.md`): make the
//! key file if it is missing, `ftok` it, make the set exclusively or find it, and start over when an
//! operation says that the set is gone. Three habits of Qt break its peers and are not followed here: a set that is
//! in use never has its value set; a key file is removed only if it still leads to the set that it is removed with;
//! letting go of a semaphore that was removed meanwhile adds nothing to the new one.
//!
//! A set made here for a segment has a second semaphore, which Qt does not look at: it says for which segment Cenote
//! made the set, so that the last to detach may remove both. Other sets are left to their makers: a Qt program that
//! thinks that it owns a set, and finds it removed, unlinks the key file of its successor.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use super::key_file::KeyFile;
use crate::backend::lock::{Abandoned, LockState, Locked, Locker, OwnSet};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Done, LockFile, SemSet, Step, Wait};

const COUNT: u16 = 0;
const MARK: u16 = 1;
const NO_SET: i32 = -1;

/// A semaphore that is opened when it is first needed, and again whenever it was removed.
#[derive(Debug)]
pub(crate) struct SystemVSemaphore {
    file: KeyFile,
    initial: i16,
    /// How many semaphores a new set has.
    semaphores: u16,
    set: AtomicI32,
    /// Whether this handle made the set.
    made: AtomicI32,
}

impl SystemVSemaphore {
    /// The semaphore that the key file leads to. A new one starts with `initial`.
    pub(crate) fn new(file: KeyFile, initial: i16) -> Self {
        Self { file, initial, semaphores: 1, set: AtomicI32::new(NO_SET), made: AtomicI32::new(NO_SET) }
    }

    /// The lock of a segment; a new set can carry the mark.
    pub(super) fn of_segment(file: KeyFile) -> Self {
        Self { semaphores: 2, ..Self::new(file, 1) }
    }

    /// Whether the semaphore of a key file is taken, without making anything.
    pub(super) fn state(file: &KeyFile) -> LockState {
        let look = || -> Result<LockState> {
            let Some(set) = SemSet::find(file.key()?, 0)? else {
                return Ok(LockState::None);
            };
            refuse_other_rules(set)?;
            match set.value(COUNT)? {
                0 => Ok(LockState::Held(set.last_user(COUNT))),
                _ => Ok(LockState::Free),
            }
        };
        match look() {
            Ok(state) => state,
            Err(error) if error.kind() == ErrorKind::NotFound => LockState::None,
            Err(_) => LockState::Unknown,
        }
    }

    /// The set, made if there is none.
    pub(crate) fn open(&self) -> Result<SemSet> {
        // Relaxed, here and for all fields: the kernel checks the id, and nothing else hangs on them.
        match self.set.load(Ordering::Relaxed) {
            NO_SET => {
                let set = self.find_or_make()?;
                self.set.store(set.0, Ordering::Relaxed);
                Ok(set)
            }
            id => Ok(SemSet(id)),
        }
    }

    fn find_or_make(&self) -> Result<SemSet> {
        // Others may unlink the key file at any moment, but not for ever.
        for _ in 0..1000 {
            let new_file = self.file.make();
            let new_file = new_file.map_err(|error| self.key_file_error(error))?;
            let key = match self.file.key() {
                Ok(key) => key,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(self.key_file_error(error)),
            };
            let made = SemSet::create(key, self.semaphores, 0o600).inspect_err(|_| {
                // Of no use to anybody, unless somebody has made the set with it meanwhile.
                if new_file && matches!(SemSet::find(key, 0), Ok(None)) {
                    self.file.remove();
                }
            })?;
            if let Some(set) = made {
                self.made.store(set.0, Ordering::Relaxed);
                self.initialise(set)?;
                return Ok(set);
            }
            if let Some(set) = SemSet::find(key, 0o600)? {
                refuse_other_rules(set)?;
                return Ok(set);
            }
        }
        Err(Error::new(ErrorKind::LockError, "its semaphore is made and removed all the time"))
    }

    fn key_file_error(&self, error: Error) -> Error {
        error.because(format!("Qt's key file {} cannot be used", self.file.path.display()))
    }

    /// Gives a new set its first value, in one step that changes nothing if somebody else was quicker.
    fn initialise(&self, set: SemSet) -> Result<()> {
        if self.is_stillborn(set) {
            let _ =
                set.operate([Step::wait_for_zero(COUNT), Step::change(COUNT, self.initial)], Wait::Try)?;
        }
        Ok(())
    }

    fn forget(&self) {
        self.set.store(NO_SET, Ordering::Relaxed);
    }

    /// Takes one: false if `wait` ended first.
    pub(crate) fn acquire(&self, wait: Wait) -> Result<bool> {
        self.take(wait).map(|set| set.is_some())
    }

    /// Takes one, and says from which set: `None` if `wait` ended first.
    #[inline]
    pub(crate) fn take(&self, wait: Wait) -> Result<Option<SemSet>> {
        let set = SemSet(self.set.load(Ordering::Relaxed));
        // A handle that was never opened has no set, which is as good as one that is gone.
        match set.operate([Step::undone_at_death(COUNT, -1)], Wait::Try)? {
            Done::Yes => Ok(Some(set)),
            _ => self.take_slowly(wait),
        }
    }

    #[cold]
    fn take_slowly(&self, wait: Wait) -> Result<Option<SemSet>> {
        loop {
            let set = self.open()?;
            let done = match set.operate([Step::undone_at_death(COUNT, -1)], Wait::Try)? {
                Done::TimedOut => self.await_turn(set, wait)?,
                done => done,
            };
            match done {
                Done::TimedOut => return Ok(None),
                Done::Yes if self.is_current(set) => return Ok(Some(set)),
                // It was given up while we waited for it; its successor is the one to take.
                Done::Yes => self.take_along(set)?,
                Done::Gone => {}
            }
            self.forget();
            // Whoever removes it again and again shall not keep us longer than we want to wait.
            if wait.is_over() {
                return Ok(None);
            }
        }
    }

    /// Leaves a set that was taken just now, and that the key file does not lead to any more. Whoever knows it must
    /// come along, or two would have the lock: so it is removed, unless somebody else has a part of it.
    fn take_along(&self, set: SemSet) -> Result<()> {
        let is_ours_alone = self.initial == 1 && set.value(COUNT).is_ok_and(|value| value == 0);
        // It may be another user's to remove.
        if !is_ours_alone || set.remove().is_err() {
            let _ = give_back_to(set)?;
        }
        Ok(())
    }

    /// Waits in slices, and looks in between whether the set's maker left it without a value: it died too early, or
    /// it is a Qt that found a set, which was removed before Qt opened it. Qt then makes another, and waits for that.
    fn await_turn(&self, set: SemSet, wait: Wait) -> Result<Done> {
        const SLICE: Duration = Duration::from_secs(1);
        const STILLBORN_AFTER: u32 = 5;
        let mut looks = 0;
        while let Some(slice) = wait.left(SLICE) {
            let done =
                set.operate([Step::undone_at_death(COUNT, -1)], Wait::Until(Instant::now() + slice))?;
            if done != Done::TimedOut {
                return Ok(done);
            }
            looks = if self.is_stillborn(set) { looks + 1 } else { 0 };
            if looks == STILLBORN_AFTER {
                let done = self.revive(set)?;
                if done != Done::TimedOut {
                    return Ok(done);
                }
                looks = 0;
            }
        }
        Ok(Done::TimedOut)
    }

    /// Whether nobody has used the set since it was made, nor given it a value: the kernel remembers who does.
    fn is_stillborn(&self, set: SemSet) -> bool {
        // Somebody who gave up waiting and ended makes it look used, too. Who operated on it is then proof where it can
        // be seen whoever it was: it is nobody for those outside this PID namespace.
        self.initial > 0
            && set.stat().is_ok_and(|facts| !facts.used || sys::sees_all_processes())
            && set.value(COUNT).is_ok_and(|value| value == 0)
            && set.last_user(COUNT).is_none()
    }

    /// Does what the set's maker did not, and takes one. One process at a time, or two would give it a value each.
    fn revive(&self, set: SemSet) -> Result<Done> {
        let (file, _) = sys::open_file(&self.file.path, true, false)?;
        let turn = LockFile::reopen(&file, true)?;
        if !turn.lock(false, Wait::Try)? || !self.is_stillborn(set) {
            return Ok(Done::TimedOut);
        }
        // In one step: this may be the end of the wait, and others that wait shall not come in between.
        let value = Step::change(COUNT, self.initial);
        set.operate([Step::wait_for_zero(COUNT), value, Step::undone_at_death(COUNT, -1)], Wait::Try)
    }

    /// Whether the key file still leads to the set.
    fn is_current(&self, set: SemSet) -> bool {
        let key = self.file.key();
        key.and_then(|key| SemSet::find(key, 0o600)).is_ok_and(|found| found == Some(set))
    }

    /// Gives back what was taken from a set: false if that set is gone, and nothing was done.
    #[inline]
    pub(super) fn give_back(&self) -> Result<bool> {
        let there = give_back_to(SemSet(self.set.load(Ordering::Relaxed)))?;
        if !there {
            self.forget();
        }
        Ok(there)
    }

    /// Adds `count`. What was taken from a set that is gone is not given to its successor, which was made with it.
    pub(crate) fn release(&self, count: u16, taken: Option<(SemSet, u16)>) -> Result<()> {
        let mut count = count;
        while count > 0 {
            let set = self.open()?;
            let change = i16::try_from(count).unwrap_or(i16::MAX);
            if set.operate([Step::undone_at_death(COUNT, change)], Wait::Try)? != Done::Gone {
                return Ok(());
            }
            self.forget();
            let lost = taken.filter(|&(from, _)| from == set).map_or(0, |(_, taken)| taken);
            count = count.saturating_sub(lost);
        }
        Ok(())
    }

    /// Qt's mode Create: takes the set over and gives it its initial value, whoever uses it.
    pub(crate) fn reset(&self) -> Result<()> {
        let set = self.open()?;
        self.made.store(set.0, Ordering::Relaxed);
        set.set(COUNT, self.initial.into())
    }

    /// Whether the set is this handle's: it made it, or took it over.
    pub(crate) fn is_owner(&self) -> bool {
        let made = self.made.load(Ordering::Relaxed);
        made != NO_SET && made == self.set.load(Ordering::Relaxed)
    }

    /// Marks a set that this handle made as belonging to the segment. Called with the semaphore held.
    pub(super) fn mark(&self, segment: i32) -> Result<()> {
        if !self.is_owner() {
            return Ok(());
        }
        let set = self.open()?;
        let missing = i32::from(mark_of(segment)) - set.value(MARK)?;
        if let Ok(change @ (1.. | i16::MIN..=-1)) = i16::try_from(missing) {
            let _ = set.operate([Step::change(MARK, change)], Wait::Try)?;
        }
        Ok(())
    }

    /// Whether Cenote made the set for this segment.
    pub(super) fn is_marked(&self, segment: i32) -> bool {
        let set = SemSet(self.set.load(Ordering::Relaxed));
        set.stat().is_ok_and(|facts| facts.count > usize::from(MARK))
            && set.value(MARK).is_ok_and(|mark| mark == i32::from(mark_of(segment)))
    }

    /// Removes the set and its key file, if everything that was in it at first is there, no more and no less.
    pub(crate) fn remove_if_unused(&self) -> Result<()> {
        let set = self.open()?;
        // With all of it taken, nobody can come in between.
        if set.operate([Step::undone_at_death(COUNT, -self.initial)], Wait::Try)? != Done::Yes {
            return Ok(());
        }
        let removed = match set.value(COUNT) {
            Ok(0) => self.remove_if_unwanted(),
            left => left.map(|_| false),
        };
        // Given back whatever fails.
        if !matches!(removed, Ok(true)) {
            let _ = set.operate([Step::undone_at_death(COUNT, self.initial)], Wait::Try)?;
        }
        removed.map(|_| ())
    }

    /// Removes the set and its key file, if nobody waits for it: true if it did. To be called with the semaphore held.
    pub(crate) fn remove_if_unwanted(&self) -> Result<bool> {
        let set = self.open()?;
        if set.waiters(COUNT)? > 0 {
            return Ok(false);
        }
        // The file first: once the set is gone, others make a new one, and its file must not be this one. It is kept
        // open until then: the inode of a deleted file may be another's at once, and that file's key, whatever name
        // it has, would lead to this set.
        let _inode = self.file.keep_inode();
        if self.is_current(set) {
            self.file.remove();
        }
        set.remove()?;
        self.forget();
        Ok(true)
    }
}

/// See [`SystemVSemaphore::give_back`].
fn give_back_to(set: SemSet) -> Result<bool> {
    Ok(set.operate([Step::undone_at_death(COUNT, 1)], Wait::Try)? == Done::Yes)
}

/// The lock of a `sysv:` segment can have the same key. There 0 is free, and what we take would be its holder's.
fn refuse_other_rules(set: SemSet) -> Result<()> {
    if OwnSet::is_ours(set)? {
        let what = "the semaphore set under its key is the lock of a sysv: segment, which is not Qt's";
        return Err(Error::new(ErrorKind::LockError, what)
            .with_hint("use the segment by its sysv: address, or remove it by that first (`cenote rm`)"));
    }
    Ok(())
}

/// What stands in the second semaphore for a segment: never 0, and another for the next segment.
fn mark_of(segment: i32) -> i16 {
    (segment & 0x3fff) as i16 + 1
}

/// Removes the set that the key file leads to, and the key file, whoever uses them.
pub(super) fn remove(file: &KeyFile) -> Result<()> {
    let _inode = file.keep_inode();
    let set = SemSet::find(file.key()?, 0)?;
    set.map_or(Ok(()), refuse_other_rules)?;
    // In the order of `remove_if_unwanted`.
    file.remove();
    set.map_or(Ok(()), SemSet::remove)
}

impl Locker for SystemVSemaphore {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        // A clean exit and a kill look the same to the next one.
        Ok(self.take(wait)?.map(|set| Locked::from_set(set, Abandoned::Unknown)))
    }

    fn unlock(&self, locked: Locked) -> Result<()> {
        // Not to the one that the handle knows now, which may be its successor.
        if locked.set().map_or(Ok(true), give_back_to)? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::LockError, "another process removed the semaphore while it was held"))
    }
}
