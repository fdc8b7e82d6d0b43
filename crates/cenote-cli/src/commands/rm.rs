//! `cenote rm`: takes the names of segments away.

use std::process::ExitCode;

use cenote::Address;
use serde::Serialize;

use crate::access::Context;
use crate::failure::Failure;
use crate::{help, output};

/// Remove segments
#[derive(clap::Args)]
#[command(long_about = help::RM, after_long_help = help::RM_EXAMPLES)]
pub(crate) struct Args {
    /// What to remove
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<Address>,
}

#[derive(Serialize)]
struct Removed {
    address: String,
    removed: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let mut worst = 0;
    // Nobody listening does not stop the work.
    let mut told = Ok(());
    let mut results = Vec::new();
    for address in &args.addresses {
        let removed = context.options(None, false)?.remove(address).map_err(Failure::from);
        let result = Removed { address: address.to_string(), removed: removed.is_ok() };
        match removed {
            // The others are removed even so.
            Err(failure) => {
                worst = worst.max(failure.code());
                let _ = failure.report();
            }
            Ok(()) => told = told.and_then(|()| context.done(&format!("removed {}", result.address))),
        }
        results.push(result);
    }
    told?;
    if context.json {
        output::print_json(&results)?;
    }
    Ok(ExitCode::from(worst))
}
