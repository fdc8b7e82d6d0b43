//! Tests that cannot run here say so.

use std::io::Write;
use std::thread;

/// Says on stderr that the running test is skipped, and why; past the test harness, which shows what
/// `eprintln!` says only when a test fails.
pub fn skipped(why: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}
