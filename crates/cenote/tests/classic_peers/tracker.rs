//! Plain Python programs, whose resource tracker removes at their end what they have merely attached to.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use cenote::{ErrorKind, Segment};
use testkit::names::ShmName;
use testkit::{Peer, peers};

use super::{minute, wait_until};

/// Attaches to the segment named in its first argument, changes a byte, and ends; the second says how.
const GUEST: &str = r#"
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

name, how = sys.argv[1:]
if how == "untracked":
    memory = SharedMemory(name=name, track=False)
else:
    memory = SharedMemory(name=name)
if how == "unregistered":
    resource_tracker.unregister("/" + memory.name.lstrip("/"), "shared_memory")
memory.buf[0] = 42
memory.close()
"#;

/// Makes a segment without choosing its name, writes to it, says the name, and waits for its input to end.
const HOST: &str = r#"
import sys
from multiprocessing.shared_memory import SharedMemory

memory = SharedMemory(create=True, size=4097)
memory.buf[:5] = b"there"
print("ready", flush=True)
print("ok", memory.name, memory.size, flush=True)
for line in sys.stdin:
    print("ok", memory.buf[int(line)], flush=True)
memory.close()
memory.unlink()
"#;

/// Python with a program of ours; `None`, having said so, where the Python peer cannot run either.
fn python(script: &str) -> Option<Command> {
    let mut command = Command::new(peers::command("python")?.get_program());
    command.args(["-c", script]).stderr(Stdio::null());
    Some(command)
}

/// Whether Python is at least of version 3.`minor`.
fn is_at_least(minor: u32) -> bool {
    let check = format!("import sys; sys.exit(0 if sys.version_info >= (3, {minor}) else 1)");
    python(&check).is_some_and(|mut command| command.status().unwrap().success())
}

/// Lets a guest come and go. `None` where there is no Python.
fn visit(name: &ShmName, how: &str) -> Option<()> {
    let status = python(GUEST)?.args([&name.name()[1..], how]).status().unwrap();
    assert!(status.success(), "{how}: {status}");
    Some(())
}

#[test]
fn pythons_tracker_takes_our_name_away_and_holders_keep_memory_and_lock_and_can_see_it() {
    let _watchdog = minute();
    let name = ShmName::unique("tracked");
    let address = format!("posix:{}", name.name());
    let segment = Segment::create(&address, 64).unwrap();
    let other = Segment::attach(&address).unwrap();
    assert!(!segment.stat().unwrap().removed);
    if visit(&name, "plain").is_none() {
        return;
    }
    // The tracker is a process of its own, which notices the end of its program a moment later.
    wait_until("the tracker removes the name", || !name.path().exists());

    assert!(segment.stat().unwrap().removed, "it does not happen unnoticed");
    assert!(other.stat().unwrap().removed);
    let error = Segment::attach(&address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    // Those who are in go on as before.
    assert_eq!(other.read_value::<u8>(0).unwrap(), 42, "the guest was in the same memory");
    segment.write_at(1, b"still shared").unwrap();
    assert_eq!(other.read_to_vec(1..13).unwrap(), b"still shared");
    let guard = segment.lock().unwrap();
    assert!(other.try_lock().unwrap().is_none(), "and the lock still excludes");
    guard.unlock().unwrap();
    drop(other.try_lock().unwrap().expect("it is free"));

    // The name is free for another segment, which is not taken for this one.
    let anew = Segment::create(&address, 64).unwrap();
    assert!(segment.stat().unwrap().removed);
    assert!(!anew.stat().unwrap().removed);
    assert_eq!(anew.read_value::<u8>(0).unwrap(), 0);
    Segment::remove(&address).unwrap();
}

#[test]
fn a_python_program_that_unregisters_leaves_our_segment_alone() {
    let _watchdog = minute();
    let ways: &[&str] = if is_at_least(13) { &["unregistered", "untracked"] } else { &["unregistered"] };
    for how in ways {
        let (name, canary) = (ShmName::unique("left"), ShmName::unique("canary"));
        let segment = Segment::create(format!("posix:{}", name.name()), 64).unwrap();
        if visit(&name, how).is_none() {
            return;
        }
        // A tracker that was to remove it would have had time by when the one of a later program has done so.
        let _canary = Segment::create(format!("posix:{}", canary.name()), 64).unwrap();
        visit(&canary, "plain");
        wait_until("a tracker removes the other one", || !canary.path().exists());
        assert!(!segment.stat().unwrap().removed, "{how}");
        assert_eq!(segment.read_value::<u8>(0).unwrap(), 42);
        assert_eq!(Segment::attach(segment.address()).unwrap().len(), 64);
    }
}

/// What Python has named itself; removed when this is dropped.
struct PythonsName(PathBuf);

impl Drop for PythonsName {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_segment_that_python_named_itself_is_attached_by_that_name() {
    let _watchdog = minute();
    let Some(command) = python(HOST) else { return };
    let mut host = Peer::spawn(command);
    let reply = host.wait_for_reply();
    let (name, size) = reply.expect_ok().split_once(' ').unwrap();
    assert!(name.starts_with("psm_"), "{name}");
    let _name = PythonsName(PathBuf::from("/dev/shm").join(name));
    for address in [format!("posix:/{name}"), format!("posix:{name}"), format!("file:/dev/shm/{name}")] {
        let segment = Segment::attach(&address).unwrap();
        assert_eq!(segment.len().to_string(), size);
        assert_eq!(segment.read_to_vec(..5).unwrap(), b"there");
        segment.write_at(4096, &[7]).unwrap();
        assert_eq!(host.ask("4096").expect_ok(), "7");
        segment.write_at(4096, &[0]).unwrap();
    }
    let segment = Segment::attach(format!("posix:/{name}")).unwrap();
    host.finish();
    assert!(segment.stat().unwrap().removed, "its maker has removed it");
    assert_eq!(segment.read_to_vec(..5).unwrap(), b"there");
}
