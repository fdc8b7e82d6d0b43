//! How long to look before sleeping: for about the price of being woken, unless both are on one processor: then whoever looks
//! keeps the other from doing what it looks for.

use std::cell::Cell;
use std::hint;
use std::time::{Duration, Instant};

/// The first looks, one right after the other: what comes quickly is seen at once.
const EAGER: u32 = 1000;
/// The others: 20 to 40 us, which is what a sleep and a wake-up cost between two processors.
#[cfg(not(loom))]
pub(super) const MOST: u32 = 1000;
#[cfg(loom)]
pub(super) const MOST: u32 = 1;

/// Of a topic with many subscribers one look takes longer: then there are fewer.
const LONGEST: Duration = Duration::from_micros(50);
/// After so many looks it asks what time it is.
const LOOKS: u32 = 100;

/// About a microsecond.
const ON_ITS_WAY: u32 = 50;

/// What one who waits knows of who it waits for.
#[derive(Debug)]
pub(in crate::channel) struct Spin {
    /// Whether looking is of no use.
    beside: Cell<bool>,
}

impl Spin {
    pub(in crate::channel) fn new() -> Self {
        Self { beside: Cell::new(false) }
    }

    /// How often to look at once.
    #[inline]
    pub(in crate::channel) fn eager(&self) -> u32 {
        if self.beside.get() { 0 } else { EAGER }
    }

    /// Whether looking is of no use.
    pub(super) fn is_beside(&self) -> bool {
        self.beside.get()
    }

    /// Looks for a moment.
    pub(super) fn look<T, E>(&self, look: &mut impl FnMut() -> Result<Option<T>, E>) -> Result<Option<T>, E> {
        if self.beside.get() {
            return Ok(None);
        }
        let begin = Instant::now();
        for looks in 1..=MOST {
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            if looks % LOOKS == 0 && begin.elapsed() > LONGEST {
                break;
            }
            hint::spin_loop();
        }
        Ok(None)
    }

    /// Lets what another processor has stored arrive; on the same one it is there.
    pub(super) fn pause(&self) {
        if !self.beside.get() {
            for _ in 0..ON_ITS_WAY {
                hint::spin_loop();
            }
        }
    }

    /// After each sleep: whether who woke us is on our own processor.
    pub(super) fn woken_from(&self, own_processor: bool) {
        self.beside.set(own_processor);
    }
}
