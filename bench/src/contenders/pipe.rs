//! Two unnamed pipes. The second side was not forked from the first: it opens their ends through /proc.

use std::fs::OpenOptions;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use super::bytes::Bytes;
use super::several::Several;
use super::{Abilities, Contender};
use crate::harness::plan::Config;
use crate::harness::{Fault, fault};

/// What anybody may have.
pub(super) const BUFFER: usize = 1 << 20;

pub(crate) struct Pipe;

/// The ends of both sides.
pub(crate) struct Ends {
    ours: [OwnedFd; 2],
    theirs: [OwnedFd; 2],
}

impl Contender for Pipe {
    const NAME: &'static str = "pipe";
    const ABILITIES: Abilities = Abilities::KERNEL;
    type Listening = Ends;
    type Link = Bytes;
    type Topic = Several<Self>;

    fn listen(_config: &Config) -> Result<(Ends, String), Fault> {
        let (from_there, to_here) = pipe_with(PipeFlags::CLOEXEC).map_err(fault("pipe"))?;
        let (from_here, to_there) = pipe_with(PipeFlags::CLOEXEC).map_err(fault("pipe"))?;
        enlarge(&from_there);
        enlarge(&from_here);
        let process = std::process::id();
        let path = |end: &OwnedFd| format!("/proc/{process}/fd/{}", end.as_raw_fd());
        let card = format!("{} {}", path(&from_here), path(&to_here));
        Ok((Ends { ours: [from_there, to_there], theirs: [from_here, to_here] }, card))
    }

    fn connect(config: &Config, card: &str) -> Result<Bytes, Fault> {
        let (from, to) = card.split_once(' ').ok_or("no two paths")?;
        let from = OpenOptions::new().read(true).open(from).map_err(fault("the pipe from there"))?;
        let to = OpenOptions::new().write(true).open(to).map_err(fault("the pipe to there"))?;
        Bytes::new(config, from.into(), to.into())
    }

    fn accept(config: &Config, listening: Ends) -> Result<Bytes, Fault> {
        // Theirs are closed, so that each side sees if the other goes.
        drop(listening.theirs);
        let [from, to] = listening.ours;
        Bytes::new(config, from, to)
    }
}

/// As large as pipes can be made; where that is refused, it stays as it is, and the figures are what users have.
pub(super) fn enlarge(pipe: &OwnedFd) {
    let _ = fcntl_setpipe_size(pipe, BUFFER);
}
