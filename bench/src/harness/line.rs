//! One word that has a cache line for itself, and its neighbour, which some processors fetch along.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

#[repr(C, align(128))]
pub(crate) struct Line(AtomicU64);

impl Line {
    #[inline]
    pub(crate) fn put(&self, value: u64) {
        // Pairs with the load in `wait_for` and `get`.
        self.0.store(value, Release);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Acquire)
    }

    #[inline]
    pub(crate) fn wait_for(&self, value: u64) {
        // Nothing in between: a pause takes as long as the line itself.
        while self.get() != value {}
    }
}
