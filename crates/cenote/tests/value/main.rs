//! Values and blobs: whole for whoever loads them, across processes, deaths, and what a hostile one writes.
#![cfg(target_os = "linux")]

mod blobs;
#[cfg(target_arch = "x86_64")]
mod deaths;
mod frame;
mod hostile;
mod kills;
mod taking_turns;
mod types;
mod waiting;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use testkit::{Watchdog, watchdog};

#[test]
fn worker() {
    worker::serve_if_asked();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn kill_points() {
    deaths::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// A name that no other test uses. What a failed test leaves is removed with it.
struct Name(String);

impl Name {
    fn unique() -> Self {
        Self(testkit::names::unique("value"))
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

    fn is_there(&self) -> bool {
        self.path().symlink_metadata().is_ok()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path());
    }
}
