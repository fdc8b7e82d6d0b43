//! `cenote write`: bytes into a segment.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use cenote::value::Content;
use cenote::{Address, Blob, ErrorKind, Segment};
use serde::Serialize;

use super::create::MakeArgs;
use crate::access::{Context, LockArgs};
use crate::failure::Failure;
use crate::{help, numbers, output, platform};

/// Write a text, or a file's bytes, into a segment
#[derive(clap::Args)]
#[command(long_about = help::WRITE, after_long_help = help::WRITE_EXAMPLES)]
pub(crate) struct Args {
    /// Where to; `cenote help` lists the forms
    address: Address,
    /// The text, followed by a NUL byte if there is room; `-` takes stdin as it is
    #[arg(required_unless_present = "file")]
    text: Option<OsString>,
    /// Write the bytes of a file as they are; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// Where to begin; without this, what is written to a blob is all that is in it
    #[arg(long, value_name = "BYTES", value_parser = numbers::size)]
    offset: Option<u64>,
    /// Make the segment if there is none; one that is there must be large enough
    #[arg(long)]
    create: bool,
    /// How large to make it, and how large it must be; without this, as large as the data plus one byte
    #[arg(long, value_name = "SIZE", value_parser = numbers::size, requires = "create")]
    size: Option<u64>,
    #[command(flatten)]
    make: MakeArgs,
    #[command(flatten)]
    lock: LockArgs,
}

/// Where bytes are to go.
pub(crate) struct Target<'a> {
    pub(crate) address: &'a Address,
    /// Among the bytes of the segment, whatever is in it. Without it, a blob is stored as a whole.
    pub(crate) offset: Option<u64>,
    /// How to make the segment if there is none.
    pub(crate) create: Option<Create>,
    pub(crate) make: &'a MakeArgs,
    pub(crate) lock: &'a LockArgs,
}

/// How large a segment is made if there is none, and how large one must be that is there.
pub(crate) struct Create {
    pub(crate) size: u64,
    pub(crate) at_least: u64,
}

#[derive(Serialize)]
struct Written {
    address: String,
    offset: u64,
    written: usize,
    size: usize,
    created: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let data = data(args)?;
    let offset = args.offset.unwrap_or(0);
    let end = offset.saturating_add(data.len() as u64);
    let create = args.create.then(|| Create {
        size: args.size.unwrap_or(end.saturating_add(1)),
        at_least: args.size.unwrap_or(end),
    });
    if create.as_ref().is_some_and(|create| create.size < end) {
        return Err(too_much(args, args.size));
    }
    let target =
        Target { address: &args.address, offset: args.offset, create, make: &args.make, lock: &args.lock };
    let is_text = args.text.as_ref().is_some_and(|text| text != "-");
    let segment = put(&target, &data, is_text, context)?;
    if context.json {
        output::print_json(&Written {
            address: segment.address().to_string(),
            offset,
            written: data.len(),
            size: segment.len(),
            created: segment.was_created(),
        })?;
    } else {
        context.done(&format!("wrote {} to {}", output::exact(data.len()), segment.address()))?;
    }
    args.make.finish(segment, file_to_read(args).is_some_and(|file| file.is_none()), context)
}

/// Writes `data` under the lock, with a NUL byte after a text if there is room, and stays attached.
pub(crate) fn put(
    target: &Target<'_>,
    data: &[u8],
    is_text: bool,
    context: &Context,
) -> Result<Segment, Failure> {
    let segment = open(target, context)?;
    if target.offset.is_none() {
        match Content::of_segment(&segment)? {
            Content::Blob { .. } if target.lock.no_lock => return Err(always_locks(target.address)),
            Content::Blob { .. } => {
                let blob = Blob::of_segment(segment)?;
                blob.store(data)?;
                return Ok(blob.into_segment());
            }
            Content::Value { type_name, .. } => return Err(is_a_value(target.address, &type_name)),
            _ => {}
        }
    }
    let offset = target.offset.unwrap_or(0);
    if target.lock.no_lock {
        copy(&segment, offset, data, is_text)?;
    } else {
        let lock = context.lock(&segment)?;
        copy(&segment, offset, data, is_text)?;
        lock.unlock()?;
    }
    Ok(segment)
}

