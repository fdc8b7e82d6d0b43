//! The command on Windows, or under Wine: real processes, and C++ programs that know nothing of it.
#![cfg(windows)]

mod holding;
mod kinds;
mod listing;
mod locking;
mod qt;
mod support;
