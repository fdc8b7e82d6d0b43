//! `cenote image`: pictures in Qt's QImage form, from files and to files.

use std::path::{Path, PathBuf};

use cenote::Address;
use cenote::qt::image_form::{self, Header};
use clap::Subcommand;
use serde::Serialize;

use super::create::MakeArgs;
use super::snapshot;
use super::write::{Create, Target, put};
use crate::access::{Context, LockArgs};
use crate::failure::{Failure, notice, warn_of};
use crate::output::bytes::Bytes;
use crate::output::{self, Sink};
use crate::{help, numbers};

/// How many bytes tell what a picture is.
pub(crate) const HEADER: usize = 33;
/// What Qt's form has in front of the PNG stream.
const MARKER: usize = 4;

/// Put a picture into a segment, or get it from there, as a QImage of Qt
#[derive(clap::Args)]
#[command(long_about = help::IMAGE, after_long_help = help::IMAGE_EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    way: Way,
}

#[derive(Subcommand)]
enum Way {
    /// Put a picture (PNG, JPEG) into a segment, which is made if it is missing
    Put {
        /// Where to; an existing segment must be large enough
        address: Address,
        /// The picture
        file: PathBuf,
        #[command(flatten)]
        make: MakeArgs,
        #[command(flatten)]
        lock: LockArgs,
    },
    /// Get the picture that lies in a segment
    Get {
        /// Where from
        address: Address,
        /// Where to: the name's ending says the format (.png, .jpg); `-` is PNG on stdout
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Where the picture begins
        #[arg(long, value_name = "BYTES", value_parser = numbers::size)]
        offset: Option<u64>,
        #[command(flatten)]
        lock: LockArgs,
    },
}

#[derive(Serialize)]
struct PutJson {
    address: String,
    image: String,
    written: usize,
    size: usize,
    created: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    match &args.way {
        Way::Put { address, file, make, lock } => {
            let bytes = image_form::encode(&image_form::open(file)?)?;
            let image = describe(image_form::header(&bytes)?);
            let create = Some(Create { size: bytes.len() as u64, at_least: bytes.len() as u64 });
            let target = Target { address, offset: None, create, make, lock };
            let segment = put(&target, &bytes, false, context)?;
            // That of new anonymous memory is known only now.
            let address = segment.address();
            if context.json {
                output::print_json(&PutJson {
                    address: address.to_string(),
                    image,
                    written: bytes.len(),
                    size: segment.len(),
                    created: segment.was_created(),
                })?;
            } else {
                context.done(&format!("put {image} into {address}, {}", output::exact(bytes.len())))?;
            }
            make.finish(segment, false, context)
        }
        Way::Get { address, output, offset, lock } => {
            if offset.is_none()
                && let Some(stored) = snapshot::stored(address, context)?
            {
                return save(Bytes::loaded(stored.bytes), output, context);
            }
            let segment = context.attach_to_read(address, lock)?;
            let range = snapshot::range(&segment, offset.unwrap_or(0), None)?;
            save(snapshot::take(&segment, range, lock, context)?, output, context)?;
            warn_of(segment.detach());
            Ok(())
        }
    }
}

/// What a picture is, in words.
pub(crate) fn describe(header: Option<Header>) -> String {
    header.map_or_else(|| "a null QImage".to_owned(), |header| format!("QImage {header}"))
}

/// Writes the picture that lies in `bytes` to a file.
pub(crate) fn save(bytes: Bytes<'_>, file: &Path, context: &Context) -> Result<(), Failure> {
    let bytes = bytes.into_vec()?;
    let header = image_form::header(&bytes)?;
    let Some(picture) = image_form::decode(&bytes)? else {
        return Err(Failure::new(
            "what is there is a null QImage, which has no picture",
            "zeroed memory reads as one: has anybody put a picture there yet?",
        ));
    };
    if file == "-" {
        let encoded = image_form::encode(&picture)?;
        let mut sink = Sink::open(None)?;
        sink.write(encoded.get(MARKER..).unwrap_or_default())?;
        return sink.finish();
    }
    image_form::save(&picture, file)?;
    notice(context.quiet, format_args!("wrote {} to {}", describe(header), file.display()));
    Ok(())
}
