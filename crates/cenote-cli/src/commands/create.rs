//! `cenote create`: a segment of zero bytes, kept until it is removed.

use std::path::PathBuf;

use cenote::{Address, Options, Segment};
use serde::Serialize;

use crate::access::Context;
use crate::failure::{Failure, warn_of};
use crate::output::{self, human};
use crate::{help, hold, numbers, platform};

/// Make a segment of zero bytes, and leave it there
#[derive(clap::Args)]
#[command(long_about = help::CREATE, after_long_help = help::CREATE_EXAMPLES)]
pub(crate) struct Args {
    /// Where it is to be; `cenote help` lists the forms
    address: Address,
    /// How large: bytes, or with a unit as in 64KiB, 1MiB, 10MB
    #[arg(long, value_name = "SIZE", value_parser = numbers::size)]
    size: u64,
    /// Make a windows: segment over this file, whose bytes it then has, and keeps when all have gone
    #[arg(long, value_name = "FILE")]
    over: Option<PathBuf>,
    #[command(flatten)]
    make: MakeArgs,
    /// Do not reserve the memory now. When it runs out later, whoever touches the segment pays for it
    #[arg(long)]
    sparse: bool,
}

/// How a new segment is made, and how long it is held.
#[derive(clap::Args)]
pub(crate) struct MakeArgs {
    /// The permissions of a new segment, in octal, whatever the umask
    #[arg(long, value_name = "MODE", default_value = "0600", value_parser = numbers::mode)]
    mode: u32,
    /// Stay attached until interrupted (Ctrl-C, SIGTERM). memfd: segments go then, and qt: and windows: ones
    #[arg(long)]
    pub(crate) hold: bool,
}

impl MakeArgs {
    /// How to make a segment.
    pub(crate) fn options(&self, options: Options) -> Options {
        options.mode(self.mode)
    }

    /// What cannot outlive its maker is made only for as long as it is held.
    pub(crate) fn check(&self, address: &Address) -> Result<(), Failure> {
        if self.hold || !platform::GO_WITH_THEIR_MAKER.contains(&address.kind()) {
            return Ok(());
        }
        let what = format!("cannot create {address}: such memory goes with its last holder");
        Err(Failure::usage(what, "add --hold, and the command stays until it is interrupted"))
    }

    /// Ends the work with a segment. An input that is read already says nothing by its end.
    pub(crate) fn finish(
        &self,
        segment: Segment,
        input_is_read: bool,
        context: &Context,
    ) -> Result<(), Failure> {
        if self.hold {
            return hold::until_interrupted(segment, input_is_read, context.quiet);
        }
        warn_of(segment.detach());
        Ok(())
    }
}

#[derive(Serialize)]
struct Created {
    address: String,
    size: usize,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    args.make.check(&args.address)?;
    let mut options = args.make.options(context.options(None, args.make.hold)?);
    if args.sparse {
        options = options.sparse();
    }
    if let Some(file) = &args.over {
        options = options.over_file(file);
    }
    let segment = options.create(&args.address, args.size)?;
    let (address, size) = (segment.address().to_string(), segment.len());
    if context.json {
        output::print_json(&Created { address, size })?;
    } else {
        context.done(&format!("created {address}, {}", human(size as u64)))?;
    }
    args.make.finish(segment, false, context)
}
