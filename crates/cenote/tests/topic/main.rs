//! Topics: everybody who subscribes reads everything, in whatever process, and whoever dies.
#![cfg(target_os = "linux")]

mod agent;
mod basics;
mod containers;
#[cfg(target_arch = "x86_64")]
mod cost;
#[cfg(target_arch = "x86_64")]
mod deaths;
mod hostile;
#[path = "../queue/message.rs"]
mod message;
mod processes;
mod several;
mod storm;
mod traffic;
mod users;
#[path = "../queue/words.rs"]
mod words;
#[path = "../native/workers.rs"]
#[expect(dead_code, reason = "not all of it is used here")]
mod workers;

use std::time::Duration;

use cenote::{Topic, TopicOptions, WhenFull};
use testkit::names::NativeName as Name;
use testkit::{Watchdog, watchdog};

#[cfg(target_arch = "x86_64")]
#[test]
fn publishing() {
    cost::serve_if_asked();
}

#[test]
fn agent() {
    agent::serve_if_asked();
}

#[test]
fn worker() {
    workers::serve_if_asked(&[("publish", traffic::publish), ("subscribe", traffic::subscribe)]);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn kill_points() {
    deaths::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
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
