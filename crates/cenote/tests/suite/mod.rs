//! The suite: each function is one promise, for any kind of segment.

mod bytes;
#[cfg(unix)]
mod forks;
mod locks;
mod place;

pub(crate) use bytes::*;
#[cfg(unix)]
pub(crate) use forks::*;
pub(crate) use locks::*;
pub(crate) use place::{Place, Removal};
