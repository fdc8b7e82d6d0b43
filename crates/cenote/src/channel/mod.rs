//! Channels: messages between processes, over native segments.
//!
//! A [`Queue`] has each message received once, by whoever receives; one that is full makes its senders wait, fails, or
//! drops what is oldest, as its creator chose. `docs/format/channel.md` says it byte by byte.

mod pool;
mod queue;
mod ring;
mod waiting;

pub use crate::layout::WhenFull;
pub use queue::{Borrowed, Item, Loan, Queue, QueueOptions, Receiver, Sender, Statistics};
