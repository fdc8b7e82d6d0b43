//! `cenote pub`: messages to all who subscribe to a topic.

use cenote::Address;

use super::making::MakeArgs;
use super::outgoing::{self, OutgoingArgs};
use crate::access::Context;
use crate::failure::{Failure, warn_of};
use crate::help;

/// Publish messages to a topic
#[derive(clap::Args)]
#[command(long_about = help::PUB, after_long_help = help::PUB_EXAMPLES)]
pub(crate) struct Args {
    /// Which topic; `cenote help` lists the forms
    address: Address,
    #[command(flatten)]
    outgoing: OutgoingArgs,
    #[command(flatten)]
    make: MakeArgs,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let publisher = args.make.topic(&args.address, context, false)?.publisher()?;
    let published = args.outgoing.each(context, |tag, bytes, left| match left {
        None => publisher.publish_tagged(tag, bytes),
        Some(left) => publisher.publish_tagged_timeout(tag, bytes, left),
    })?;
    let address = publisher.segment().address().to_string();
    warn_of(publisher.detach());
    outgoing::done("published", published, &address, context)
}
