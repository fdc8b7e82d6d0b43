//! The catalog: everything that is on the machine, what is said of it and proven, and what reaping takes and leaves.
#![cfg(target_os = "linux")]

#[cfg(target_arch = "x86_64")]
mod deaths;
mod helper;
mod listed;
mod races;
mod reaping;
mod semaphores;
mod traps;
mod verdicts;

use std::time::{Duration, Instant};

use cenote::catalog::{self, Entry, Outcome, Reap, Verdict};
use testkit::{Watchdog, watchdog};

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

#[test]
fn helper() {
    helper::serve_if_asked();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn kill_points() {
    deaths::serve_if_asked();
}

fn minutes() -> Watchdog {
    watchdog(Duration::from_secs(300))
}

/// What a failed test may have left is removed with it.
struct Left(String);

impl Drop for Left {
    fn drop(&mut self) {
        let _ = cenote::Segment::remove(&*self.0);
    }
}

fn look(address: &str) -> Entry {
    catalog::look(&address.parse().unwrap()).unwrap()
}

/// Waits until the segment is judged so: a child that another test is just starting has everything open that this process has.
#[track_caller]
fn until_judged(address: &str, verdict: Verdict) -> Entry {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let entry = look(address);
        if entry.verdict == verdict {
            return entry;
        }
        assert!(Instant::now() < end, "{address} is {}: {}", entry.verdict, entry.reason);
        std::thread::yield_now();
    }
}

/// Reaps what the pattern fits, whatever its age, until nothing but what is spared for good is left: see [`until_judged`].
fn reap(pattern: &str) -> Vec<(String, Outcome)> {
    let found = Reap::new().matching(pattern).unwrap().older(Duration::ZERO).run().unwrap();
    found.into_iter().map(|one| (one.address.to_string(), one.outcome)).collect()
}

/// Waits until reaping has removed the segment.
#[track_caller]
fn until_reaped(address: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        match &reap(address)[..] {
            [(_, Outcome::Removed)] => return,
            other => assert!(Instant::now() < end, "{address}: {other:?}"),
        }
    }
}
