//! The cookbook's programs as a reader runs them: our examples and the classic programs beside them, in all
//! pairings. And its pages: what they show of a program is what is in it.
//!
//! Classic programs that are not there are skipped, and named. The recipes for Windows run there, or under Wine.
#![cfg(any(target_os = "linux", windows))]

#[cfg(target_os = "linux")]
mod camera;
mod control_channel;
#[cfg(windows)]
mod copy_data;
#[cfg(windows)]
mod file_mapping;
#[cfg(target_os = "linux")]
mod lockf_children;
#[cfg(target_os = "linux")]
mod message_queue;
#[cfg(target_os = "linux")]
mod mmap_file;
#[cfg(target_os = "linux")]
mod mmap_fork;
#[cfg(target_os = "linux")]
mod mutex_structure;
mod pages;
#[cfg(all(target_os = "linux", feature = "image"))]
mod picture;
#[cfg(target_os = "linux")]
mod places;
#[cfg(target_os = "linux")]
mod producer_consumer;
mod programs;
#[cfg(target_os = "linux")]
mod qt_hello;
#[cfg(target_os = "linux")]
mod system_v;
#[cfg(target_os = "linux")]
mod tagged_messages;
mod telemetry;
#[cfg(windows)]
mod typed;

use std::time::Duration;

#[cfg(target_os = "linux")]
use places::{WellKnown, alone_with_qt, is_in_shm, qt_files};
use testkit::{Watchdog, watchdog};

/// Also for building the examples, if this is the first test to need them.
fn minutes() -> Watchdog {
    watchdog(Duration::from_secs(300))
}
