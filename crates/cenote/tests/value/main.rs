//! Values and blobs: whole for whoever loads them, across processes, deaths, and what a hostile one writes.
#![cfg(target_os = "linux")]

mod blobs;
#[cfg(target_arch = "x86_64")]
mod deaths;
mod frame;
mod hostile;
mod kills;
mod taking_turns;
mod types;
mod waiting;
mod worker;

use std::time::Duration;

use testkit::names::NativeName as Name;
use testkit::{Watchdog, watchdog};

#[test]
fn worker() {
    worker::serve_if_asked();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn kill_points() {
    deaths::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}
