//! Algorithms over words that several processes share. They own no memory, so that loom runs the very code that ships.

pub(crate) mod lock;
pub(crate) mod semaphore;
mod word;

pub(crate) use word::Word;
