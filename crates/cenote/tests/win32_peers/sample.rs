//! A server and a client as many Windows programs have them: the name, the sizes and the text are in the programs.

use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cenote::{ErrorKind, Segment};
use testkit::{Peer, memory, peers};

use super::minute;

const ADDRESS: &str = r"windows:Local\SampleMap";
const SIZE: usize = 65536;
const MESSAGE: &str = "Message from the first process.";

/// There is one such name for all tests.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn their_server_is_read() {
    let (_watchdog, _alone) = (minute(), alone());
    let Some(server) = peers::command("win32-server") else { return };
    assert_eq!(Segment::attach(ADDRESS).unwrap_err().kind(), ErrorKind::NotFound);
    let server = Peer::spawn(server);
    let segment = Segment::options().read_only().attach(ADDRESS).unwrap();
    assert_eq!(segment.len(), SIZE);
    let text = utf16(MESSAGE);
    assert_eq!(segment.read_to_vec(..text.len()).unwrap(), text);
    assert!(segment.read_to_vec(text.len()..).unwrap().iter().all(|&byte| byte == 0));
    assert_eq!(segment.write_at(0, b"no").unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(memory::is_shared_and_read_only(segment.view(0, SIZE).unwrap().as_ptr()));

    // The mapping lives as long as anybody has it, and no longer.
    server.finish();
    assert_eq!(segment.read_to_vec(..text.len()).unwrap(), text);
    drop(Segment::attach(ADDRESS).unwrap());
    segment.detach().unwrap();
    assert_eq!(Segment::attach(ADDRESS).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn their_client_reads_us() {
    let (_watchdog, _alone) = (minute(), alone());
    let Some(mut client) = peers::command("win32-client") else { return };
    let segment = Segment::create(ADDRESS, SIZE as u64).unwrap();
    segment.write_at(0, &utf16(MESSAGE)).unwrap();
    let output = client.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), MESSAGE);
    segment.detach().unwrap();
    let output = client.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "nothing is left to be read: {output:?}");
}

#[test]
fn a_second_server_of_ours_is_refused_and_disturbs_nobody() {
    let (_watchdog, _alone) = (minute(), alone());
    let Some(server) = peers::command("win32-server") else { return };
    let server = Peer::spawn(server);
    let error = Segment::create(ADDRESS, SIZE as u64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    let found = Segment::open_or_create(ADDRESS, SIZE as u64).unwrap();
    assert!(!found.was_created());
    let text = utf16(MESSAGE);
    assert_eq!(found.read_to_vec(..text.len()).unwrap(), text);
    let error = Segment::open_or_create(ADDRESS, SIZE as u64 + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSize, "{error}");
    drop(found);
    server.finish();
}
