//! Algorithms over words that several processes share. They own no memory, so that loom runs the very code that ships.

pub(crate) mod condvar;
mod door;
pub(crate) mod event;
pub(crate) mod lock;
#[cfg(all(test, loom))]
mod model;
pub(crate) mod permits;
pub(crate) mod rwlock;
pub(crate) mod semaphore;
pub(crate) mod shares;
#[cfg(all(test, loom))]
pub(crate) mod traced;
mod turns;
mod word;

pub(crate) use door::{Door, Sleeper};
pub(crate) use shares::Crowd;
pub(crate) use word::{Readable, Word, fence};
