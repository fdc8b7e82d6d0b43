//! Tests that cannot run here say so.

use std::env;
use std::io::Write;
use std::thread;

/// Says on stderr that the running test is skipped, and why; past the test harness, which shows what
/// `eprintln!` says only when a test fails.
///
/// # Panics
/// If `CENOTE_REQUIRE_PEERS` is set: then nothing may be skipped.
pub fn skipped(why: &str) {
    assert!(env::var_os("CENOTE_REQUIRE_PEERS").is_none(), "nothing may be skipped here: {why}");
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}
