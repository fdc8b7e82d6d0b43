//! Making, finding through /proc, looking.

use cenote::{Address, ErrorKind, Kind, Segment, catalog};
use testkit::agent;

use crate::minute;

#[test]
fn what_is_written_is_read_by_another_process() {
    let _watchdog = minute();
    let segment = Segment::create("memfd:conformance", 5000).unwrap();
    assert!(segment.was_created());
    assert_eq!((segment.len(), segment.address().kind()), (5000, Kind::Memfd));
    assert!(segment.read_to_vec(..).unwrap().iter().all(|&byte| byte == 0));
    segment.write_at(7, b"Hello, Client!").unwrap();

    let mut client = agent::spawn();
    client.ask(&format!("attach {}", segment.address())).expect_ok();
    assert_eq!(client.ask("size").expect_ok(), "5000");
    assert_eq!(client.ask("read 7 14").expect_ok(), "48656c6c6f2c20436c69656e7421");
    client.ask("write 4999 2a").expect_ok();
    assert_eq!(segment.read_value::<u8>(4999).unwrap(), 0x2a);
    assert_eq!(client.ask("stat").expect_ok(), "5000 - false", "it has no name that could be gone");

    client.ask("detach").expect_ok();
    client.ask(&format!("attach-ro {}", segment.address())).expect_ok();
    client.ask("write 0 2a").expect_error("PermissionDenied");
    drop(segment);
    assert_eq!(client.ask("read 7 5").expect_ok(), "48656c6c6f", "it lives as long as it has holders");
    client.finish();
}

#[test]
fn a_label_names_nothing_for_others() {
    let _watchdog = minute();
    let first = Segment::create("memfd:label", 64).unwrap();
    let second = Segment::open_or_create("memfd:label", 64).unwrap();
    assert!(second.was_created(), "every one is new");
    assert_ne!(first.address(), second.address());
    for error in [Segment::attach("memfd:label").map(drop), Segment::stat_of("memfd:label").map(drop)] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.hint().contains("memfd:PID/FD"), "{}", error.hint());
    }
    for address in [first.address().clone(), Address::memfd("label").unwrap()] {
        let error = Segment::remove(&address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.hint().contains("last holder"), "{}", error.hint());
    }
    let error = Segment::create(first.address(), 64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn sizes_and_modes_are_as_asked_for() {
    let _watchdog = minute();
    assert_eq!(Segment::create("memfd:size", 0).unwrap_err().kind(), ErrorKind::InvalidSize);
    for size in [1 << 50, u64::MAX] {
        let error = Segment::create("memfd:size", size).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::OutOfResources | ErrorKind::InvalidSize),
            "{size}: {error}"
        );
    }
    for (asked, given) in [(0o600, 0o600), (0o640, 0o640), (0o777, 0o666)] {
        let segment = Segment::options().mode(asked).create("memfd:mode", 4097).unwrap();
        let stat = Segment::stat_of(segment.address()).unwrap();
        assert_eq!((stat.mode, stat.size, stat.mapped), (Some(given), 4097, 8192));
        assert_eq!(segment.stat().unwrap(), stat);
    }
}

#[test]
fn it_cannot_shrink() {
    let _watchdog = minute();
    let segment = Segment::create("memfd:shrink", 8192).unwrap();
    let file = std::fs::File::options().write(true).open(proc_path(&segment)).unwrap();
    assert_eq!(file.set_len(100).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    segment.write_at(8191, &[1]).unwrap();
}

#[test]
fn looking_names_holders_and_lock() {
    let _watchdog = minute();
    let segment = Segment::create("memfd:look", 64).unwrap();
    let mut other = agent::spawn();
    other.ask(&format!("attach-ro {}", segment.address())).expect_ok();
    let entry = catalog::look(segment.address()).unwrap();
    let writers: Vec<_> = entry.holders.iter().map(|holder| (holder.pid, holder.writable)).collect();
    assert!(writers.contains(&(std::process::id(), true)), "{writers:?}");
    assert!(writers.iter().any(|&(pid, writable)| pid != std::process::id() && !writable), "{writers:?}");
    assert_eq!(entry.lock, cenote::LockState::Free);
    let guard = segment.lock().unwrap();
    let entry = catalog::look(segment.address()).unwrap();
    assert!(matches!(entry.lock, cenote::LockState::Held(Some(_))), "{:?}", entry.lock);
    drop(guard);
    other.finish();
}

#[test]
fn what_is_no_anonymous_memory_is_refused() {
    let _watchdog = minute();
    let pid = std::process::id();
    let (pipe, _other_end) = std::io::pipe().unwrap();
    let file = std::fs::File::open("/etc/passwd").unwrap();
    for descriptor in [std::os::fd::AsRawFd::as_raw_fd(&pipe), std::os::fd::AsRawFd::as_raw_fd(&file)]
        .map(i32::unsigned_abs)
    {
        let error = Segment::attach(Address::memfd_of(pid, descriptor).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyError, "{error}");
        assert!(error.to_string().contains("not anonymous memory"), "{error}");
    }
    for (address, reason) in
        [(format!("memfd:{pid}/99999"), "has no descriptor 99999"), ("memfd:4194304/3".into(), "no process")]
    {
        let error = Segment::attach(&address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

/// Where /proc has the descriptor of a segment.
pub(crate) fn proc_path(segment: &Segment) -> String {
    path_of(segment.address())
}

pub(crate) fn path_of(address: &Address) -> String {
    let written = address.to_string();
    let (pid, fd) = written.trim_start_matches("memfd:").split_once('/').unwrap();
    format!("/proc/{pid}/fd/{fd}")
}
