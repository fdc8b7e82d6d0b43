//! Messages that go out: from the command line, from stdin, from a file.

use std::ffi::OsString;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;
use std::time::Duration;

use cenote::ErrorKind;
use serde::Serialize;

use super::Form;
use super::message::{self, Outgoing};
use crate::access::Context;
use crate::failure::Failure;
use crate::{output, platform};

/// Which messages.
#[derive(clap::Args)]
pub(super) struct OutgoingArgs {
    /// The messages, one each; `-` takes each line of stdin for one, or with --as raw all of it
    #[arg(required_unless_present = "file")]
    messages: Vec<OsString>,
    /// Take the bytes of a file for one message
    #[arg(long, value_name = "FILE", conflicts_with_all = ["messages", "form"])]
    file: Option<PathBuf>,
    /// The tag of each message: a number that is received beside it
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    tag: u32,
    /// How the messages are written
    #[arg(long = "as", value_name = "FORM", default_value = "text")]
    form: Form,
}

/// What `--json` says of it.
#[derive(Serialize)]
struct Sent<'a> {
    address: &'a str,
    sent: u64,
}

impl OutgoingArgs {
    /// Has each of them sent, by a function that is told the tag, the bytes, and how long it may take: how many there were.
    pub(super) fn each(
        &self,
        context: &Context,
        send: impl Fn(u32, &[u8], Option<Duration>) -> cenote::Result<()>,
    ) -> Result<u64, Failure> {
        let mut sent = 0;
        let mut send = |message: &Outgoing| {
            let tag = message.tag.unwrap_or(self.tag);
            send(tag, &message.bytes, context.deadline.left()).map_err(|error| match error.kind() {
                ErrorKind::InvalidSize => {
                    Failure::from(error).with_hint("send less, or make one with a larger --longest")
                }
                _ => error.into(),
            })?;
            sent += 1;
            Ok(())
        };
        if let Some(file) = &self.file {
            let bytes = std::fs::read(file).map_err(|error| {
                Failure::io(
                    format!("cannot read {}", file.display()),
                    &error,
                    "check the path and its permissions",
                )
            })?;
            send(&Outgoing { tag: None, bytes })?;
        }
        for text in &self.messages {
            if text == "-" {
                stdin(self.form, &mut send)?;
            } else {
                send(&message::parse(&platform::bytes_of(text), self.form)?)?;
            }
        }
        Ok(sent)
    }
}

/// Says how many were sent.
pub(super) fn done(verb: &str, sent: u64, address: &str, context: &Context) -> Result<(), Failure> {
    if context.json {
        return output::print_json(&Sent { address, sent });
    }
    let messages = if sent == 1 { "message" } else { "messages" };
    context.done(&format!("{verb} {sent} {messages} to {address}"))
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
