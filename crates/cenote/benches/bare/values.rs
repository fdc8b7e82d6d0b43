//! Values with nobody else there, beside bare seqlocks: of one writer, and with a lock among writers.
//!
//! A store exchanges the version, to learn in the same step whether somebody waits: that one instruction takes longer than
//! all of a bare store of 64 bytes, which knows of nobody. So limits are set where what is compared does the same work:
//! a writer's store has one such instruction, and a store under a bare lock has two.

#![allow(unsafe_code)]

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use cenote::{Segment, Shared, Value};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::measure::Table;

const LIMIT: f64 = 1.5;

#[derive(Clone, Copy, Shared, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Bytes<const N: usize> {
    words: [u64; N],
}

pub(crate) fn run(table: &mut Table) {
    of::<8>(table, "64 B");
    of::<512>(table, "4 KiB");
}

fn of<const N: usize>(table: &mut Table, text: &str) {
    let address = format!("bench/value-{}-{N}", std::process::id());
    let memory = Segment::create(format!("{address}-bare").as_str(), 64 + N as u64 * 8).expect("created");
    let base = memory.view(0, memory.len()).expect("the whole").as_ptr();
    // SAFETY: both words and the bytes lie in the segment, which is attached as long as this is used.
    let bare = unsafe { Bare::<N>::at(base) };
    let value = Value::create(address.as_str(), Bytes { words: [0_u64; N] }).expect("created");
    let bytes = Bytes { words: [7; N] };
    table.compare(
        &format!("value load, {text}, beside a seqlock"),
        None,
        || {
            black_box(bare.load());
        },
        || {
            black_box(value.load().expect("loaded"));
        },
    );
    table.compare(
        &format!("value store, {text}, beside a locked seqlock"),
        None,
        || bare.store_locked(black_box(&bytes)),
        || drop(value.store(black_box(&bytes)).map(black_box)),
    );
    let mut writer = value.writer().expect("locked");
    table.compare(
        &format!("value writer store, {text}, beside a seqlock"),
        None,
        || bare.store(black_box(&bytes)),
        || drop(writer.store(black_box(&bytes)).map(black_box)),
    );
    table.compare(
        &format!("value writer store, {text}, beside a locked seqlock"),
        Some(LIMIT),
        || bare.store_locked(black_box(&bytes)),
        || drop(writer.store(black_box(&bytes)).map(black_box)),
    );
}

/// A sequence, the word of a lock, and bytes: as a program has them that asks for nothing else. No death, no waiting, no
/// second copy, and `memcpy`.
struct Bare<'a, const N: usize> {
    sequence: &'a AtomicU64,
    lock: &'a AtomicU64,
    bytes: *mut Bytes<N>,
}

impl<const N: usize> Bare<'_, N> {
    /// # Safety
    /// At `base` there are 64 bytes and an `N`, writable, zero and used by nobody else.
    unsafe fn at(base: *mut u8) -> Self {
        // SAFETY: the caller's promise; a mapping begins at a page.
        let sequence = unsafe { AtomicU64::from_ptr(base.cast()) };
        // SAFETY: likewise.
        let lock = unsafe { AtomicU64::from_ptr(base.wrapping_add(8).cast()) };
        Self { sequence, lock, bytes: base.wrapping_add(64).cast() }
    }

    #[inline]
    fn load(&self) -> Bytes<N> {
        loop {
            // Acquire: pairs with the Release at the end of `store`.
            let before = self.sequence.load(Ordering::Acquire);
            let mut bytes = MaybeUninit::<Bytes<N>>::uninit();
            // SAFETY: as in `at`; the other side is ours.
            unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(black_box(self.bytes), 1) };
            // Acquire: pairs with the Release fence of `store`.
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.sequence.load(Ordering::Relaxed) == before {
                // SAFETY: written above, and any bytes are one.
                return unsafe { bytes.assume_init() };
            }
        }
    }

    #[inline]
    fn store(&self, bytes: &Bytes<N>) {
        // Relaxed: nobody else writes.
        let before = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(before + 1, Ordering::Relaxed);
        // Release: pairs with the Acquire fence of `load`.
        fence(Ordering::Release);
        // SAFETY: as in `at`.
        unsafe { self.bytes.copy_from_nonoverlapping(bytes, 1) };
        // Release: pairs with the Acquire of `load`.
        self.sequence.store(before + 2, Ordering::Release);
    }

    #[inline]
    fn store_locked(&self, bytes: &Bytes<N>) {
        // Acquire: pairs with the Release below.
        while self.lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            std::hint::spin_loop();
        }
        self.store(bytes);
        // Release: pairs with the Acquire above. By exchange, as a lock has to that others may wait for.
        self.lock.swap(0, Ordering::Release);
    }
}
