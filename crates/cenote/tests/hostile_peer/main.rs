//! One process uses native segments in every way that the API has, while another of the same user does to their files
//! whatever system calls can do: it scribbles over headers, locks and slots, cuts, grows, unlinks, renames and replaces
//! files, takes the locks that holders have, and is stopped with them in hand. Each act costs the first one an error of a
//! kind that is documented, and nothing else: no panic, no death, no wait beyond what was allowed, no memory beyond what
//! was asked for, no descriptor and no mapping that stays.
//!
//! `CENOTE_FUZZ_SECONDS=3600 cargo test --release -p cenote --test hostile_peer` goes on for an hour. Each pair of
//! processes prints its seed; `CENOTE_FUZZ_SEED=N` begins with that one, and does the same things again, as far as two
//! processes can. With `CENOTE_FUZZ_TRACE=1` the victim says what it does before it does it.
//!
//! What a program can do to a segment is in `operations.rs`, one function each; what can be done to a file, in `acts.rs`.
#![cfg(target_os = "linux")]

mod accounts;
mod acts;
mod attacker;
mod bytes;
mod named;
mod operations;
mod pair;
mod queues;
mod topics;
mod values;
mod victim;

use std::env;
use std::time::Duration;

use testkit::watchdog;

/// How many pairs there are, each with a seed and a segment of its own.
const PAIRS: u64 = 3;
const SECONDS: u64 = 20;

/// Plays the part that this program was started again for; nothing in an ordinary run.
#[test]
fn child() {
    pair::play_if_asked();
}

#[test]
fn a_hostile_peer_costs_errors_and_nothing_else() {
    let time = Duration::from_secs(number("CENOTE_FUZZ_SECONDS").unwrap_or(SECONDS));
    let _watchdog = watchdog(time + Duration::from_secs(90));
    let first = number("CENOTE_FUZZ_SEED").unwrap_or(1);
    std::thread::scope(|scope| {
        for seed in first..first + PAIRS {
            scope.spawn(move || pair::run(seed, time));
        }
    });
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}: a number")))
}
