//! A word in shared memory: the standard library's atomic, or loom's when the models run.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::fence;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::fence;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::WordToRead;

/// 64 bits that others change at any time.
pub(crate) trait Word {
    fn load(&self, order: Ordering) -> u64;
    fn store(&self, value: u64, order: Ordering);
    fn fetch_add(&self, value: u64, order: Ordering) -> u64;
    fn fetch_sub(&self, value: u64, order: Ordering) -> u64;
    fn fetch_or(&self, bits: u64, order: Ordering) -> u64;
    fn compare_exchange(&self, old: u64, new: u64, done: Ordering, not: Ordering) -> Result<u64, u64>;
}

/// 64 bits that others change at any time, and that we may not be able to.
pub(crate) trait Readable {
    /// What is in it, in no order: whoever needs one puts a fence behind it.
    fn look(&self) -> u64;
}

impl<W: Word> Readable for W {
    #[inline]
    fn look(&self) -> u64 {
        // Relaxed: as it says.
        self.load(Ordering::Relaxed)
    }
}

impl Readable for WordToRead {
    #[inline]
    fn look(&self) -> u64 {
        self.load()
    }
}

macro_rules! word {
    ($atomic:ty) => {
        impl Word for $atomic {
            #[inline]
            fn load(&self, order: Ordering) -> u64 {
                <$atomic>::load(self, order)
            }

            #[inline]
            fn store(&self, value: u64, order: Ordering) {
                <$atomic>::store(self, value, order);
            }

            #[inline]
            fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
                <$atomic>::fetch_add(self, value, order)
            }

            #[inline]
            fn fetch_sub(&self, value: u64, order: Ordering) -> u64 {
                <$atomic>::fetch_sub(self, value, order)
            }

            #[inline]
            fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
                <$atomic>::fetch_or(self, bits, order)
            }

            #[inline]
            fn compare_exchange(
                &self,
                old: u64,
                new: u64,
                done: Ordering,
                not: Ordering,
            ) -> Result<u64, u64> {
                <$atomic>::compare_exchange(self, old, new, done, not)
            }
        }
    };
}

word!(AtomicU64);
#[cfg(loom)]
word!(loom::sync::atomic::AtomicU64);
