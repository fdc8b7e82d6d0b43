//! The only door to the operating system: mapping, files, locks of the kernel, waiting, copying, SIGBUS, processes.
//!
//! What lies above asks for what it needs in words of its own and never sees which system answers.

mod atomic;
mod copy;
#[cfg(unix)]
mod unix;
mod wait;

#[cfg(unix)]
pub(crate) use unix::*;
pub(crate) use wait::{Backoff, Wait};
