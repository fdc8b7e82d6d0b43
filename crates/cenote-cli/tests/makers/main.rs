//! `cenote ls` and `cenote reap` among the real makers: each program makes its segments, runs on or is killed, and what
//! is said of them is compared with what is so. The table in docs/catalog.md names these tests.
#![cfg(target_os = "linux")]

mod boost;
mod c;
mod chromium;
mod iceoryx2;
mod native;
mod postgresql;
mod program;
mod python;
mod qt;
mod room;
mod together;
mod trial;

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}
