//! Messages that come in, and are printed.

use std::path::PathBuf;
use std::time::Duration;

use cenote::Segment;
use cenote::value::{Content, Description};

use super::Form;
use super::message;
use crate::access::Context;
use crate::failure::Failure;
use crate::output::Sink;

/// How many messages, and how they are printed.
#[derive(clap::Args)]
pub(super) struct IncomingArgs {
    /// How many messages
    #[arg(long, value_name = "NUMBER", default_value_t = 1, conflicts_with = "follow")]
    count: u64,
    /// Go on until interrupted
    #[arg(short, long)]
    follow: bool,
    /// In which form; without this, by the type of the messages, or as text if it is one, else in hex
    #[arg(long = "as", value_name = "FORM")]
    form: Option<Form>,
    /// Write to a file; `-` is stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl IncomingArgs {
    /// Prints each that comes, from a function that is told how long it may take.
    pub(super) fn each(
        &self,
        context: &Context,
        of: Option<&Description>,
        receive: impl Fn(Option<Duration>) -> cenote::Result<(u32, Vec<u8>)>,
    ) -> Result<(), Failure> {
        let form = if context.json { Some(Form::Json) } else { self.form };
        let mut left = if self.follow { None } else { Some(self.count) };
        // Before anything is received that could then not be printed.
        let mut sink = Sink::open(self.output.as_deref())?;
        while left != Some(0) {
            let (tag, bytes) = receive(context.deadline.left())?;
            sink.write(&message::print(tag, &bytes, form, of))?;
            sink.flush()?;
            left = left.map(|left| left - 1);
        }
        sink.finish()
    }
}

/// The type of the messages, if they have one.
pub(super) fn type_of(segment: &Segment) -> Result<Option<Description>, Failure> {
    Ok(match Content::of_segment(segment)? {
        Content::Queue { description, .. } | Content::Topic { description, .. } => description,
        _ => None,
    })
}
