//! Senders that lie: each costs an error, and leaves no descriptor behind.

use std::fs::File;
use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use cenote::handover;
use cenote::{Address, ErrorKind, Segment};
use rustix::fs::{MemfdFlags, OFlags, SealFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::child::Other;
use crate::life::{path_of, proc_path};
use crate::minute;

const READ_WRITE: &[u8] = b"CENOTE\x01\x00";
const READ_ONLY: &[u8] = b"CENOTE\x01\x01";
const SEALED: &[u8] = b"CENOTE\x01\x02";

/// In a process of its own, whose descriptors can be counted.
#[test]
fn lies_are_refused_and_leave_nothing_open() {
    let _watchdog = minute();
    let others = [Some(Other::start("receive what is hostile"))];
    let stranger = Other::start_as_another_user("receive what is hostile");
    others.into_iter().flatten().chain(stranger).for_each(Other::finish);
}

pub(crate) fn receive_what_is_hostile(_socket: &UnixStream) {
    let segment = Segment::create("memfd:honest", 4096).unwrap();
    let unsealed = memfd(4096, SealFlags::empty());
    let shrinkable = memfd(4096, SealFlags::FUTURE_WRITE | SealFlags::GROW);
    let written = memfd(4096, SealFlags::SHRINK | SealFlags::FUTURE_WRITE);
    let growing = memfd(4096, SealFlags::WRITE | SealFlags::GROW);
    let empty = memfd(0, SealFlags::WRITE | SealFlags::SHRINK);
    let (pipe, _other_end) = std::io::pipe().unwrap();
    let file = File::open("/etc/passwd").unwrap();
    let path = open(&proc_path(&segment), OFlags::PATH);
    let writable = open(&proc_path(&segment), OFlags::RDWR);
    let write_only = open(&proc_path(&segment), OFlags::WRONLY);
    let read_only = open(&proc_path(&segment), OFlags::RDONLY);
    let (rw, pipe) = (writable.as_fd(), pipe.as_fd());

    use ErrorKind::{Incompatible, InvalidSize, KeyError, NotFound, PermissionDenied, Untrusted};
    let lies: Vec<(&str, &[u8], Vec<BorrowedFd<'_>>, ErrorKind)> = vec![
        ("nothing at all", b"", vec![], NotFound),
        ("no descriptor", READ_WRITE, vec![], Untrusted),
        ("two descriptors", READ_WRITE, vec![rw, rw], Untrusted),
        ("more than there is room for", READ_WRITE, vec![rw; 60], Untrusted),
        ("half a message", &SEALED[..3], vec![rw], Untrusted),
        ("another program's message", b"GET / HTTP/1.1", vec![rw], Untrusted),
        ("a later version", b"CENOTE\x02\x00", vec![rw], Incompatible),
        ("an unknown kind", b"CENOTE\x01\x03", vec![rw], Incompatible),
        ("a pipe", READ_WRITE, vec![pipe], Untrusted),
        ("a pipe to read", READ_ONLY, vec![pipe], KeyError),
        ("a pipe as sealed", SEALED, vec![pipe], KeyError),
        ("a file", READ_ONLY, vec![file.as_fd()], KeyError),
        ("a file as sealed", SEALED, vec![file.as_fd()], KeyError),
        ("a path", READ_WRITE, vec![path.as_fd()], Untrusted),
        ("a path to read", READ_ONLY, vec![path.as_fd()], Untrusted),
        ("a path as sealed", SEALED, vec![path.as_fd()], Untrusted),
        ("one that cannot be read", READ_ONLY, vec![write_only.as_fd()], Untrusted),
        ("one that cannot be written", READ_WRITE, vec![read_only.as_fd()], Untrusted),
        ("memory that shrinks", READ_WRITE, vec![unsealed.as_fd()], Untrusted),
        ("memory that shrinks, to read", READ_ONLY, vec![shrinkable.as_fd()], Untrusted),
        ("memory sealed against us", READ_WRITE, vec![written.as_fd()], PermissionDenied),
        ("a segment as sealed", SEALED, vec![rw], Untrusted),
        ("memory with writers as sealed", SEALED, vec![written.as_fd()], Untrusted),
        ("memory that shrinks as sealed", SEALED, vec![growing.as_fd()], Untrusted),
        ("sealed memory of no size", SEALED, vec![empty.as_fd()], InvalidSize),
    ];
    let open_before = count_open();
    for (what, message, descriptors, kind) in &lies {
        let (ours, theirs) = UnixStream::pair().unwrap();
        send(theirs, message, descriptors);
        let error = handover::receive(&ours).expect_err(what);
        assert_eq!(error.kind(), *kind, "{what}: {error}");
        drop(ours);
        assert_eq!(count_open(), open_before, "{what}");
    }
    // The same things, told as they are.
    for (message, descriptors) in [(READ_WRITE, rw), (READ_ONLY, rw), (READ_ONLY, read_only.as_fd())] {
        let (ours, theirs) = UnixStream::pair().unwrap();
        send(theirs, message, &[descriptors]);
        let received = handover::receive(&ours).unwrap().segment().unwrap();
        assert_eq!(received.is_read_only(), message == READ_ONLY);
    }
    assert_eq!(count_open(), open_before);
    what_is_received_is_not_inherited(rw);
    slow_messages_arrive(rw);
}

/// Another program that this one starts does not get the descriptor.
fn what_is_received_is_not_inherited(descriptor: BorrowedFd<'_>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    send(theirs, READ_WRITE, &[descriptor]);
    let received = handover::receive(&ours).unwrap().segment().unwrap();
    let path = path_of(received.address());
    let info = std::fs::read_to_string(path.replace("/fd/", "/fdinfo/")).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
    let cloexec = 0o2_000_000;
    assert_ne!(u32::from_str_radix(flags, 8).unwrap() & cloexec, 0, "{info}");
}

/// A stream may bring the message in pieces.
fn slow_messages_arrive(descriptor: BorrowedFd<'_>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let sender = theirs.try_clone().unwrap();
    send(theirs, &READ_WRITE[..1], &[descriptor]);
    std::thread::scope(|scope| {
        let rest = scope.spawn(|| {
            for byte in &READ_WRITE[1..] {
                (&sender).write_all(&[*byte]).unwrap();
            }
            // What follows is for others to read.
            (&sender).write_all(b"more").unwrap();
        });
        handover::receive(&ours).unwrap().segment().unwrap();
        rest.join().unwrap();
    });
    let mut more = [0; 4];
    std::io::Read::read_exact(&mut &ours, &mut more).unwrap();
    assert_eq!(&more, b"more");
}

/// A hostile maker of anonymous memory.
fn memfd(size: u64, seals: SealFlags) -> OwnedFd {
    let file = rustix::fs::memfd_create("hostile", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap();
    rustix::fs::ftruncate(&file, size).unwrap();
    rustix::fs::fcntl_add_seals(&file, seals).unwrap();
    file
}

fn open(path: &str, access: OFlags) -> OwnedFd {
    rustix::fs::open(path, access | OFlags::CLOEXEC, rustix::fs::Mode::empty()).unwrap()
}

/// Sends anything, and closes the connection.
fn send(socket: UnixStream, message: &[u8], descriptors: &[BorrowedFd<'_>]) {
    if message.is_empty() {
        return;
    }
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
    let mut ancillary = SendAncillaryBuffer::new(&mut room);
    if !descriptors.is_empty() {
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    rustix::net::sendmsg(&socket, &[IoSlice::new(message)], &mut ancillary, SendFlags::empty()).unwrap();
    drop(socket);
}

fn count_open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Through /proc nothing else is trusted than over a socket.
#[test]
fn memory_in_huge_pages_is_refused() {
    let _watchdog = minute();
    let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC | MemfdFlags::HUGETLB;
    let Ok(huge) = rustix::fs::memfd_create("huge", flags) else {
        testkit::skipped("this kernel has no huge pages");
        return;
    };
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&huge).unsigned_abs();
    let error = Segment::attach(Address::memfd_of(std::process::id(), descriptor).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}