/// Two who store at once would write the same copy. Under `cenote lock` it would wait for itself.
fn always_locks(address: &Address) -> Failure {
    let what =
        format!("cannot write {address}: it has a blob, and who stores in one takes the segment's lock");
    Failure::new(what, "leave out --no-lock, and `cenote lock`: what is stored is seen as a whole")
}

/// Bytes over it would be half a value for whoever loads it, and hardly one of its type.
fn is_a_value(address: &Address, type_name: &str) -> Failure {
    let what =
        format!("cannot write {address}: it has a value of type {type_name}, which is stored as a whole");
    Failure::new(what, "a program that has the type stores it; --offset writes bytes all the same")
}

fn copy(segment: &Segment, offset: u64, data: &[u8], is_text: bool) -> Result<(), Failure> {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    segment.write_at(offset, data)?;
    let end = offset + data.len();
    if is_text && end < segment.len() {
        segment.write_at(end, b"\0")?;
    }
    Ok(())
}

fn open(target: &Target<'_>, context: &Context) -> Result<Segment, Failure> {
    let Target { address, create, make, lock, .. } = target;
    let options = context.options(lock.lock_with.as_ref(), make.hold)?;
    let Some(create) = create else { return Ok(options.attach(*address)?) };
    // Others may make and remove it meanwhile, but not for ever.
    for _ in 0..100 {
        match options.attach(*address) {
            Ok(segment) => return large_enough(segment, create.at_least),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        make.check(address)?;
        match make.options(options.clone()).create(*address, create.size) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => return Ok(result?),
        }
    }
    let what = format!("cannot create {address}: it appears and disappears all the time");
    Err(Failure::new(what, "see which programs use it: `cenote show` tells its holders"))
}

fn large_enough(segment: Segment, needed: u64) -> Result<Segment, Failure> {
    let there = segment.len() as u64;
    if there >= needed {
        return Ok(segment);
    }
    let what = format!("{} is there with {there} bytes, and {needed} are needed", segment.address());
    Err(Failure::new(what, "use it as it is, or remove it first with `cenote rm`"))
}

/// What is to be written. No more is read than can have room.
fn data(args: &Args) -> Result<Vec<u8>, Failure> {
    let Some(file) = file_to_read(args) else {
        return Ok(args.text.as_ref().map(|text| platform::bytes_of(text).into_owned()).unwrap_or_default());
    };
    let there = Segment::stat_of(&args.address).map(|stat| stat.size);
    let size = match there {
        // Better said now than after somebody has typed it all.
        Err(error) if !args.create => return Err(error.into()),
        there => there.ok().max(args.size),
    };
    let room = size.map(|size| size.saturating_sub(args.offset.unwrap_or(0)));
    let limit = room.map_or(u64::MAX, |room| room.saturating_add(1));
    let mut data = Vec::new();
    let read = match file {
        Some(path) => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut data)),
        None => io::stdin().lock().take(limit).read_to_end(&mut data),
    };
    read.map_err(|error| {
        let name = file.map_or_else(|| "stdin".to_owned(), |path| path.display().to_string());
        Failure::io(format_args!("cannot read {name}"), &error, "check the path and its permissions")
    })?;
    if room.is_some_and(|room| data.len() as u64 > room) {
        return Err(too_much(args, size));
    }
    Ok(data)
}

/// The file that holds the data, and no file for stdin; nothing for a text.
fn file_to_read(args: &Args) -> Option<Option<&PathBuf>> {
    match (&args.text, &args.file) {
        (Some(text), _) if text != "-" => None,
        (_, Some(file)) if *file != *"-" => Some(Some(file)),
        _ => Some(None),
    }
}

fn too_much(args: &Args, size: Option<u64>) -> Failure {
    let size = size.unwrap_or_default();
    let what = format!("cannot write {}: the data does not fit into {size} bytes", args.address);
    Failure::new(what, "use a larger segment, or write less: --size and --offset count in bytes")
}
