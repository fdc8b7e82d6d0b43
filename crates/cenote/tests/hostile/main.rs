//! Peers that mean harm: they shrink, swap, unlink and overwrite what this process uses. Each act costs it an error
//! at most, never its life, and a wait with an end never lasts longer.
#![cfg(target_os = "linux")]

mod allocation;
mod attacker;
mod child;
mod faults;
mod first_touch;
mod foreign_sets;
mod inodes;
mod key_files;
mod native_keys;
mod qt_posix;
mod qt_semaphore;
mod semaphores;
mod shrinking;
mod sysv_lock;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{Watchdog, watchdog};

/// Runs what this program was started again for; nothing in an ordinary run.
#[test]
fn child() {
    child::run_if_asked();
}

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// Waits until another thread sets the flag.
#[track_caller]
fn await_flag(flag: &AtomicBool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !flag.load(Ordering::Acquire) {
        assert!(Instant::now() < end, "the other thread has not come so far");
        std::thread::yield_now();
    }
}
