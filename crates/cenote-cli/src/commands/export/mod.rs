//! `cenote export`: the machine's shared memory in numbers, for Prometheus and whatever else reads its format.

mod gather;
mod http;
mod metric;
mod queues;
mod serve;
mod topics;

use std::net::SocketAddr;

use crate::access::Context;
use crate::failure::Failure;
use crate::help;
use crate::output::{self, Sink};

/// Print what there is in numbers for Prometheus, or serve it
#[derive(clap::Args)]
#[command(long_about = help::EXPORT, after_long_help = help::EXPORT_EXAMPLES)]
pub(crate) struct Args {
    /// Serve it under http://ADDRESS:PORT/metrics until interrupted; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Let --listen take addresses that other machines reach: whoever reaches it can read it
    #[arg(long, requires = "listen")]
    beyond_loopback: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if let Some(address) = args.listen {
        if context.json {
            return Err(Failure::usage(
                "--listen serves Prometheus' text format, and no JSON",
                "leave one of --listen and --json away",
            ));
        }
        return serve::run(address, args.beyond_loopback);
    }
    let families = gather::families()?;
    if context.json {
        return output::print_json(&families);
    }
    let mut sink = Sink::open(None)?;
    sink.write(metric::text(&families).as_bytes())?;
    sink.finish()
}
