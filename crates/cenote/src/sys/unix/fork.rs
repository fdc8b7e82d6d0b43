//! Forks: which open file descriptions a child must not share with its parent, and how a handle notices.
//!
//! A lock of an open file description belongs to everybody who shares the description. A forked child would hold its
//! parent's lock, and keep it when the parent dies. So every description that carries locks is in a list here, and a
//! `pthread_atfork` handler closes them all in the child before `fork` returns there. A handle that notices that it
//! was inherited opens a description of its own.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// The descriptors of the descriptions that carry locks. A fork waits for this mutex, so that it never comes between
/// opening and listing, nor while a table changes.
static LISTED: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());
static GENERATION: AtomicU32 = AtomicU32::new(UNWATCHED);
/// Before anybody asks, and so before anybody compares.
const UNWATCHED: u32 = 0;
static WHILE_FORKING: Kept = Kept(UnsafeCell::new(None));

/// The mutex's guard from before a fork until after it.
struct Kept(UnsafeCell<Option<MutexGuard<'static, Vec<RawFd>>>>);

// SAFETY: only handlers of a fork use it, between locking the mutex and unlocking it, so one thread at a time.
unsafe impl Sync for Kept {}

/// How many forks lie between the first process and this one, as far as this code saw them.
#[inline]
pub(crate) fn generation() -> u32 {
    // Relaxed: it changes only while the process has a single thread.
    match GENERATION.load(Ordering::Relaxed) {
        UNWATCHED => first_generation(),
        generation => generation,
    }
}

/// Whoever asks keeps the answer, to compare it after a fork: so forks are counted from the first time on.
#[cold]
fn first_generation() -> u32 {
    watch_forks();
    // Relaxed: whoever reads 0 before asks here too.
    let _ = GENERATION.compare_exchange(UNWATCHED, UNWATCHED + 1, Ordering::Relaxed, Ordering::Relaxed);
    GENERATION.load(Ordering::Relaxed)
}

/// Sees to it that the handlers below run at each fork.
#[inline]
fn watch_forks() {
    static HANDLERS: Once = Once::new();
    HANDLERS.call_once(|| {
        // SAFETY: the handlers have the right signature and live as long as the program.
        unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) };
    });
}

/// Runs `change` while no fork can happen and nobody else is in here.
pub(super) fn quietly<R>(change: impl FnOnce(&mut Vec<RawFd>) -> R) -> R {
    watch_forks();
    change(&mut LISTED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Runs `change` while no fork can happen, so that what it changes is whole in every child, and in no other thread at
/// the same time.
pub(crate) fn without_forks<R>(change: impl FnOnce() -> R) -> R {
    quietly(|_| change())
}

/// A descriptor of an open file description that no child shares.
pub(super) struct Unshared {
    descriptor: RawFd,
    generation: u32,
}

impl Unshared {
    /// Opens one; `open` runs while no fork can happen.
    pub(super) fn open<E>(open: impl FnOnce() -> Result<OwnedFd, E>) -> Result<Self, E> {
        quietly(|listed| {
            let descriptor = open()?.into_raw_fd();
            listed.push(descriptor);
            Ok(Self { descriptor, generation: generation() })
        })
    }

    /// Whether the description is this process's; in a child it was closed, and its number may mean another file.
    #[inline]
    pub(super) fn is_ours(&self) -> bool {
        self.generation == generation()
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.descriptor
    }

    /// As one word, for storing in an atomic; never 0.
    pub(super) fn into_word(self) -> u64 {
        let word = u64::from(self.generation) << 32 | (u64::from(self.descriptor.unsigned_abs()) + 1);
        std::mem::forget(self);
        word
    }

    /// What [`into_word`](Self::into_word) gave. Each word is taken back once.
    pub(super) fn from_word(word: u64) -> Option<Self> {
        let descriptor = RawFd::try_from((word & u64::from(u32::MAX)).checked_sub(1)?).ok()?;
        Some(Self { descriptor, generation: (word >> 32) as u32 })
    }
}

impl Drop for Unshared {
    fn drop(&mut self) {
        quietly(|listed| {
            // Checked with the list locked: the child's handler has closed what an older generation opened.
            if !self.is_ours() {
                return;
            }
            if let Some(at) = listed.iter().position(|&descriptor| descriptor == self.descriptor) {
                listed.swap_remove(at);
                // SAFETY: opened by `open`, listed until now, and so closed by nobody else.
                drop(unsafe { OwnedFd::from_raw_fd(self.descriptor) });
            }
        });
    }
}

extern "C" fn before() {
    let guard = LISTED.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: this thread has the mutex, so nobody else is in the cell.
    unsafe { *WHILE_FORKING.0.get() = Some(guard) };
}

extern "C" fn after_in_parent() {
    // SAFETY: this thread has the mutex since `before`.
    drop(unsafe { (*WHILE_FORKING.0.get()).take() });
}

/// Closes what must not be shared. Frees no memory: other threads' allocations may have been cut short by the fork.
extern "C" fn after_in_child() {
    // SAFETY: the only thread of this process, which has the mutex since `before`.
    let Some(mut listed) = (unsafe { (*WHILE_FORKING.0.get()).take() }) else { return };
    for &descriptor in listed.iter() {
        // SAFETY: open and listed, and after this loop listed no more.
        unsafe { libc::close(descriptor) };
    }
    listed.clear();
    // Relaxed: there is only this thread.
    let next = GENERATION.load(Ordering::Relaxed).wrapping_add(1);
    GENERATION.store(next.max(UNWATCHED + 1), Ordering::Relaxed);
}
