//! How long to look before sleeping: for about the price of being woken, unless that has been of no use lately.

use std::cell::Cell;
use std::hint;

/// The first looks come one right after the other: what comes quickly is seen at once.
const EAGER: u32 = 1000;
/// The most looks: 20 to 40 us, which is what a sleep and a wake-up cost between two processors.
#[cfg(not(loom))]
const MOST: u32 = 1000;
#[cfg(loom)]
const MOST: u32 = 1;
/// What was of no use is tried again this often: both may have been on one processor, and are no more.
const AGAIN: u32 = 1000;

/// What one who waits knows of how it went.
#[derive(Debug)]
pub(in crate::channel) struct Spin {
    most: Cell<u32>,
    skipped: Cell<u32>,
}

impl Spin {
    pub(in crate::channel) fn new() -> Self {
        Self { most: Cell::new(MOST), skipped: Cell::new(0) }
    }

    /// How often to look at once, one look right after the other.
    #[inline]
    pub(in crate::channel) fn eager(&self) -> u32 {
        EAGER.min(self.most.get())
    }

    /// Looks for a moment.
    pub(super) fn look<T, E>(&self, look: &mut impl FnMut() -> Result<Option<T>, E>) -> Result<Option<T>, E> {
        let most = self.most.get();
        for looked in 0..most {
            if let Some(found) = look()? {
                // It was of use, and will be for as long again and more.
                self.most.set(most.max(MOST.min(4 * (looked + 1))));
                return Ok(Some(found));
            }
            hint::spin_loop();
        }
        self.was_of_no_use(most);
        Ok(None)
    }

    #[cold]
    fn was_of_no_use(&self, most: u32) {
        let skipped = self.skipped.get() + 1;
        let again = skipped >= AGAIN;
        self.skipped.set(if again { 0 } else { skipped });
        self.most.set(if again { MOST } else { most / 2 });
    }
}
