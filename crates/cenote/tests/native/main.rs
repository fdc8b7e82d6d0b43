//! Native segments: holders that the kernel vouches for, lifetimes, the lock, what is found under their names, and what
//! deaths in numbers do to them, in one user's processes, in several users' and in several containers.
#![cfg(target_os = "linux")]

mod containers;
#[cfg(target_arch = "x86_64")]
mod deaths;
#[cfg(target_arch = "x86_64")]
mod deaths_named;
mod first_moments;
mod holders;
mod lifetimes;
mod locks;
mod named;
mod spawning;
mod squatted;
mod storm;
mod takeover;
mod users;
mod workers;

use std::path::PathBuf;
use std::time::Duration;

use testkit::{Watchdog, watchdog};

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn kill_points() {
    deaths::serve_if_asked();
}

#[test]
fn worker() {
    workers::serve_if_asked(&[
        ("come-and-go", first_moments::come_and_go),
        ("come-and-go-once", first_moments::come_and_go_once),
        ("storm", storm::work),
        ("hold", takeover::hold),
        ("wait", takeover::wait),
        ("contend", takeover::contend),
    ]);
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// A name that no other test uses. What a failed test leaves is removed with it.
struct Name(String);

impl Name {
    fn unique() -> Self {
        Self(testkit::names::unique("native"))
    }

    fn address(&self) -> String {
        format!("cenote:{}", self.0)
    }

    /// Where the page says that it is.
    fn path(&self) -> PathBuf {
        format!("/dev/shm/cenote.{}.{}", uid(), self.0).into()
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

fn uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid()
}
