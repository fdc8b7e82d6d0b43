//! The only door to the operating system: mapping, files, locks of the kernel, waiting, copying, SIGBUS, processes.
//!
//! What lies above asks for what it needs in words of its own and never sees which system answers.

#[cfg(unix)]
mod atomic;
mod copy;
#[allow(dead_code, reason = "some of it only one of the systems tells")]
mod facts;
mod mapping;
#[cfg(unix)]
mod unix;
mod wait;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::LocalStream;
#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub use windows::LocalStream;
#[cfg(windows)]
pub(crate) use windows::*;

pub(crate) use facts::*;
pub(crate) use mapping::Mapping;
pub(crate) use wait::{Backoff, Wait};
