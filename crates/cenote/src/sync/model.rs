//! A kernel and a room full of words for loom's models: its futex looks at a word and begins the sleep in one step, and
//! it knows who is dead. A death wakes nobody, and every sleep is short: here that is one wake-up, after the death.

#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::Ordering;

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicBool;
use loom::sync::{Arc, Condvar, Mutex};

use super::lock::Holder;
use super::shares::Words;
use super::traced::Traced;
use super::{Crowd, Door, Sleeper};
use crate::sys::Wait;

pub(super) const ONE: Holder = Holder { slot: 0, generation: 1 };
pub(super) const TWO: Holder = Holder { slot: 1, generation: 1 };
pub(super) const THREE: Holder = Holder { slot: 2, generation: 1 };

pub(super) struct Room {
    pub(super) word: Traced,
    pub(super) turns: Traced,
    shares: [Traced; 3],
    /// For one at a time.
    data: UnsafeCell<u32>,
    turn: Mutex<()>,
    at_word: Condvar,
    at_turns: Condvar,
    one_is_dead: AtomicBool,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            word: Traced::new(0),
            turns: Traced::new(0),
            shares: std::array::from_fn(|_| Traced::new(0)),
            data: UnsafeCell::new(0),
            turn: Mutex::new(()),
            at_word: Condvar::new(),
            at_turns: Condvar::new(),
            one_is_dead: AtomicBool::new(false),
        }
    }

    pub(super) fn words(&self) -> Words<'_, Traced> {
        Words { word: &self.word, turns: &self.turns }
    }

    /// Kills the first of them.
    pub(super) fn die(&self) {
        let _turn = self.turn.lock().unwrap();
        // Release: pairs with the Acquire in `one_is_dead`.
        self.one_is_dead.store(true, Ordering::Release);
        self.at_word.notify_all();
        self.at_turns.notify_all();
    }

    /// Changes the data, and gives how often that was done.
    pub(super) fn change_data(&self) -> u32 {
        // SAFETY: loom checks that nobody else is in here.
        self.data.with_mut(|data| unsafe {
            *data += 1;
            *data
        })
    }

    /// Something that is waited for, under the lock.
    pub(super) fn do_it(&self) {
        self.shares[0].store(1, Ordering::Relaxed);
    }

    pub(super) fn is_done(&self) -> bool {
        self.shares[0].load(Ordering::Relaxed) == 1
    }

    fn one_is_dead(&self) -> bool {
        // Acquire: pairs with the Release in `die`, as the kernel's own order does.
        self.one_is_dead.load(Ordering::Acquire)
    }

    fn bell(&self, word: &Traced) -> &Condvar {
        if ptr::eq(word, &self.turns) { &self.at_turns } else { &self.at_word }
    }
}

impl Sleeper<Traced> for Room {
    fn sleep(&self, word: &Traced, half: u32, _wait: Wait) {
        let turn = self.turn.lock().unwrap();
        if word.load(Ordering::Relaxed) as u32 == half && !self.one_is_dead() {
            drop(self.bell(word).wait(turn).unwrap());
        }
    }

    fn wake_one(&self, word: &Traced) {
        let _turn = self.turn.lock().unwrap();
        self.bell(word).notify_one();
    }

    fn wake_all(&self, word: &Traced) {
        let _turn = self.turn.lock().unwrap();
        self.bell(word).notify_all();
    }

    fn pause(&self) {
        loom::thread::yield_now();
    }
}

impl Door<Traced> for Room {
    type Error = ();

    fn is_gone(&self, holder: Holder) -> Result<bool, ()> {
        Ok(holder == ONE && self.one_is_dead())
    }
}

impl Crowd<Traced> for Room {
    fn slots(&self) -> u32 {
        self.shares.len() as u32
    }

    fn shares(&self, slot: u32) -> (&Traced, u32) {
        (&self.shares[slot as usize], 8)
    }

    fn is_empty(&self, slot: u32) -> Result<bool, ()> {
        Ok(slot == ONE.slot && self.one_is_dead())
    }
}

/// Every interleaving with up to so many preemptions.
pub(super) fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Runs them side by side with the caller's own, and gives what they gave.
pub(super) fn beside<T: 'static>(
    room: &Arc<Room>,
    work: impl Fn(&Room) -> T + 'static,
) -> loom::thread::JoinHandle<T> {
    let room = Arc::clone(room);
    loom::thread::spawn(move || work(&room))
}
