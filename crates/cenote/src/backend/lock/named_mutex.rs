//! Named mutexes of Windows, as locks: the system tells if the last holder died.
//!
//! A mutex belongs to the thread that took it, and lets that thread in again. So the handles of a process exclude one
//! another first, and only then ask the system. Whether two are of the same mutex says the kernel's own name of it:
//! `X` and `Local\X` are one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::{Abandoned, LockState, Locked, Locker};
use crate::error::Result;
use crate::sys::{KernelMutex, MutexState, Taken, Wait};

/// The mutexes, by their names in the kernel, that threads of this process have or want, and who of them is in.
static TURNS: Mutex<Option<HashMap<String, Arc<Turn>>>> = Mutex::new(None);

#[derive(Default)]
struct Turn {
    taken: Mutex<bool>,
    free: Condvar,
}

/// A mutex by its name, made when it is first needed.
pub(crate) struct NamedMutex {
    name: String,
    mode: u32,
    /// Whether somebody may have had the mutex before, and died with it, when ours is made.
    may_be_late: bool,
    open: OnceLock<Open>,
}

struct Open {
    mutex: KernelMutex,
    /// Nobody knows of those before us: said once.
    is_unsure: AtomicBool,
    turn: Arc<Turn>,
}

impl NamedMutex {
    /// The lock of the segment of that name. A segment that is new has had no holder before us.
    pub(crate) fn beside(segment: &str, mode: u32, segment_is_new: bool) -> Self {
        Self { may_be_late: !segment_is_new, ..Self::new(beside(segment), mode) }
    }

    /// What can be seen of the lock of the segment of that name.
    pub(crate) fn state_beside(segment: &str) -> LockState {
        match KernelMutex::look(&beside(segment)) {
            Ok(None) => LockState::None,
            Ok(Some(MutexState::Free)) => LockState::Free,
            Ok(Some(MutexState::Held(holder))) => LockState::Held(holder),
            Err(_) => LockState::Unknown,
        }
    }

    /// The mutex of that name.
    pub(crate) fn new(name: String, mode: u32) -> Self {
        Self { name, mode, may_be_late: true, open: OnceLock::new() }
    }

    /// Opens the mutex now, if it can be: it goes with its last handle, and with it what is known of a dead holder.
    pub(crate) fn keep(&self) {
        let _ = self.open();
    }

    fn open(&self) -> Result<&Open> {
        if let Some(open) = self.open.get() {
            return Ok(open);
        }
        let (mutex, is_new) = KernelMutex::open(&self.name, self.mode)?;
        let turn = Turn::of(mutex.path().unwrap_or_else(|| self.name.clone()));
        // The one before went with its last handle, and with it what the system knew.
        let is_unsure = AtomicBool::new(is_new && self.may_be_late);
        Ok(self.open.get_or_init(|| Open { mutex, is_unsure, turn }))
    }
}

fn beside(segment: &str) -> String {
    format!("{segment}.cenote-lock")
}

impl Turn {
    fn of(mutex: String) -> Arc<Self> {
        let mut turns = lock(&TURNS);
        let turns = turns.get_or_insert_default();
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(mutex).or_default())
    }

    /// Takes the turn: false if `wait` ended first.
    fn take(&self, wait: Wait) -> bool {
        const SLICE: Duration = Duration::from_secs(3600);
        let mut taken = lock(&self.taken);
        while *taken {
            let Some(left) = wait.left(SLICE) else { return false };
            taken = self.free.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *taken = true;
        true
    }

    fn give_back(&self) {
        *lock(&self.taken) = false;
        self.free.notify_one();
    }
}

impl Locker for NamedMutex {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        let Open { mutex, is_unsure, turn } = self.open()?;
        if !turn.take(wait) {
            return Ok(None);
        }
        let taken = mutex.take(wait).inspect_err(|_| turn.give_back())?;
        let abandoned = match taken {
            // Relaxed: it is looked at with the lock in hand.
            Taken::Yes if is_unsure.swap(false, Ordering::Relaxed) => Abandoned::Unknown,
            Taken::Yes => Abandoned::No,
            Taken::Abandoned => Abandoned::Yes,
            Taken::TimedOut => {
                turn.give_back();
                return Ok(None);
            }
        };
        Ok(Some(Locked::new(abandoned)))
    }

    fn unlock(&self, _locked: Locked) -> Result<()> {
        let Open { mutex, turn, .. } = self.open()?;
        let released = mutex.release();
        turn.give_back();
        released
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
