//! Channels: messages between processes, over native segments.
//!
//! A [`Queue`] has each message received once, by whoever receives; one that is full makes its senders wait, fails, or
//! drops what is oldest, as its creator chose. A [`Topic`] has each message read by everybody who subscribes; who is slow is
//! told how many it missed, or holds the publisher back, likewise. `docs/format/channel.md` says it byte by byte.

mod arrived;
mod cell;
mod descriptor;
mod end;
mod item;
mod looking;
mod making;
mod outlet;
mod pool;
mod queue;
mod ring;
mod several;
mod topic;
mod waiting;

pub use crate::layout::WhenFull;
pub use descriptor::Descriptor;
pub use item::Item;
pub use outlet::Loan;
pub use queue::{Borrowed, Queue, QueueOptions, Receiver, Sender, Statistics};
pub use several::{Source, wait_for_any};
pub use topic::{Publisher, Sample, Subscribed, Subscriber, Topic, TopicOptions, TopicStatistics};
