//! The only door to the operating system: mapping, files, locks of the kernel, waiting, copying, SIGBUS, processes.
//!
//! What lies above asks for what it needs in words of its own and never sees which system answers. What a system does
//! not have is there all the same, and says so.

#[cfg(target_os = "linux")]
mod atomic;
mod copy;
#[allow(dead_code, reason = "some of it only one of the systems tells")]
mod facts;
#[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code, reason = "nothing is mapped there yet"))]
mod mapping;
#[cfg(not(target_os = "linux"))]
mod no_linux;
#[cfg(not(windows))]
mod no_windows;
#[cfg(not(any(target_os = "linux", windows)))]
mod other;
#[cfg(target_os = "linux")]
mod unix;
#[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code, reason = "nobody waits there yet"))]
mod wait;
#[cfg(windows)]
mod windows;

#[cfg(not(target_os = "linux"))]
pub use no_linux::LocalStream;
#[cfg(not(target_os = "linux"))]
pub(crate) use no_linux::*;
#[cfg(not(windows))]
pub(crate) use no_windows::*;
#[cfg(not(any(target_os = "linux", windows)))]
pub(crate) use other::*;
#[cfg(target_os = "linux")]
pub use unix::LocalStream;
#[cfg(target_os = "linux")]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;

pub(crate) use facts::*;
pub(crate) use mapping::{Mapping, WordToRead, Words};
pub(crate) use wait::{Backoff, Wait};
