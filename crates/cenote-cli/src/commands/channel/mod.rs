//! Channels from the shell: what `cenote send`, `recv`, `pub` and `sub` have in common.

mod incoming;
mod making;
mod message;
mod outgoing;
pub(crate) mod publish;
pub(crate) mod recv;
pub(crate) mod send;
pub(crate) mod subscribe;

use clap::ValueEnum;

/// How a message is written in text.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// UTF-8
    Text,
    /// Two digits a byte
    Hex,
    /// The bytes exactly as they are
    Raw,
    /// An object in a line: `tag`, and `text` or `hex`; received ones have `len`, and `value` where the type is known
    Json,
}
