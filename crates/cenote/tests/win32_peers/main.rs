//! C++ programs on CreateFileMapping that know nothing of Cenote: the same bytes, and a mutex between them.
//!
//! They run on Windows, or under Wine. Our side is this process, or an agent where it has to die.
#![cfg(windows)]

mod catalog;
mod handles;
mod locks;
mod memory;
mod names;

use std::time::Duration;

use testkit::{Peer, Watchdog, peers, watchdog};

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// The peer that speaks the line protocol.
fn peer() -> Option<Peer> {
    peers::command("win32").map(Peer::spawn)
}

/// A name that no other test uses, as Windows has it.
fn unique() -> String {
    format!(r"Local\{}", testkit::names::unique("win32"))
}

/// The address of the mapping of that name.
fn at(name: &str) -> String {
    format!("windows:{name}")
}
