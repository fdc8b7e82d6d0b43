//! `cenote sub`: what is published to a topic.

use std::cell::Cell;

use cenote::Address;

use super::incoming::{self, IncomingArgs};
use super::making::MakeArgs;
use crate::access::Context;
use crate::failure::{Failure, warn, warn_of};
use crate::help;

const HINT: &str = "print more quickly, or make the topic deeper";

/// Subscribe to a topic, and print what is published there
#[derive(clap::Args)]
#[command(long_about = help::SUB, after_long_help = help::SUB_EXAMPLES)]
pub(crate) struct Args {
    /// Which topic; `cenote help` lists the forms
    address: Address,
    /// Begin with so many messages that are there already, the last ones
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    last: u64,
    #[command(flatten)]
    incoming: IncomingArgs,
    #[command(flatten)]
    make: MakeArgs,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let topic = args.make.topic(&args.address, context, true)?;
    let of = incoming::type_of(topic.segment())?;
    let subscriber = topic.subscriber_with_last(args.last)?;
    let told = Cell::new(0);
    args.incoming.each(context, of.as_ref(), |left| {
        let received = match left {
            None => subscriber.receive_tagged(),
            Some(left) => subscriber.receive_tagged_timeout(left),
        };
        let missed = subscriber.missed();
        let missed = missed.wrapping_sub(told.replace(missed));
        if missed > 0 {
            let messages = if missed == 1 { "message" } else { "messages" };
            warn(&format!("missed {missed} {messages}, written over before they were printed"), HINT);
        }
        received
    })?;
    warn_of(subscriber.detach());
    Ok(())
}
