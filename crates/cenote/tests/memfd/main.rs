//! Anonymous memory: what one process makes without a name, others get by a descriptor. What is sealed nobody changes,
//! whoever they are and however they try, and so it is read as a plain slice: there is no unsafe code here, but for the attacker's in `mapper.rs`.
#![cfg(target_os = "linux")]
#![deny(unsafe_code)]

mod child;
mod handing;
mod hostile;
mod life;
mod locks;
mod mapper;
mod sealing;

use std::time::Duration;

use cenote::{Sealed, Segment};
use testkit::{Watchdog, watchdog};

/// Runs what this program was started again for; nothing in an ordinary run.
#[test]
fn child() {
    child::run_if_asked();
}

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// Seals a segment for good. Children that other tests are just starting have it mapped for a moment.
fn seal(mut segment: Segment) -> Sealed {
    loop {
        match segment.into_sealed() {
            Ok(sealed) => return sealed,
            Err(refused) => segment = refused.into_segment(),
        }
    }
}
