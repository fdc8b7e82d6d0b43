//! Topics: everybody who subscribes reads everything, in whatever process, and whoever dies.
#![cfg(target_os = "linux")]

mod basics;
#[cfg(target_arch = "x86_64")]
mod cost;

use std::path::PathBuf;
use std::time::Duration;

use cenote::{Topic, TopicOptions, WhenFull};
use testkit::{Watchdog, watchdog};

#[cfg(target_arch = "x86_64")]
#[test]
fn publishing() {
    cost::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// A name that no other test uses. What a failed test leaves is removed with it.
struct Name(String);

impl Name {
    fn unique() -> Self {
        Self(testkit::names::unique("topic"))
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

/// By whose rules a topic is published to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    /// One publisher, that waits for nobody.
    One,
    Many,
    /// They wait for who is slow.
    OneWaits,
    ManyWait,
}

const ALL_RULES: [Rules; 4] = [Rules::One, Rules::Many, Rules::OneWaits, Rules::ManyWait];

impl Rules {
    fn options(self) -> TopicOptions {
        let options = Topic::<[u8]>::options();
        match self {
            Self::One => options.one_publisher(),
            Self::Many => options,
            Self::OneWaits => options.one_publisher().when_full(WhenFull::Wait),
            Self::ManyWait => options.when_full(WhenFull::Wait),
        }
    }

    fn waits(self) -> bool {
        matches!(self, Self::OneWaits | Self::ManyWait)
    }
}
