//! The system's part in a native segment's locks: sleeping in the kernel, and the witnesses' word on who lives.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::AttachedNative;
use crate::error::{Error, Result};
use crate::layout::{LOCK, Place, SLOTS, Slot};
use crate::sync::lock::Holder;
use crate::sync::{self, Crowd, Sleeper};
use crate::sys::{self, Byte, Wait};

/// How long somebody sleeps before it asks whether the holder still lives: a death wakes nobody.
const SLICE: Duration = Duration::from_millis(10);

/// The way to the segment's own lock, or to one in a place.
pub(crate) struct Door<'a> {
    native: &'a AttachedNative,
    me: Holder,
    place: Option<u32>,
    /// All that is in front of the data.
    words: &'a [AtomicU64],
}

impl<'a> Door<'a> {
    pub(crate) fn to(native: &'a AttachedNative, place: Option<u32>) -> Result<Self> {
        Ok(Self { native, me: native.holder()?, place, words: native.front.words()? })
    }

    pub(crate) fn me(&self) -> Holder {
        self.me
    }

    /// What is slept for, in the slot.
    fn bit(&self) -> u64 {
        1 << (32 + self.place.map_or(0, |place| place + 1))
    }

    /// The word of a lock, or what is one in its place.
    pub(crate) fn word(&self) -> &'a AtomicU64 {
        self.word_at(self.place.map_or(LOCK, Place::at))
    }

    /// Where else those sleep who wait for a place.
    pub(crate) fn turns(&self) -> &'a AtomicU64 {
        self.word_at(Place::turns_at(self.place.unwrap_or_default()))
    }

    fn word_at(&self, offset: usize) -> &'a AtomicU64 {
        &self.words[offset / size_of::<AtomicU64>()]
    }
}

impl Sleeper<AtomicU64> for Door<'_> {
    fn sleep(&self, word: &AtomicU64, half: u32, wait: Wait) {
        let slice = wait.left(SLICE).unwrap_or_default();
        // Relaxed: for people.
        let waits = self.word_at(Slot::waits_at(self.me.slot));
        waits.fetch_or(self.bit().to_le(), Ordering::Relaxed);
        sys::sleep_on_low_half(word, half, slice);
        waits.fetch_and(!self.bit().to_le(), Ordering::Relaxed);
    }

    fn wake_one(&self, word: &AtomicU64) {
        sys::wake_low_half(word);
    }

    fn wake_all(&self, word: &AtomicU64) {
        sys::wake_all_on_low_half(word);
    }

    fn pause(&self) {
        thread::sleep(Duration::from_millis(1));
    }
}

impl AttachedNative {
    /// Whether an attachment is no more, of which only so much of the slot's generation is known.
    pub(crate) fn is_gone(&self, slot: u32, low_generation: u16) -> Result<bool> {
        // Our own is not told among those of others; who had it before us is gone all the same. Who may only read has none.
        if !self.witness.is_ours() {
            return Err(sys::inherited());
        }
        let is_ours = self.slot.is_some_and(|own| own.slot == slot);
        if slot >= SLOTS || !is_ours && !self.witness.is_held_by_others(Byte::Slot(slot))? {
            return Ok(true);
        }
        let there: Slot = self.front.read_value(Slot::at(slot))?;
        Ok(there.generation.get() as u16 != low_generation)
    }

    /// Who has a slot, for people.
    pub(crate) fn pid_of(&self, slot: u32) -> Option<u32> {
        let slot: Slot = self.front.read_value(Slot::at(slot)).ok().filter(|_| slot < SLOTS)?;
        Some(slot.pid.get()).filter(|&pid| pid != 0)
    }
}

impl sync::Door<AtomicU64> for Door<'_> {
    type Error = Error;

    fn is_gone(&self, holder: Holder) -> Result<bool> {
        if holder.slot >= SLOTS || self.is_empty(holder.slot)? {
            return Ok(true);
        }
        let slot: Slot = self.native.front.read_value(Slot::at(holder.slot))?;
        Ok(slot.generation.get() != holder.generation)
    }
}

impl Crowd<AtomicU64> for Door<'_> {
    fn slots(&self) -> u32 {
        SLOTS
    }

    fn shares(&self, slot: u32) -> (&AtomicU64, u32) {
        let (at, shift) = Slot::shares_at(slot, self.place.unwrap_or_default());
        (self.word_at(at), shift)
    }

    fn is_empty(&self, slot: u32) -> Result<bool> {
        self.native.witness.is_held_by_others(Byte::Slot(slot)).map(|held| !held)
    }
}
