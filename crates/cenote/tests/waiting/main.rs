//! Waiting for several channels at once, and by descriptors: between processes, whoever dies.
#![cfg(target_os = "linux")]

mod agent;
mod any;
mod crowd;
mod cut;
mod descriptor;

use std::path::PathBuf;
use std::time::Duration;

use testkit::{Peer, Watchdog, watchdog};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn agent() {
    agent::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// 0.1 % of a processor, of two seconds.
const QUIET: Duration = Duration::from_millis(2);

/// The least of the microseconds that it takes to do nothing for so many milliseconds: the system counts some of what others
/// do.
fn least(mut idle: impl FnMut(u64) -> u64) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..5 {
        least = least.min(Duration::from_micros(idle(2000)));
        if least < QUIET {
            break;
        }
    }
    least
}

/// A process with an end of its own.
fn end(what: &str, name: &Name) -> Peer {
    let mut peer = testkit::agent::spawn();
    peer.ask(&format!("{what} {}", name.address())).expect_ok();
    peer
}

/// A name that no other test uses. What a failed test leaves is removed with it.
struct Name(String);

impl Name {
    fn unique() -> Self {
        Self(testkit::names::unique("waiting"))
    }

    /// Without a kind, as a native segment is named.
    fn address(&self) -> &str {
        &self.0
    }

    fn path(&self) -> PathBuf {
        use std::os::unix::fs::MetadataExt;
        let uid = std::fs::metadata("/proc/self").unwrap().uid();
        format!("/dev/shm/cenote.{uid}.{}", self.0).into()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path());
    }
}
