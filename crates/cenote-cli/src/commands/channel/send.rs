//! `cenote send`: messages into a queue.

use std::ffi::OsString;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use cenote::{Address, ErrorKind, Sender};
use serde::Serialize;

use super::message::{self, Outgoing};
use super::{Form, MakeArgs};
use crate::access::Context;
use crate::failure::{Failure, warn_of};
use crate::{help, output, platform};

/// Send messages to a queue
#[derive(clap::Args)]
#[command(long_about = help::SEND, after_long_help = help::SEND_EXAMPLES)]
pub(crate) struct Args {
    /// Which queue; `cenote help` lists the forms
    address: Address,
    /// The messages, one each; `-` takes each line of stdin for one, or with --as raw all of it
    #[arg(required_unless_present = "file")]
    messages: Vec<OsString>,
    /// Send the bytes of a file as one message
    #[arg(long, value_name = "FILE", conflicts_with_all = ["messages", "form"])]
    file: Option<PathBuf>,
    /// The tag of each message: a number that the receiver gets beside it
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    tag: u32,
    /// How the messages are written
    #[arg(long = "as", value_name = "FORM", default_value = "text")]
    form: Form,
    #[command(flatten)]
    make: MakeArgs,
}

#[derive(Serialize)]
struct Sent {
    address: String,
    sent: u64,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let sender = args.make.queue(&args.address, context)?.sender()?;
    let mut sent = 0;
    let mut send = |message: &Outgoing| {
        one(&sender, message.tag.unwrap_or(args.tag), &message.bytes, context)?;
        sent += 1;
        Ok(())
    };
    if let Some(file) = &args.file {
        let bytes = std::fs::read(file).map_err(|error| {
            Failure::io(
                format!("cannot read {}", file.display()),
                &error,
                "check the path and its permissions",
            )
        })?;
        send(&Outgoing { tag: None, bytes })?;
    }
    for text in &args.messages {
        if text == "-" {
            stdin(args.form, &mut send)?;
        } else {
            send(&message::parse(&platform::bytes_of(text), args.form)?)?;
        }
    }
    let address = sender.segment().address().to_string();
    warn_of(sender.detach());
    if context.json {
        return output::print_json(&Sent { address, sent });
    }
    let messages = if sent == 1 { "message" } else { "messages" };
    context.done(&format!("sent {sent} {messages} to {address}"))
}

/// Waits for room as long as the command may.
fn one(sender: &Sender, tag: u32, bytes: &[u8], context: &Context) -> Result<(), Failure> {
    let sent = match context.deadline.left() {
        None => sender.send_tagged(tag, bytes),
        Some(left) => sender.send_tagged_timeout(tag, bytes, left),
    };
    sent.map_err(|error| match error.kind() {
        ErrorKind::InvalidSize => {
            Failure::from(error).with_hint("send less, or make a queue with a larger --longest")
        }
        _ => error.into(),
    })
}

/// As they come: what was sent before a line that cannot be understood stays sent.
fn stdin(form: Form, send: &mut impl FnMut(&Outgoing) -> Result<(), Failure>) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io("cannot read stdin", &error, "check what is piped into this");
    let mut stdin = io::stdin().lock();
    let mut bytes = Vec::new();
    if form == Form::Raw {
        stdin.read_to_end(&mut bytes).map_err(failed)?;
        return send(&Outgoing { tag: None, bytes });
    }
    while stdin.read_until(b'\n', &mut bytes).map_err(failed)? > 0 {
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        send(&message::parse(line, form)?)?;
        bytes.clear();
    }
    Ok(())
}
