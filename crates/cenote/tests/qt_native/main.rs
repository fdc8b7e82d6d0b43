//! Native keys, ours and a Qt that has them: the same bytes, the same lock, the same semaphore, on System V with any
//! project id and on POSIX.

mod every_type;
mod posix;
mod semaphores;
mod system_v;

use std::time::Duration;

use testkit::names::TempDir;
use testkit::qt::QtKey;
use testkit::{Peer, agent, peers, watchdog};

#[test]
fn agent() {
    agent::serve_if_asked();
}

/// Long enough to see that somebody waits.
const SOON: Duration = Duration::from_millis(150);
/// Nothing takes as long.
const LATE: Duration = Duration::from_secs(20);

fn address(key: &QtKey) -> String {
    format!("qt:{}", key.text())
}

/// Runs a test on a key of each type.
fn with_each_type(test: impl Fn(Peer, &QtKey)) {
    let _watchdog = watchdog(Duration::from_secs(120));
    let folder = TempDir::new();
    for key in [QtKey::posix(), QtKey::systemv(folder.path(), b'Q'), QtKey::systemv(folder.path(), 7)] {
        if let Some(qt) = peers::pyside() {
            test(qt, &key);
            drop(cenote::Segment::remove(address(&key)));
            assert!(key.files().is_empty(), "{:?} is left", key.files());
        }
    }
}
