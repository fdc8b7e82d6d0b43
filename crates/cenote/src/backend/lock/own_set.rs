//! The lock of `sysv:` segments: a System V semaphore set of Cenote's own under the segment's key.
//!
//! | semaphore | meaning |
//! |---|---|
//! | 0 | the lock: 0 is free, 1 is held. The kernel takes the 1 back when the holder dies |
//! | 1 | 1 from taking to letting go in order: still 1 on a free lock, the holder died |
//! | 2 | the signature, which tells the set from other programs' |
//!
//! A new set is all zeros and so free, and its mode tells that it is ours: a death between making and signing it
//! leaves nothing stuck.
//! Whoever removes a set holds its lock, and waiters that find it gone open the key anew.

use std::sync::atomic::{AtomicI32, Ordering};

use super::{Abandoned, LockState, Locked, Locker};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Done, SemSet, Step, Wait};

const LOCK: u16 = 0;
const DIRTY: u16 = 1;
const SIGNATURE: u16 = 2;
const COUNT: u16 = 3;
/// "Ce".
const SIGNED: i16 = 0x4365;
/// In the mode of a set that is not signed yet; not the 0777 that other programs may use.
const BORN_OURS: u32 = 0o110;
const EXECUTE: u32 = 0o111;

const NO_SET: i32 = -1;

/// The set under one key. Opened when it is first needed.
pub(crate) struct OwnSet {
    key: i32,
    /// Whether to make the set if there is none, and with which owner and mode.
    maker: Option<Maker>,
    /// The set's id once it is known.
    set: AtomicI32,
}

/// What a new set looks like.
#[derive(Clone, Copy)]
pub(crate) struct Maker {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
}

/// Whoever may read the segment may lock it, which takes the right to change the set. The rights to execute mean nothing
/// to the kernel: they mark a set as ours from its birth.
pub(crate) fn set_mode(segment_mode: u32) -> u32 {
    let readers = segment_mode & 0o444;
    readers | readers >> 1 | BORN_OURS
}

impl OwnSet {
    /// Without a maker a set that is missing is an error: reading never makes one.
    pub(crate) fn new(key: i32, maker: Option<Maker>) -> Self {
        Self { key, maker, set: AtomicI32::new(NO_SET) }
    }

    /// Whether the set is there and is one of ours.
    pub(crate) fn exists(key: i32) -> Result<bool> {
        match SemSet::find(key, 0)? {
            Some(set) => Ok(is_signed(set)? == Some(true)),
            None => Ok(false),
        }
    }

    /// Whether a set follows these rules, and not those of another program.
    pub(crate) fn is_ours(set: SemSet) -> Result<bool> {
        match is_signed(set) {
            Ok(signed) => Ok(signed.is_some()),
            Err(error) if error.kind() == ErrorKind::LockError => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the lock under a key is held.
    pub(crate) fn state(key: i32) -> LockState {
        let look = || -> Result<LockState> {
            if key == 0 {
                return Ok(LockState::None);
            }
            let Some(set) = SemSet::find(key, 0)? else { return Ok(LockState::None) };
            match (is_signed(set)?, set.value(LOCK)?) {
                (None, _) => Ok(LockState::None),
                (_, 0) => Ok(LockState::Free),
                _ => Ok(LockState::Held(set.last_user(LOCK))),
            }
        };
        look().unwrap_or(LockState::Unknown)
    }

    /// Removes the set, if it is ours and nobody holds or waits for it. `unless` is asked with the lock held.
    pub(crate) fn remove_unused(&self, unless: impl FnOnce() -> bool) -> Result<()> {
        if self.key == 0 || !Self::exists(self.key)? {
            return Ok(());
        }
        let Some(locked) = self.lock(Wait::Try)? else { return Ok(()) };
        if unless() {
            return self.unlock(locked);
        }
        let removed = self.open().and_then(SemSet::remove);
        // It may be another user's to remove, and must not stay held by us then.
        if removed.is_err() {
            self.unlock(locked)?;
        }
        removed
    }

    fn open(&self) -> Result<SemSet> {
        // Relaxed: the id is all there is to know, and the kernel checks it.
        match self.set.load(Ordering::Relaxed) {
            NO_SET => {
                let set = self.find_or_make()?;
                self.set.store(set.0, Ordering::Relaxed);
                Ok(set)
            }
            id => Ok(SemSet(id)),
        }
    }

    fn forget(&self) {
        self.set.store(NO_SET, Ordering::Relaxed);
    }

    fn find_or_make(&self) -> Result<SemSet> {
        if self.key == 0 {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a private segment has no key, and so no lock that others find",
            )
            .with_hint("lock something that all of its users know, with lock_with or --lock-with"));
        }
        // Others may make and remove sets meanwhile, but not for ever.
        for _ in 0..1000 {
            if let Some(set) = SemSet::find(self.key, 0)? {
                match is_signed(set)? {
                    Some(true) => return Ok(set),
                    // New: sign it, unless its maker just does, and look again.
                    Some(false) => sign(set)?,
                    None => {}
                }
                continue;
            }
            let Some(maker) = self.maker else {
                return Err(Error::new(
                    ErrorKind::LockError,
                    "nobody has locked this segment yet, and reading makes no lock",
                )
                .with_hint("attach it read-write to make one, or read without the lock"));
            };
            let made = SemSet::create(self.key, COUNT, maker.mode)?;
            if let Some(set) = made.filter(|set| set.stat().is_ok_and(|facts| facts.uid != maker.uid)) {
                // The segment's owner shall be able to use it; not everybody may give things away.
                let _ = set.give_to(maker.uid, maker.gid);
            }
        }
        Err(Error::new(ErrorKind::LockError, "its semaphore set is made and removed all the time"))
    }
}

