//! `cenote recv`: messages out of a queue.

use cenote::Address;

use super::incoming::{self, IncomingArgs};
use super::making::MakeArgs;
use crate::access::Context;
use crate::failure::{Failure, warn_of};
use crate::help;

/// Receive messages from a queue, and print them
#[derive(clap::Args)]
#[command(long_about = help::RECV, after_long_help = help::RECV_EXAMPLES)]
pub(crate) struct Args {
    /// Which queue; `cenote help` lists the forms
    address: Address,
    #[command(flatten)]
    incoming: IncomingArgs,
    #[command(flatten)]
    make: MakeArgs,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let queue = args.make.queue(&args.address, context)?;
    let of = incoming::type_of(queue.segment())?;
    let receiver = queue.receiver()?;
    args.incoming.each(context, of.as_ref(), |left| match left {
        None => receiver.receive_tagged(),
        Some(left) => receiver.receive_tagged_timeout(left),
    })?;
    warn_of(receiver.detach());
    Ok(())
}
