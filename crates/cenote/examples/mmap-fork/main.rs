//! Memory without a name, shared with a child process.
//!
//!     cargo run -q -p cenote --example mmap-fork -- parent
//!     cargo run -q -p cenote --example mmap-fork -- parent target/peers/cookbook/mmap-fork
//!
//! The second line has a C program for a child. `classic.c` beside this is that program, and the classic way:
//! `mmap(MAP_SHARED | MAP_ANONYMOUS)` and `fork`.

use std::env::{args, current_exe};
use std::error::Error;
use std::io::stdin;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, exit};
use std::time::Duration;

use cenote::Segment;
use cenote::handover::{self, Grant};

const SIZE: u64 = 4096;
/// How long the other half may take to send or to receive.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["parent"] => parent(&current_exe()?),
        ["parent", program] => parent(program.as_ref()),
        ["child"] => child(),
        _ => {
            eprintln!("usage: mmap-fork parent [PROGRAM] | child");
            exit(2)
        }
    }
}

fn parent(program: &Path) -> Result<(), Box<dyn Error>> {
    let segment = Segment::create("memfd:family", SIZE)?;
    segment.write_at(0, b"from the parent\0")?;

    let (ours, theirs) = UnixStream::pair()?;
    let mut child = Command::new(program).arg("child").stdin(OwnedFd::from(theirs)).spawn()?;
    ours.set_write_timeout(Some(PATIENCE))?;
    let sent = handover::send(&ours, &segment, Grant::ReadWrite);

    let status = child.wait()?;
    if !status.success() {
        return Err(format!("the child failed: {status}").into());
    }
    sent?;
    println!("parent: read {:?}", text_in(&segment)?);
    Ok(segment.detach()?)
}

/// The parent left its end of the connection as our standard input.
fn child() -> Result<(), Box<dyn Error>> {
    let connection = UnixStream::from(stdin().as_fd().try_clone_to_owned()?);
    connection.set_read_timeout(Some(PATIENCE))?;
    let segment = handover::receive(&connection)?.segment()?;
    println!("child: read {:?}", text_in(&segment)?);
    segment.lock_timeout(PATIENCE)?.write_at(0, b"from the child\0")?;
    Ok(segment.detach()?)
}

fn text_in(segment: &Segment) -> cenote::Result<String> {
    let bytes = segment.read_to_vec(..)?;
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(text).into_owned())
}
