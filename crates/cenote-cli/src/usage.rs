//! Command lines that cannot be understood, told in the form of all errors; help and version.

use std::error::Error;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::failure::Failure;
use crate::numbers::Unreadable;

/// Prints what clap has to say, and gives the exit code.
pub(crate) fn answer(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        return failure(error).report();
    }
    // Help or version. If nobody reads it to its end, so be it.
    let _ = error.print();
    ExitCode::SUCCESS
}

fn failure(error: &clap::Error) -> Failure {
    if let ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand = error.kind() {
        return Failure::usage(
            "no command given",
            "`cenote help` lists the commands and the forms of an address",
        );
    }
    if let Some(source) = error.source() {
        // Of an argument that was read: it knows better than clap what is wrong, and what to type instead.
        if let Some(error) = source.downcast_ref::<cenote::Error>() {
            return Failure::usage(error.to_string(), error.hint());
        }
        if let Some(Unreadable { what, hint }) = source.downcast_ref() {
            return Failure::usage(what, *hint);
        }
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(one_line);
    let what = paragraphs.next().unwrap_or_default();
    let (mut tip, mut usage) = (None, None);
    for paragraph in paragraphs {
        if let Some(text) = paragraph.strip_prefix("tip: ") {
            tip.get_or_insert(text.to_owned());
        } else if let Some(text) = paragraph.strip_prefix("Usage: ") {
            usage.get_or_insert(format!("usage: {text}"));
        }
    }
    let hint =
        tip.or(usage).unwrap_or_else(|| "`cenote help` lists the commands and their options".to_owned());
    Failure::usage(what.strip_prefix("error: ").unwrap_or(&what), hint)
}

fn one_line(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}
