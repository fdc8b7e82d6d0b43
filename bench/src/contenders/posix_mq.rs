//! Two POSIX message queues.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::null_mut;

use super::pieces::{Carrier, Pieces, expect_whole};
use super::several::Several;
use super::{Abilities, Contender};
use crate::harness::payload::{bytes, bytes_mut};
use crate::harness::plan::{Config, Wait};
use crate::harness::{Fault, fault};

/// What the kernel allows to anybody, unless it was told otherwise.
const MOST_BYTES: usize = 8192;
const MOST_MESSAGES: i64 = 10;

pub(crate) struct PosixMq;

pub(crate) struct Queues {
    from: OwnedFd,
    to: OwnedFd,
    /// The first side made the names, and removes them.
    names: Vec<CString>,
}

fn name(config: &Config, direction: &str) -> CString {
    CString::new(format!("/{}-{direction}", config.name)).expect("names have no NUL")
}

fn piece(config: &Config) -> usize {
    config.bytes.min(MOST_BYTES)
}

fn open(config: &Config, name: &CString, more: i32) -> Result<OwnedFd, Fault> {
    let waits = if config.wait == Wait::Spin { libc::O_NONBLOCK } else { 0 };
    // SAFETY: a structure of numbers, for which zeroes are good.
    let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
    attributes.mq_maxmsg = limit("msg_max").unwrap_or(MOST_MESSAGES).min(MOST_MESSAGES);
    attributes.mq_msgsize = piece(config) as i64;
    let flags = libc::O_RDWR | libc::O_CLOEXEC | waits | more;
    // SAFETY: name and attributes live through the call; the mode is what O_CREAT wants.
    let queue = unsafe { libc::mq_open(name.as_ptr(), flags, 0o600, &raw const attributes) };
    if queue < 0 {
        return Err(format!("mq_open: {}", io::Error::last_os_error()));
    }
    // SAFETY: on Linux it is a descriptor, just made for us.
    Ok(unsafe { OwnedFd::from_raw_fd(queue) })
}

fn limit(name: &str) -> Option<i64> {
    fs::read_to_string(format!("/proc/sys/fs/mqueue/{name}")).ok()?.trim().parse().ok()
}

impl Drop for Queues {
    fn drop(&mut self) {
        for name in &self.names {
            unlink(name);
        }
    }
}

fn unlink(name: &CString) {
    // SAFETY: the name lives through the call.
    let _ = unsafe { libc::mq_unlink(name.as_ptr()) };
}

impl Carrier for Queues {
    fn most(&self) -> usize {
        MOST_BYTES / 8
    }

    fn send_piece(&mut self, words: &[u64]) -> Result<bool, Fault> {
        let bytes = bytes(words);
        // SAFETY: the bytes live through the call, and are as many as it is told.
        match unsafe { libc::mq_send(self.to.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) } {
            0 => Ok(true),
            _ => refused("mq_send"),
        }
    }

    fn receive_piece(&mut self, words: &mut [u64]) -> Result<bool, Fault> {
        let bytes = bytes_mut(words);
        let (start, length) = (bytes.as_mut_ptr(), bytes.len());
        // SAFETY: the bytes live through the call, are ours, and are as many as it is told.
        let came = unsafe { libc::mq_receive(self.from.as_raw_fd(), start.cast(), length, null_mut()) };
        if came < 0 { refused("mq_receive") } else { expect_whole(came as usize, words) }
    }
}

fn refused(call: &str) -> Result<bool, Fault> {
    let error = io::Error::last_os_error();
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(false),
        _ => Err(format!("{call}: {error}")),
    }
}

impl Contender for PosixMq {
    const NAME: &'static str = "posix_mq";
    const ABILITIES: Abilities = Abilities::KERNEL;
    type Listening = Queues;
    type Link = Pieces<Queues>;
    type Topic = Several<Self>;

    fn runs_here() -> Result<(), Fault> {
        fs::metadata("/proc/sys/fs/mqueue").map(drop).map_err(fault("the kernel has no POSIX message queues"))
    }

    fn listen(config: &Config) -> Result<(Queues, String), Fault> {
        let names = vec![name(config, "out"), name(config, "back")];
        let create = libc::O_CREAT | libc::O_EXCL;
        let to = open(config, &names[0], create)?;
        let from = open(config, &names[1], create).inspect_err(|_| unlink(&names[0]))?;
        Ok((Queues { from, to, names }, String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Pieces<Queues>, Fault> {
        let from = open(config, &name(config, "out"), 0)?;
        let to = open(config, &name(config, "back"), 0)?;
        Ok(Pieces::new(config, Queues { from, to, names: Vec::new() }))
    }

    fn accept(config: &Config, listening: Queues) -> Result<Pieces<Queues>, Fault> {
        Ok(Pieces::new(config, listening))
    }

    fn sweep(config: &Config) {
        unlink(&name(config, "out"));
        unlink(&name(config, "back"));
    }
}
