//! `cenote send`: messages into a queue.

use cenote::Address;

use super::making::MakeArgs;
use super::outgoing::{self, OutgoingArgs};
use crate::access::Context;
use crate::failure::{Failure, warn_of};
use crate::help;

/// Send messages to a queue
#[derive(clap::Args)]
#[command(long_about = help::SEND, after_long_help = help::SEND_EXAMPLES)]
pub(crate) struct Args {
    /// Which queue; `cenote help` lists the forms
    address: Address,
    #[command(flatten)]
    outgoing: OutgoingArgs,
    #[command(flatten)]
    make: MakeArgs,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let sender = args.make.queue(&args.address, context)?.sender()?;
    let sent = args.outgoing.each(context, |tag, bytes, left| match left {
        None => sender.send_tagged(tag, bytes),
        Some(left) => sender.send_tagged_timeout(tag, bytes, left),
    })?;
    let address = sender.segment().address().to_string();
    warn_of(sender.detach());
    outgoing::done("sent", sent, &address, context)
}
