//! An end of a channel: its memory, its shape, and the system's part in sending and receiving.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::super::pool::Pool;
use super::super::ring::{By, Living, Nonsense, Ring, Rules};
use super::super::waiting::{self, Bell, Kernel, Spin};
use crate::backend::{AttachedNative, Door};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{ARRIVALS, CONTROL_WORDS, Plan, ROOM, Shape, WhenFull};
use crate::segment::Segment;
use crate::sync::lock::{self, Holder};
use crate::sys::{self, Mapping, Taken, Wait, Words};

const WORD: usize = size_of::<AtomicU64>();

/// An attached channel.
pub(super) struct End {
    /// If only one can have an end of this kind. It goes before the memory does.
    alone: Option<Alone>,
    /// What is in front of the chunks. It goes before the segment does.
    words: Words,
    pub(super) segment: Segment,
    pub(super) shape: Shape,
    pub(super) me: By,
    rules: Rules,
    /// Whose process it is.
    forks: u32,
    registered: bool,
    pub(super) spin: Spin,
    cell_bits: u32,
    /// How long a message can be that lies in a cell.
    pub(super) short: usize,
}

impl End {
    pub(super) fn of(segment: Segment) -> Result<Self> {
        let mapping = segment.shared_mapping()?;
        let shape = mapping.read_value::<Plan>(0)?.check()?.within(mapping.len())?;
        let me = By::of(segment.native()?.holder()?);
        let drop_oldest = shape.when_full == WhenFull::DropOldest;
        let rules = Rules {
            senders_claim: !shape.one_sender,
            receivers_claim: !shape.one_receiver || drop_oldest,
            drop_oldest,
        };
        let (forks, registered) = (sys::generation(), sys::is_registered_for_barriers());
        let words = Words::of(&mapping, shape.chunk_words_end())?;
        let (cell_bits, short) = (shape.cell_bits(), shape.inline().min(shape.longest));
        let spin = Spin::new();
        Ok(Self { alone: None, words, segment, shape, me, rules, forks, registered, spin, cell_bits, short })
    }

    /// Takes the lock at `offset`, which only one can have: the sending or the receiving end.
    pub(super) fn take_alone(&mut self, offset: usize, what: &'static str, wait: Wait) -> Result<()> {
        let native = self.segment.native()?;
        let door = Door::to(native, None)?;
        match lock::acquire(self.mapping().word(offset)?, &door, native.holder()?, wait)? {
            Taken::Yes | Taken::Abandoned => {
                let (mapping, me) = (Arc::clone(self.words.mapping()), native.holder()?);
                self.alone = Some(Alone { mapping, offset, me, forks: self.forks });
                self.mapping().intact()
            }
            Taken::TimedOut => {
                let holder = lock::holder(self.mapping().word(offset)?);
                let who = holder.and_then(|holder| native.pid_of(holder.slot));
                let who = who.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
                Err(Error::new(ErrorKind::LockError, format!("{who} has its only {what} end"))
                    .with_hint("end that one, or make the channel for several"))
            }
        }
    }

    /// Whether this process attached it, rather than the one that it was forked from.
    #[inline]
    pub(super) fn ensure_ours(&self) -> Result<()> {
        if self.forks == sys::generation() { Ok(()) } else { Err(sys::inherited()) }
    }

    #[inline]
    pub(super) fn mapping(&self) -> &Mapping {
        self.words.mapping()
    }

    #[inline(always)]
    fn split(&self) -> (&[AtomicU64; CONTROL_WORDS], &[AtomicU64]) {
        #[expect(clippy::expect_used, reason = "the shape was checked to have them when it was attached")]
        self.words.split_first_chunk().expect("a channel has a control block")
    }

