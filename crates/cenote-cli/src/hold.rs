//! `--hold`: staying attached until interrupted, with an eye on the segment's name.

use std::time::Duration;

use cenote::Segment;

use crate::failure::{Failure, notice, warn};
use crate::platform::Interrupts;

/// How often to look whether the name is still there.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Keeps the segment attached until the end is asked for, and detaches in order.
pub(crate) fn until_interrupted(segment: Segment, input_is_read: bool, quiet: bool) -> Result<(), Failure> {
    let interrupts = Interrupts::new(input_is_read)?;
    notice(quiet, format_args!("holding {} until interrupted", segment.address()));
    let mut told = false;
    while !interrupts.come_within(LOOKS_EVERY)? {
        if !told && segment.stat()?.removed {
            warn(
                &format!(
                    "{} was removed by another process, and its holders keep the memory",
                    segment.address()
                ),
                "nobody else can attach it any more. Python's resource tracker does that when a program ends that \
                 attached it: use track=False there",
            );
            told = true;
        }
    }
    Ok(segment.detach()?)
}
