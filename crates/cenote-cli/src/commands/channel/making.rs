//! How to make a channel that is missing.

use cenote::{Address, Queue, Topic};

use crate::access::Context;
use crate::failure::Failure;
use crate::numbers;

/// How to make a channel that is missing.
#[derive(clap::Args)]
pub(super) struct MakeArgs {
    /// Make it if there is none: for any number of processes at either end, and kept until it is removed
    #[arg(long)]
    create: bool,
    /// How many messages a new one has room for, rounded up to a power of two
    #[arg(long, value_name = "MESSAGES", default_value_t = 256, requires = "create")]
    depth: u64,
    /// How long a message of a new one can be
    #[arg(long, value_name = "SIZE", default_value = "4KiB", value_parser = numbers::size, requires = "create")]
    longest: u64,
    /// The permissions of a new one, in octal, whatever the umask
    #[arg(long, value_name = "MODE", default_value = "0600", value_parser = numbers::mode, requires = "create")]
    mode: u32,
}

impl MakeArgs {
    pub(super) fn queue(&self, address: &Address, context: &Context) -> Result<Queue, Failure> {
        let segment = context.options(None, false)?.mode(self.mode);
        let options = Queue::<[u8]>::options().depth(self.depth).message(self.longest).segment(&segment);
        let address = address.clone();
        Ok(if self.create { options.open_or_create(address)? } else { options.attach(address)? })
    }

    /// Where this user may only read, that is enough for who only reads.
    pub(super) fn topic(&self, address: &Address, context: &Context, reads: bool) -> Result<Topic, Failure> {
        let segment = context.options(None, false)?.mode(self.mode);
        let options = Topic::<[u8]>::options().depth(self.depth).message(self.longest);
        let to_write = options.clone().segment(&segment);
        if self.create {
            return Ok(to_write.open_or_create(address.clone())?);
        }
        match to_write.attach(address.clone()) {
            Err(error) if reads && error.kind() == cenote::ErrorKind::PermissionDenied => {
                Ok(options.segment(&segment.read_only()).attach(address.clone())?)
            }
            attached => Ok(attached?),
        }
    }
}
