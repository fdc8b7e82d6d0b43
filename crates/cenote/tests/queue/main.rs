//! Queues: between processes, whatever their rules, and whoever dies.
#![cfg(target_os = "linux")]

mod agent;
mod basics;
mod books;
mod containers;
#[cfg(target_arch = "x86_64")]
mod deaths;
mod hostile;
mod labour;
mod message;
mod processes;
mod scene;
mod soak;
mod storm;
mod traffic;
mod users;
mod words;
#[path = "../native/workers.rs"]
#[expect(dead_code, reason = "not all of it is used here")]
mod workers;

use std::time::Duration;

use cenote::channel::Item;
use cenote::{Queue, QueueOptions, WhenFull};
use testkit::names::NativeName as Name;
use testkit::{Watchdog, watchdog};

#[test]
fn agent() {
    agent::serve_if_asked();
}

#[test]
fn worker() {
    workers::serve_if_asked(&[
        ("send", labour::send),
        ("receive", labour::receive),
        ("publish", soak::topics::traffic::publish),
        ("subscribe", soak::topics::traffic::subscribe),
        ("witness", soak::topics::labour::witness),
    ]);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn kill_points() {
    deaths::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// By whose rules a queue is sent to and received from.
#[derive(Clone, Copy, Debug)]
enum Rules {
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
    DropOldest,
    /// Senders that find it full are told, and come again: the others do as well, where tests want that.
    Fail,
}

/// All that tell a queue how to be used: `Fail` differs from `ManyToMany` only in what a sender does that finds it full.
const ALL_RULES: [Rules; 5] =
    [Rules::OneToOne, Rules::ManyToOne, Rules::OneToMany, Rules::ManyToMany, Rules::DropOldest];

impl Rules {
    fn options(self) -> QueueOptions {
        self.options_of::<[u8]>()
    }

    fn options_of<T: Item + ?Sized>(self) -> QueueOptions<T> {
        let options = Queue::<T>::options();
        match self {
            Self::OneToOne => options.one_sender().one_receiver(),
            Self::ManyToOne => options.one_receiver(),
            Self::OneToMany => options.one_sender(),
            Self::ManyToMany => options,
            Self::DropOldest => options.when_full(WhenFull::DropOldest),
            Self::Fail => options.when_full(WhenFull::Fail),
        }
    }
}
