//! What is said of a segment, by which proof.

use std::fs::File;
use std::io::IoSlice;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use cenote::Segment;
use cenote::catalog::Verdict;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use testkit::agent;
use testkit::names::{ShmName, TempDir, unique};
use testkit::sysv::SysvKey;

use super::{Left, look, minutes, until_judged};

#[test]
fn a_posix_segment_is_live_while_it_is_mapped_or_open_and_stale_after_that() {
    let (_watchdog, name) = (minutes(), ShmName::unique("verdict"));
    let address = format!("posix:{}", name.name());
    let mut holder = agent::spawn();
    holder.ask(&format!("create {address} 64")).expect_ok();
    let entry = look(&address);
    assert_eq!(entry.verdict, Verdict::Live, "{}", entry.reason);
    let seen = entry.holders.iter().find(|one| one.pid == holder.pid()).expect("the agent");
    assert!(seen.mapped && seen.writable && seen.container.is_none());
    holder.kill();
    holder.wait_until_gone();
    let entry = until_judged(&address, Verdict::Stale);
    assert!(entry.holders.is_empty());
    assert!(entry.reason.contains("nobody has it open") || entry.reason.contains("no process maps it"));

    // Open, and not mapped.
    let mut tail = Command::new("tail");
    let mut tail = tail.arg("-f").arg(name.path()).stdout(Stdio::null()).spawn().unwrap();
    let entry = until_judged(&address, Verdict::Live);
    let seen = entry.holders.iter().find(|one| one.pid == tail.id()).expect("it has it open");
    assert!(!seen.mapped && !seen.writable, "{seen:?}");
    assert!(entry.reason.contains("has it open"), "{}", entry.reason);
    tail.kill().unwrap();
    tail.wait().unwrap();
    until_judged(&address, Verdict::Stale);
}

#[test]
fn one_that_is_on_its_way_through_a_socket_is_not_stale() {
    let (_watchdog, name) = (minutes(), ShmName::unique("way"));
    let address = format!("posix:{}", name.name());
    drop(Segment::create(&*address, 64).unwrap());
    let (to, _from) = UnixStream::pair().unwrap();
    let file = File::open(name.path()).unwrap();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [file.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    rustix::net::sendmsg(&to, &[IoSlice::new(b"x")], &mut control, SendFlags::empty()).unwrap();
    drop(file);
    // No process has it, and the kernel knows better.
    let entry = until_judged(&address, Verdict::Unknown);
    assert!(entry.holders.is_empty() && entry.reason.contains("on its way"), "{}", entry.reason);
    assert!(
        super::reap(&address)
            .iter()
            .all(|(_, outcome)| !matches!(outcome, cenote::catalog::Outcome::Removed))
    );
    drop((to, _from));
    until_judged(&address, Verdict::Stale);
}

#[test]
fn a_process_whose_first_thread_has_ended_is_seen() {
    let (_watchdog, name) = (minutes(), ShmName::unique("headless"));
    let address = format!("posix:{}", name.name());
    drop(Segment::create(&*address, 64).unwrap());
    let script = "import ctypes, mmap, os, sys, threading\n\
                  with open(sys.argv[1], 'r+b') as file: memory = mmap.mmap(file.fileno(), 0)\n\
                  def rest():\n    sys.stdin.read()\n    os._exit(0)\n\
                  threading.Thread(target=rest).start()\n\
                  ctypes.CDLL(None).syscall(int(sys.argv[2]), 0)\n";
    let mut python = Command::new("python3");
    python.args(["-c", script]).arg(name.path()).arg(libc::SYS_exit.to_string()).stdin(Stdio::piped());
    let Ok(mut holder) = python.spawn() else { return testkit::skipped("there is no python3 here") };
    let state = || std::fs::read_to_string(format!("/proc/{}/status", holder.id())).unwrap();
    while !state().contains("State:\tZ") {
        std::thread::yield_now();
    }
    let entry = look(&address);
    assert_eq!(entry.verdict, Verdict::Live, "{}", entry.reason);
    assert!(entry.holders.iter().any(|one| one.pid == holder.id() && one.mapped), "{:?}", entry.holders);
    drop(holder.stdin.take());
    holder.wait().unwrap();
    until_judged(&address, Verdict::Stale);
}

#[test]
fn system_v_is_what_the_kernel_counts() {
    let (_watchdog, key) = (minutes(), SysvKey::unique());
    let address = format!("sysv:{:#010x}", key.key());
    let mut holder = agent::spawn();
    holder.ask(&format!("create {address} 64")).expect_ok();
    assert_eq!(look(&address).verdict, Verdict::Live);
    holder.kill();
    holder.wait_until_gone();
    let entry = until_judged(&address, Verdict::Stale);
    assert!(entry.reason.contains("counts no attachment"), "{}", entry.reason);
    Segment::remove(&*address).unwrap();
}

#[test]
fn a_file_on_a_disk_is_kept() {
    let (_watchdog, folder) = (minutes(), TempDir::new());
    let address = format!("file:{}", folder.join("table").display());
    drop(Segment::create(&*address, 64).unwrap());
    let entry = until_judged(&address, Verdict::Kept);
    assert!(entry.reason.contains("until somebody deletes it"), "{}", entry.reason);
}

/// A stand-in for PostgreSQL's postmaster, by its name.
#[test]
fn what_a_makers_keeper_may_want_is_not_stale() {
    let _watchdog = minutes();
    let (name, folder) = (format!("PostgreSQL.{}", std::process::id()), TempDir::new());
    let address = format!("posix:/{name}");
    let _left = Left(address.clone());
    drop(Segment::create(&*address, 64).unwrap());
    let entry = look(&address);
    assert_eq!(entry.maker, Some("PostgreSQL"));
    if !testkit::system::in_first_pid_namespace() {
        assert!(entry.reason.contains("look from outside"), "{}", entry.reason);
        return;
    }
    let program = folder.join("postgres");
    std::fs::copy("/bin/cat", &program).unwrap();
    let mut keeper = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let entry = until_judged(&address, Verdict::Unknown);
    assert!(entry.reason.contains("`postgres` runs"), "{}", entry.reason);
    // Killed, and not asked about by its parent: it is there, and wants nothing any more.
    keeper.kill().unwrap();
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", keeper.id())).unwrap();
    while !stat().contains(") Z ") {
        std::thread::yield_now();
    }
    until_judged(&address, Verdict::Stale);
    assert!(stat().contains("(postgres) Z "), "{}", stat());
    keeper.wait().unwrap();
}

#[test]
fn native_segments_are_judged_by_the_kernel() {
    let (_watchdog, name) = (minutes(), unique("verdict"));
    let address = format!("cenote:{name}");
    let _left = Left(address.clone());
    let mut holder = agent::spawn();
    holder.ask(&format!("create {address} 64")).expect_ok();
    let entry = look(&address);
    assert_eq!((entry.verdict, entry.maker), (Verdict::Live, Some("Cenote")));
    holder.kill();
    holder.wait_until_gone();
    assert_eq!(look(&address).verdict, Verdict::Stale);
    Segment::remove(&*address).unwrap();
}
