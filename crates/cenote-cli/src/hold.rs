//! `--hold`: staying attached until interrupted, with an eye on the segment's name.

use std::time::Duration;

use cenote::Segment;

use crate::failure::{Failure, notice, warn};
use crate::signals::{self, Blocked};

/// How often to look whether the name is still there.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Keeps the segment attached until a signal asks for the end, and detaches in order.
pub(crate) fn until_interrupted(segment: Segment, quiet: bool) -> Result<(), Failure> {
    let system =
        |error| Failure::io("cannot wait for signals", &error, "the system's words are all that is known");
    let mut wanted = vec![libc::SIGINT, libc::SIGTERM];
    // Under nohup(1) it outlives its terminal.
    if !signals::is_ignored(libc::SIGHUP) {
        wanted.push(libc::SIGHUP);
    }
    let signals = Blocked::new(&wanted).map_err(system)?;
    notice(quiet, format_args!("holding {} until interrupted", segment.address()));
    let mut told = false;
    while signals.wait(Some(LOOKS_EVERY)).map_err(system)?.is_none() {
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
