//! Descriptors over a Unix stream socket: SCM_RIGHTS, see unix(7). What comes is anybody's until it was looked at.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, send, sendmsg,
};

use super::{os_error, uninterrupted};
use crate::error::{Error, ErrorKind, Result};

/// A connection to another process on this machine that can carry descriptors.
pub type LocalStream = std::os::unix::net::UnixStream;

/// Room for what may come with a message: one descriptor is wanted, and a socket may be set to add credentials.
const ROOM: usize = rustix::cmsg_space!(ScmRights(4), ScmCredentials(1));

/// Sends `message` with a descriptor.
pub(crate) fn send_descriptor(stream: &LocalStream, message: &[u8], descriptor: &OwnedFd) -> Result<()> {
    let descriptors = [descriptor.as_fd()];
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut ancillary = SendAncillaryBuffer::new(&mut room);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    let mut sent =
        uninterrupted(|| sendmsg(stream, &[IoSlice::new(message)], &mut ancillary, SendFlags::NOSIGNAL))
            .map_err(|errno| socket_error("sendmsg", errno))?;
    // A stream may take a part only. The descriptor went with the first byte.
    while sent < message.len() {
        sent += uninterrupted(|| send(stream, &message[sent..], SendFlags::NOSIGNAL))
            .map_err(|errno| socket_error("send", errno))?;
    }
    Ok(())
}

/// Receives a message that fills `message`, and the one descriptor that came with it. All that comes beside that is
/// closed. No byte beyond the message is read.
pub(crate) fn receive_descriptor(stream: &LocalStream, message: &mut [u8]) -> Result<OwnedFd> {
    let mut descriptors = Vec::new();
    let mut received = 0;
    while received < message.len() {
        let mut room = [MaybeUninit::uninit(); ROOM];
        let mut ancillary = RecvAncillaryBuffer::new(&mut room);
        let got = uninterrupted(|| {
            let mut rest = [IoSliceMut::new(&mut message[received..])];
            recvmsg(stream, &mut rest, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
        })
        .map_err(|errno| socket_error("recvmsg", errno))?;
        for one in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(some) = one {
                descriptors.extend(some);
            }
        }
        if got.flags.contains(ReturnFlags::CTRUNC) || descriptors.len() > 1 {
            return Err(malformed("more than one descriptor came"));
        }
        received += match got.bytes {
            0 if received == 0 => return Err(closed()),
            0 => return Err(malformed("the message ends in the middle")),
            bytes => bytes,
        };
    }
    descriptors.pop().ok_or_else(|| malformed("no descriptor came with the message"))
}

#[cold]
fn socket_error(call: &str, errno: Errno) -> Error {
    match errno {
        Errno::AGAIN => {
            Error::new(ErrorKind::Timeout, "the other side did nothing in the time that the socket allows")
                .with_hint(
                    "wait longer: the socket's own timeout decides (set_read_timeout, set_write_timeout)",
                )
        }
        Errno::PIPE | Errno::CONNRESET => closed(),
        errno => os_error(call, errno),
    }
}

#[cold]
fn closed() -> Error {
    Error::new(ErrorKind::NotFound, "the other side has closed the connection")
        .with_hint("it has ended or died: start it again, and connect anew")
}

#[cold]
fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Untrusted, format!("what came is no segment of Cenote's: {what}"))
        .with_hint("find out who is at the other end")
}