    #[inline(always)]
    pub(super) fn ring(&self) -> Ring<'_, AtomicU64> {
        let (control, cells) = self.split();
        let Shape { bits, .. } = self.shape;
        Ring { control, cells, cell_bits: self.cell_bits, bits, rules: self.rules }
    }

    pub(super) fn pool(&self) -> Pool<'_, AtomicU64> {
        let from = self.shape.chunk_words_at() / WORD;
        Pool { words: &self.words[from..from + self.shape.chunks] }
    }

    /// Where those sleep who wait for a message.
    #[inline(always)]
    pub(super) fn arrivals(&self) -> Bell<'_, AtomicU64> {
        self.bell(ARRIVALS, self.shape.one_receiver)
    }

    /// Where those sleep who wait for room: some of them for a cell, and some for a chunk.
    #[inline(always)]
    pub(super) fn room(&self) -> Bell<'_, AtomicU64> {
        self.bell(ROOM, true)
    }

    #[inline(always)]
    fn bell(&self, offset: usize, all: bool) -> Bell<'_, AtomicU64> {
        let control = self.split().0;
        Bell { word: &control[offset / WORD], waker: &control[offset / WORD + 1], all }
    }

    /// Says to one who waits for messages that there is one.
    #[inline(always)]
    pub(super) fn notify_receivers(&self) {
        waiting::notify(&self.arrivals(), self);
    }

    /// Says to those who wait for room that there is some.
    #[inline(always)]
    pub(super) fn notify_senders(&self) {
        waiting::notify(&self.room(), self);
    }

    /// Whether there is nothing the matter: the usual case.
    #[inline(always)]
    pub(super) fn is_well(&self) -> bool {
        self.forks == sys::generation() && !self.mapping().is_lost()
    }

    /// Looks until there is something: `None` if the wait ended first.
    pub(super) fn wait_at<T>(
        &self,
        bell: &Bell<'_, AtomicU64>,
        wait: Wait,
        look: impl FnMut(bool) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        waiting::wait(bell, self, &self.spin, wait, look)
    }

    pub(super) fn living(&self) -> Result<Lives<'_>> {
        self.segment.native().map(Lives)
    }

    #[cold]
    pub(super) fn during(&self, operation: &'static str, error: Error) -> Error {
        error.during(operation, self.segment.address())
    }

    /// Detaches, and reports errors.
    pub(super) fn detach(self) -> Result<()> {
        let Self { alone, words, segment, .. } = self;
        drop(alone);
        // Whoever shares it goes before its segment does.
        drop(words);
        segment.detach()
    }
}

/// The lock of an end that only one can have, held.
struct Alone {
    mapping: Arc<Mapping>,
    offset: usize,
    me: Holder,
    forks: u32,
}

impl Drop for Alone {
    fn drop(&mut self) {
        // A forked child's copy lets go of nothing.
        if self.forks == sys::generation()
            && let Ok(word) = self.mapping.word(self.offset)
        {
            lock::release(word, self.me, false, sys::wake_low_half);
        }
    }
}

/// The witnesses' word.
pub(super) struct Lives<'a>(&'a AttachedNative);

impl Living for Lives<'_> {
    type Error = Error;

    fn is_gone(&self, who: By) -> Result<bool> {
        self.0.is_gone(who.slot.into(), who.generation)
    }
}

impl Kernel<AtomicU64> for End {
    type Error = Error;

    fn sleep(&self, word: &AtomicU64, half: u32, time: Duration) -> Result<()> {
        self.mapping().intact()?;
        sys::sleep_on_low_half(word, half, Wait::up_to(Some(time)));
        self.mapping().intact()
    }

    fn wake_one(&self, word: &AtomicU64) -> bool {
        sys::wake_one_on_low_half(word)
    }

    fn wake_all(&self, word: &AtomicU64) {
        sys::wake_all_on_low_half(word);
    }

    fn processor(&self) -> u64 {
        sys::processor()
    }

    #[inline(always)]
    fn light_barrier(&self) {
        sys::light_barrier(self.registered);
    }

    fn heavy_barrier(&self) {
        sys::heavy_barrier();
    }
}

impl From<Nonsense> for Error {
    #[cold]
    fn from(_: Nonsense) -> Self {
        Self::new(ErrorKind::Corrupt, "what lies in the channel makes no sense")
            .with_hint("somebody has scribbled over it: `cenote rm` removes it")
    }
}
