//! Channels from the shell: what `cenote send` and `cenote recv` have in common.

mod message;
pub(crate) mod recv;
pub(crate) mod send;

use cenote::{Address, Queue};
use clap::ValueEnum;

use crate::access::Context;
use crate::failure::Failure;
use crate::numbers;

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

/// How to make a queue that is missing.
#[derive(clap::Args)]
struct MakeArgs {
    /// Make the queue if there is none: for any number of senders and receivers, and kept until it is removed
    #[arg(long)]
    create: bool,
    /// How many messages a new queue has room for, rounded up to a power of two
    #[arg(long, value_name = "MESSAGES", default_value_t = 256, requires = "create")]
    depth: u64,
    /// How long a message of a new queue can be
    #[arg(long, value_name = "SIZE", default_value = "4KiB", value_parser = numbers::size, requires = "create")]
    longest: u64,
    /// The permissions of a new queue, in octal, whatever the umask
    #[arg(long, value_name = "MODE", default_value = "0600", value_parser = numbers::mode, requires = "create")]
    mode: u32,
}

impl MakeArgs {
    fn queue(&self, address: &Address, context: &Context) -> Result<Queue, Failure> {
        let segment = context.options(None, false)?.mode(self.mode);
        let options = Queue::<[u8]>::options().depth(self.depth).message(self.longest).segment(&segment);
        let address = address.clone();
        Ok(if self.create { options.open_or_create(address)? } else { options.attach(address)? })
    }
}