/// Whether a set is ours: `Some(false)` if it may be ours and new, `None` if it is gone, an error if it is another's.
fn is_signed(set: SemSet) -> Result<Option<bool>> {
    let look = || -> Result<bool> {
        let facts = set.stat()?;
        if facts.count != usize::from(COUNT) {
            return Err(not_ours(facts.count));
        }
        match set.value(SIGNATURE)? {
            signature if signature == i32::from(SIGNED) => Ok(true),
            0 if facts.mode & EXECUTE == BORN_OURS && !facts.used => Ok(false),
            // Signed between the two looks.
            0 if set.value(SIGNATURE)? == i32::from(SIGNED) => Ok(true),
            _ => Err(not_ours(facts.count)),
        }
    };
    match look() {
        Ok(signed) => Ok(Some(signed)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sign(set: SemSet) -> Result<()> {
    let _ = set.operate([Step::wait_for_zero(SIGNATURE), Step::change(SIGNATURE, SIGNED)], Wait::Try)?;
    Ok(())
}

#[cold]
fn not_ours(count: usize) -> Error {
    let what = format!("the semaphore set under its key ({count} semaphores) belongs to another program");
    Error::new(ErrorKind::LockError, what).with_hint(
        "if that program locks the segment with it, so can you: lock_with or --lock-with sysv:KEY; or use no lock",
    )
}

impl Locker for OwnSet {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        loop {
            let set = self.open()?;
            match take(set, wait)? {
                Taken::Yes(abandoned) => return Ok(Some(Locked::from_set(set, abandoned))),
                Taken::TimedOut => return Ok(None),
                Taken::Gone => self.forget(),
            }
            // Whoever removes it again and again shall not keep us longer than we want to wait.
            if wait.is_over() {
                return Ok(None);
            }
        }
    }

    fn unlock(&self, locked: Locked) -> Result<()> {
        // Not the one that the handle knows now: another thread may have found this one gone, and made its successor.
        let Some(set) = locked.set() else { return Ok(()) };
        let release = Step::undone_at_death(LOCK, -1);
        match set.operate([release, Step::change(DIRTY, -1)], Wait::Try)? {
            Done::Yes => Ok(()),
            Done::TimedOut => {
                let _ = set.operate([release], Wait::Try)?;
                Err(Error::new(ErrorKind::LockError, "another process changed the lock while it was held"))
            }
            Done::Gone => {
                Err(Error::new(ErrorKind::LockError, "another process removed the lock while it was held"))
            }
        }
    }
}

/// How taking the lock ended.
enum Taken {
    Yes(Abandoned),
    TimedOut,
    /// There is no such set any more.
    Gone,
}

fn take(set: SemSet, wait: Wait) -> Result<Taken> {
    let [free, held] = [Step::wait_for_zero(LOCK), Step::undone_at_death(LOCK, 1)];
    let [clean, dirty] = [Step::wait_for_zero(DIRTY), Step::change(DIRTY, 1)];
    match set.operate([free, held, clean, dirty], Wait::Try)? {
        Done::Yes => return Ok(Taken::Yes(Abandoned::No)),
        Done::TimedOut => {}
        Done::Gone => return Ok(Taken::Gone),
    }
    // It is held, or was left by the dead: the first to get it finds out which.
    match set.operate([free, held], wait)? {
        Done::Yes => {}
        Done::TimedOut => return Ok(Taken::TimedOut),
        Done::Gone => return Ok(Taken::Gone),
    }
    Ok(match set.operate([clean, dirty], Wait::Try)? {
        Done::Yes => Taken::Yes(Abandoned::No),
        Done::TimedOut => Taken::Yes(Abandoned::Yes),
        Done::Gone => Taken::Gone,
    })
}
