//! `cenote doctor`: what is wrong on this machine, and what to type.

use std::process::ExitCode;

use cenote::catalog;

use crate::access::Context;
use crate::failure::Failure;
use crate::help;
use crate::output::{self, HealthJson, Sink};

/// Something is to be mended.
const UNWELL: u8 = 1;

/// Look for what is wrong on this machine, and say what to type
#[derive(clap::Args)]
#[command(long_about = help::DOCTOR, after_long_help = help::DOCTOR_EXAMPLES)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let health = catalog::health()?;
    if context.json {
        output::print_json(&HealthJson::from(&health))?;
    } else {
        let mut sink = Sink::open(None)?;
        sink.write(output::health_text(&health).as_bytes())?;
        sink.finish()?;
    }
    Ok(if health.is_well() { ExitCode::SUCCESS } else { ExitCode::from(UNWELL) })
}
