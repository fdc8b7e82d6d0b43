//! A word for the models, of which loom tries all orders.
//!
//! Loom tries another order where an operation depends on the one before it on the same word, and remembers one of those. Who
//! loads a word and then exchanges it has its own load before the exchange: so whatever others had loaded before that is
//! forgotten, and no order is tried in which they load it afterwards. Here each operation changes something beside the
//! word first, and so depends on the one before it, whatever that is. It orders nothing.

use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicU64;

use super::Word;

pub(crate) struct Traced {
    word: AtomicU64,
    touched: AtomicU64,
}

impl Traced {
    pub(crate) fn new(value: u64) -> Self {
        Self { word: AtomicU64::new(value), touched: AtomicU64::new(0) }
    }

    fn word(&self) -> &AtomicU64 {
        // Relaxed: nothing is to be ordered by it.
        self.touched.fetch_add(1, Ordering::Relaxed);
        &self.word
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.word().load(order)
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.word().store(value, order);
    }
}

impl Word for Traced {
    fn load(&self, order: Ordering) -> u64 {
        self.word().load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.word().store(value, order);
    }

    fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.word().fetch_add(value, order)
    }

    fn fetch_sub(&self, value: u64, order: Ordering) -> u64 {
        self.word().fetch_sub(value, order)
    }

    fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
        self.word().fetch_or(bits, order)
    }

    fn compare_exchange(&self, old: u64, new: u64, done: Ordering, not: Ordering) -> Result<u64, u64> {
        self.word().compare_exchange(old, new, done, not)
    }
}
