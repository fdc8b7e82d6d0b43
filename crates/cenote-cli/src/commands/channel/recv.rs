//! `cenote recv`: messages out of a queue.

use std::path::PathBuf;

use cenote::value::Content;
use cenote::{Address, Receiver};

use super::message;
use super::{Form, MakeArgs};
use crate::access::Context;
use crate::failure::{Failure, warn_of};
use crate::help;
use crate::output::Sink;

/// Receive messages from a queue, and print them
#[derive(clap::Args)]
#[command(long_about = help::RECV, after_long_help = help::RECV_EXAMPLES)]
pub(crate) struct Args {
    /// Which queue; `cenote help` lists the forms
    address: Address,
    /// How many messages
    #[arg(long, value_name = "NUMBER", default_value_t = 1, conflicts_with = "follow")]
    count: u64,
    /// Receive until interrupted
    #[arg(short, long)]
    follow: bool,
    /// In which form; without this, by the type of the queue, or as text if it is one, else in hex
    #[arg(long = "as", value_name = "FORM")]
    form: Option<Form>,
    /// Write to a file; `-` is stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    make: MakeArgs,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let queue = args.make.queue(&args.address, context)?;
    let of = match Content::of_segment(queue.segment())? {
        Content::Queue { description, .. } => description,
        _ => None,
    };
    let receiver = queue.receiver()?;
    let form = if context.json { Some(Form::Json) } else { args.form };
    let mut left = if args.follow { None } else { Some(args.count) };
    // Before anything is received that could then not be printed.
    let mut sink = Sink::open(args.output.as_deref())?;
    while left != Some(0) {
        let (tag, bytes) = one(&receiver, context)?;
        sink.write(&message::print(tag, &bytes, form, of.as_ref()))?;
        sink.flush()?;
        left = left.map(|left| left - 1);
    }
    sink.finish()?;
    warn_of(receiver.detach());
    Ok(())
}

fn one(receiver: &Receiver, context: &Context) -> Result<(u32, Vec<u8>), Failure> {
    Ok(match context.deadline.left() {
        None => receiver.receive_tagged()?,
        Some(left) => receiver.receive_tagged_timeout(left)?,
    })
}
