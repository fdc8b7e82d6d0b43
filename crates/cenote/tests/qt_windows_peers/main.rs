//! Ours and a real Qt for Windows on one key: the same bytes, the same lock, the same semaphore.
//!
//! The peer is a program that loads Qt's own DLLs, on Windows or under Wine. Our side is this process, or an agent where
//! there must be more, or one has to die.
#![cfg(windows)]

mod errors;
mod keys;
mod locks;
mod memory;
#[cfg(feature = "image")]
mod pictures;
mod semaphores;

use std::time::Duration;

use cenote::qt::{KeyType, NativeKey};
use testkit::words::encode;
use testkit::{Peer, Watchdog, peers, watchdog};

/// Long enough to see that somebody waits.
const SOON: Duration = Duration::from_millis(150);
/// Nothing takes as long.
const LATE: Duration = Duration::from_secs(20);

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// The program on Qt.
fn peer() -> Option<Peer> {
    peers::command("qt-windows").map(Peer::spawn)
}

/// A key that no other test uses.
struct Key {
    /// As our address.
    address: String,
    /// As NAME in a command to the peer.
    word: String,
}

impl Key {
    /// What `QSharedMemory(QString)` takes.
    fn legacy() -> Self {
        let key = testkit::names::unique("qt");
        Self { address: format!("qt:{key}"), word: key }
    }

    /// What `platformSafeKey` makes of a name.
    fn native() -> Self {
        let key = testkit::names::unique("qt");
        Self::of_native(&NativeKey::of_segment(&key, KeyType::DEFAULT).unwrap())
    }

    fn of_native(key: &NativeKey) -> Self {
        Self { address: format!("qt:{key}"), word: format!("native:{}", encode(&key.to_string())) }
    }
}

/// Runs a test with a key of each sort.
fn with_each_key(test: impl Fn(Peer, &Key)) {
    let _watchdog = minute();
    for key in [Key::legacy(), Key::native()] {
        if let Some(qt) = peer() {
            test(qt, &key);
        }
    }
}
