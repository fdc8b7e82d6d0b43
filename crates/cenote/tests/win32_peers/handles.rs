//! Mappings without a name, by the handle that a process has: another one's, one that was given, one that was inherited.

use std::process;

use cenote::{ErrorKind, Segment};
use testkit::agent;

use super::{at, minute, peer, unique};

fn memfd(pid: u32, handle: &str) -> String {
    format!("memfd:{pid}/{handle}")
}

#[test]
fn what_they_have_as_a_handle_is_attached() {
    let _watchdog = minute();
    let Some(mut peer) = peer() else { return };
    peer.ask("create-nameless 8192").expect_ok();
    let address = memfd(peer.pid(), peer.ask("handle").expect_ok());
    let segment = Segment::attach(&*address).unwrap();
    assert_eq!(segment.len(), 8192);
    segment.write_at(8000, b"ours").unwrap();
    assert_eq!(peer.ask("read 8000 4").expect_ok(), "6f757273");
    let reader = Segment::options().read_only().attach(&*address).unwrap();
    assert_eq!(reader.write_at(0, b"no").unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(reader.read_to_vec(8000..8004).unwrap(), b"ours");
    peer.finish();
    segment.write_at(8000, b"kept").unwrap();
    assert_eq!(reader.read_to_vec(8000..8004).unwrap(), b"kept");
    let error = Segment::attach(&*address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[test]
fn what_we_make_without_a_name_is_found_by_its_address() {
    let _watchdog = minute();
    let segment = Segment::create("memfd:scratch", 100_000).unwrap();
    let address = segment.address().to_string();
    assert!(address.starts_with(&format!("memfd:{}/", process::id())), "{address}");
    let mut other = agent::spawn();
    other.ask(&format!("attach {address}")).expect_ok();
    other.ask("write 99999 2a").expect_ok();
    assert_eq!(segment.read_value::<u8>(99_999).unwrap(), 0x2a);
    // There is no lock that both would find; they can agree on one.
    other.ask("lock").expect_error("LockError");
    let error = segment.lock().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
    let lock = at(&unique());
    let one = Segment::options().lock_with(&*lock).unwrap().attach(&*address).unwrap();
    let _guard = one.lock().unwrap();
    let mut third = agent::spawn();
    third.ask(&format!("attach-locking {address} {lock}")).expect_ok();
    third.ask("try-lock").expect_error("Timeout");
    assert_eq!(Segment::remove(&*address).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(Segment::attach("memfd:scratch").unwrap_err().kind(), ErrorKind::NotFound);
}

/// The peer puts a handle into this process. Our child inherits it, and has it under the same number.
#[test]
fn a_handle_that_was_given_is_inherited() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    peer.ask(&format!("create {name} 4096")).expect_ok();
    peer.ask("write 0 2a").expect_ok();
    let given = peer.ask(&format!("give {}", process::id())).expect_ok().to_owned();
    let read_only = peer.ask(&format!("give-ro {}", process::id())).expect_ok().to_owned();
    let ours = Segment::attach(&*memfd(process::id(), &given)).unwrap();
    assert_eq!(ours.read_value::<u8>(0).unwrap(), 0x2a);

    let mut child = agent::spawn();
    child.ask(&format!("attach {}", memfd(child.pid(), &given))).expect_ok();
    child.ask("write 1 2b").expect_ok();
    assert_eq!(peer.ask("read 0 2").expect_ok(), "2a2b");
    // It has a name all the same, and so the lock of that.
    child.ask("lock").expect_ok();
    peer.ask("try-lock").expect_error("Timeout");
    child.ask("unlock").expect_ok();

    let mut reader = agent::spawn();
    reader.ask(&format!("attach-ro {}", memfd(reader.pid(), &read_only))).expect_ok();
    assert_eq!(reader.ask("read 0 2").expect_ok(), "2a2b");
    reader.ask("write 0 00").expect_error("PermissionDenied");
}

#[test]
fn what_is_no_mapping_is_refused_in_words() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    peer.ask(&format!("create {name} 4096")).expect_ok();
    for (pid, handle, kind) in [
        (peer.pid(), 0x7ff0, ErrorKind::NotFound),
        (peer.pid(), 0, ErrorKind::NotFound),
        (0x7fff_fff0, 4, ErrorKind::NotFound),
    ] {
        let error = Segment::attach(&*memfd(pid, &handle.to_string())).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.hint().is_empty(), "{error}");
    }
    // All that it has, whatever it is: mappings are attached, the rest is refused, and nothing else happens.
    let mut attached = 0;
    for handle in (4..400).step_by(4) {
        match Segment::options().read_only().attach(&*memfd(peer.pid(), &handle.to_string())) {
            Ok(_) => attached += 1,
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    ErrorKind::NotFound
                        | ErrorKind::KeyError
                        | ErrorKind::PermissionDenied
                        | ErrorKind::InvalidSize
                ),
                "handle {handle}: {error}"
            ),
        }
    }
    assert!(attached > 0);
}
