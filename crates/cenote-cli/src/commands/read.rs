//! `cenote read`: what lies in a segment, in the form asked for.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::PathBuf;

use cenote::Address;
use cenote::qt::image_form;
use clap::ValueEnum;
use serde::Serialize;

use super::image::{self, describe};
use super::snapshot::{self, Stored};
use crate::access::{Context, LockArgs};
use crate::failure::{Failure, notice, warn_of};
use crate::output::bytes::Bytes;
use crate::output::{self, Sink, hex, human, json_text, text};
use crate::{help, numbers};

/// Print what lies in a segment
#[derive(clap::Args)]
#[command(long_about = help::READ, after_long_help = help::READ_EXAMPLES)]
pub(crate) struct Args {
    /// What to read; `cenote help` lists the forms
    address: Address,
    /// Where to begin; without this and --len, a value or a blob is read as what it is
    #[arg(long, value_name = "BYTES", value_parser = numbers::size)]
    offset: Option<u64>,
    /// How many bytes; without this, up to the end
    #[arg(long, value_name = "BYTES", value_parser = numbers::size)]
    len: Option<u64>,
    /// In which form; without this, as text if it is UTF-8 up to the first NUL, else in hex
    #[arg(long = "as", value_name = "FORM")]
    form: Option<Form>,
    /// Write to a file; `-` is stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    lock: LockArgs,
}

/// How bytes are shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// UTF-8 up to the first NUL, and a newline
    Text,
    /// A dump as by `hexdump -C`
    Hex,
    /// The bytes exactly as they are
    Raw,
    /// UTF-16, little end first, up to the first NUL
    Utf16,
    /// A picture in Qt's QImage form: what it is, or with -o the picture itself
    Image,
    /// A value, or a text that is JSON, indented
    Json,
}

/// What `--json` prints: one of the last four, and of a value or a blob its version.
#[derive(Default, Serialize)]
struct ReadJson {
    address: String,
    offset: usize,
    len: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if context.json && args.output.is_some() {
        return Err(Failure::usage("--json prints, and -o writes a file", "choose one of the two"));
    }
    if args.offset.is_none()
        && args.len.is_none()
        && let Some(stored) = snapshot::stored(&args.address, context)?
    {
        return print_stored(args, stored, context);
    }
    let segment = context.attach_to_read(&args.address, &args.lock)?;
    let range = snapshot::range(&segment, args.offset.unwrap_or(0), args.len)?;
    let bytes = snapshot::take(&segment, range, &args.lock, context)?;
    if context.json {
        print_json(args.form, bytes, segment.address(), None)?;
    } else {
        print(args, args.form, bytes, context)?;
    }
    warn_of(segment.detach());
    Ok(())
}

/// A value by its type, if no other form was asked for, and a blob by its bytes.
fn print_stored(args: &Args, stored: Stored, context: &Context) -> Result<(), Failure> {
    let Stored { bytes, version, is_value, description, address } = stored;
    let by_type = matches!(args.form, None | Some(Form::Json));
    let Some(of) = description.filter(|_| by_type) else {
        // A value that nobody can explain is no text either.
        let form = args.form.or(is_value.then_some(Form::Hex));
        let bytes = Bytes::loaded(bytes);
        return if context.json {
            print_json(form, bytes, &address, Some(version))
        } else {
            print(args, form, bytes, context)
        };
    };
    let decoded = of.decode(&bytes)?;
    if context.json {
        return output::print_json(&ReadJson {
            address: address.to_string(),
            len: bytes.len(),
            version: Some(version),
            value: Some(value(&decoded.to_string())?),
            ..ReadJson::default()
        });
    }
    let text = match args.form {
        Some(Form::Json) => json_text::indented(&decoded.to_string())? + "\n",
        _ => format!("{decoded:#}"),
    };
    let mut sink = Sink::open(args.output.as_deref())?;
    sink.write(text.as_bytes())?;
    sink.finish()
}

fn print(args: &Args, form: Option<Form>, bytes: Bytes<'_>, context: &Context) -> Result<(), Failure> {
    // Whatever cannot be read leaves a file as it was.
    let plain = match form {
        Some(Form::Raw) => return print_raw(args, &bytes, context),
        Some(Form::Hex) => return print_hex(args, &bytes),
        Some(Form::Image) => match &args.output {
            Some(file) => return image::save(bytes, file, context),
            None => describe_image(&bytes)?,
        },
        Some(Form::Text) => text::expect_utf8(&bytes)?,
        Some(Form::Utf16) => text::utf16(&bytes)?,
        Some(Form::Json) => json_text::indented(&text::expect_utf8(&bytes)?)?,
        None => match text::utf8(&bytes)? {
            Ok(text) if can_be_shown(&text, args) => text,
            _ => return print_hex(args, &bytes),
        },
    };
    let mut sink = Sink::open(args.output.as_deref())?;
    sink.write(plain.as_bytes())?;
    sink.write(b"\n")?;
    sink.finish()
}

/// Nobody has asked for text as such: a terminal must not be steered by what others wrote.
fn can_be_shown(text: &str, args: &Args) -> bool {
    args.output.is_some() || !std::io::stdout().is_terminal() || text::is_harmless(text)
}

fn print_raw(args: &Args, bytes: &Bytes<'_>, context: &Context) -> Result<(), Failure> {
    let mut sink = Sink::open(args.output.as_deref())?;
    bytes.each_piece(|piece| sink.write(piece).map(ControlFlow::Continue))?;
    sink.finish()?;
    if let Some(file) = args.output.as_ref().filter(|file| **file != *"-") {
        let what = format_args!("wrote {} to {}", human(bytes.len() as u64), file.display());
        notice(context.quiet, what);
    }
    Ok(())
}

fn print_hex(args: &Args, bytes: &Bytes<'_>) -> Result<(), Failure> {
    let mut sink = Sink::open(args.output.as_deref())?;
    hex::dump(bytes, &mut sink)?;
    sink.finish()
}

fn describe_image(bytes: &Bytes<'_>) -> Result<String, Failure> {
    Ok(describe(image_form::header(&bytes.first(image::HEADER)?)?))
}

fn print_json(
    form: Option<Form>,
    bytes: Bytes<'_>,
    address: &Address,
    version: Option<u64>,
) -> Result<(), Failure> {
    let mut result = ReadJson {
        address: address.to_string(),
        version,
        offset: bytes.offset(),
        len: bytes.len(),
        ..ReadJson::default()
    };
    match form {
        Some(Form::Text) => result.text = Some(text::expect_utf8(&bytes)?),
        Some(Form::Utf16) => result.text = Some(text::utf16(&bytes)?),
        Some(Form::Image) => result.image = Some(describe_image(&bytes)?),
        Some(Form::Json) => result.value = Some(value(&text::expect_utf8(&bytes)?)?),
        Some(Form::Hex | Form::Raw) => result.hex = Some(hex::digits(&bytes.into_vec()?)),
        None => match text::utf8(&bytes)? {
            Ok(text) => result.text = Some(text),
            Err(_) => result.hex = Some(hex::digits(&bytes.into_vec()?)),
        },
    }
    output::print_json(&result)
}

fn value(text: &str) -> Result<serde_json::Value, Failure> {
    serde_json::from_str(text).map_err(|error| json_text::none(&error.to_string()))
}
