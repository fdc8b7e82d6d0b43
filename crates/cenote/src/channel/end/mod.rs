//! An end of a channel: its memory, its shape, and the system's part in sending and receiving.

mod alone;
mod frame;
mod sight;

use std::ops::Deref;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use alone::Alone;
pub(super) use frame::Frame;
pub(super) use sight::Sight;

use super::pool::Pool;
use super::ring::{By, Nonsense};
use super::waiting::{self, Bell, Kernel};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{ROOM, Shape};
use crate::segment::Segment;
use crate::sys::{self, Wait};

const WORD: usize = size_of::<AtomicU64>();

/// An attached channel, of one who can write.
pub(super) struct End {
    /// If only one can have an end of this kind. It goes before the memory does.
    alone: Option<Alone>,
    sight: Sight<AtomicU64>,
    pub(super) me: By,
    registered: bool,
}

impl Deref for End {
    type Target = Sight<AtomicU64>;

    #[inline(always)]
    fn deref(&self) -> &Sight<AtomicU64> {
        &self.sight
    }
}

impl End {
    pub(super) fn of(segment: Segment, shape: Shape) -> Result<Self> {
        let me = By::of(segment.native()?.holder()?);
        let sight = Sight::to_write(segment, shape)?;
        Ok(Self { alone: None, sight, me, registered: sys::is_registered_for_barriers() })
    }

    /// Takes the lock at `offset`, which only one can have: the sending or the receiving end.
    pub(super) fn take_alone(&mut self, offset: usize, what: &'static str) -> Result<()> {
        let wait = self.segment.patience(Wait::Try);
        let alone = Alone::take(self.segment.native()?, self.mapping(), offset, what, wait)?;
        self.alone = Some(alone);
        self.mapping().intact()
    }

    pub(super) fn pool(&self) -> Pool<'_, AtomicU64> {
        let from = self.shape.chunk_words_at() / WORD;
        let words = &self.sight.frame.words[from..from + self.shape.chunks];
        Pool { words, alone: self.shape.one_sender && !self.shape.is_topic() }
    }

    /// Where those sleep who wait for a message.
    #[inline(always)]
    pub(super) fn arrivals(&self) -> Bell<'_, AtomicU64> {
        self.frame.arrivals()
    }

    /// Where those sleep who wait for room: some of them for a cell, and some for a chunk.
    #[inline(always)]
    pub(super) fn room(&self) -> Bell<'_, AtomicU64> {
        self.frame.bell(ROOM, true)
    }

    /// Says to those who wait for messages that there is one.
    #[inline(always)]
    pub(super) fn notify_receivers(&self) {
        waiting::notify(&self.arrivals(), self);
    }

    /// Says to those who wait for room that there is some.
    #[inline(always)]
    pub(super) fn notify_senders(&self) {
        waiting::notify(&self.room(), self);
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

    /// Detaches, and reports errors.
    pub(super) fn detach(self) -> Result<()> {
        let Self { alone, sight, .. } = self;
        drop(alone);
        sight.detach()
    }
}

impl Kernel<AtomicU64> for End {
    type Error = Error;

    fn sleep(&self, word: &AtomicU64, half: u32, time: Duration) -> Result<()> {
        self.mapping().intact()?;
        sys::sleep_on_low_half(word, half, time);
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
