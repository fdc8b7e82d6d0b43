//! Seals: what nobody can do any more, tried by those who have the memory and want to.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::net::UnixStream;

use cenote::handover::{self, Grant};
use cenote::{Address, ErrorKind, Segment};
use testkit::{agent, system};

use crate::child::Other;
use crate::life::{path_of, proc_path};
use crate::{mapper, minute, seal};

#[test]
fn what_is_sealed_resists_who_received_it() {
    let _watchdog = minute();
    let segment = Segment::options().mode(0o666).create("memfd:sealed", 8192).unwrap();
    segment.fill(.., 0x5a).unwrap();
    let sealed = seal(segment);
    let mut others = vec![Other::start("attack what is sealed")];
    others.extend(Other::start_as_another_user("attack what is sealed"));
    for mut other in others {
        handover::send(&other.socket, &sealed, Grant::ReadOnly).unwrap();
        // It tries our descriptor in /proc as well.
        other.socket.write_all(format!("{}\n", sealed.address()).as_bytes()).unwrap();
        other.socket.shutdown(std::net::Shutdown::Write).unwrap();
        other.finish();
        assert!(sealed.len() == 8192 && sealed.iter().all(|&byte| byte == 0x5a));
    }
}

pub(crate) fn attack_what_is_sealed(socket: &UnixStream) {
    let sealed = handover::receive(socket).unwrap().sealed().unwrap();
    attack(socket, sealed.address());
    assert!(sealed.len() == 8192 && sealed.iter().all(|&byte| byte == 0x5a));
}

#[test]
fn what_is_read_only_resists_who_received_it() {
    let _watchdog = minute();
    // The widest mode: what keeps writers out is the seal.
    for mode in [0o600, 0o666] {
        let segment = Segment::options().mode(mode).create("memfd:read-only", 8192).unwrap();
        segment.fill(.., 0x5a).unwrap();
        let mut others = vec![Other::start("attack what is read-only")];
        others.extend(Other::start_as_another_user("attack what is read-only"));
        for mut other in others {
            handover::send(&other.socket, &segment, Grant::ReadOnly).unwrap();
            other.socket.write_all(format!("{}\n", segment.address()).as_bytes()).unwrap();
            other.socket.shutdown(std::net::Shutdown::Write).unwrap();
            other.finish();
            assert!(segment.read_to_vec(..).unwrap().iter().all(|&byte| byte == 0x5a));
            segment.write_at(0, &[0x5a]).expect("its maker writes on");
        }
    }
}

pub(crate) fn attack_what_is_read_only(socket: &UnixStream) {
    let segment = handover::receive(socket).unwrap().segment().unwrap();
    assert!(segment.is_read_only());
    assert_eq!(segment.write_at(0, b"!").unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(segment.seal_writes().map_err(|error| error.kind()), Ok(()), "it is so already");
    attack(socket, segment.address());
    assert!(segment.read_to_vec(..).unwrap().iter().all(|&byte| byte == 0x5a));
}

/// Tries all ways to change the memory, through our own descriptor and through the sender's.
fn attack(mut socket: &UnixStream, own: &Address) {
    let mut senders = String::new();
    socket.read_to_string(&mut senders).unwrap();
    let senders: Address = senders.trim_end().parse().unwrap();
    let fd = path_of(own).rsplit('/').next().unwrap().to_owned();
    let mut opened = 0;
    for path in [path_of(own), format!("/proc/self/fd/{fd}"), path_of(&senders)] {
        // Who owns it can give it another mode. That helps nobody.
        let _ = std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666));
        // Its own user can open it for writing, and others if its mode lets them, and then do nothing with it.
        let Ok(file) = File::options().read(true).write(true).open(&path) else { continue };
        opened += 1;
        let refused = |what: &str, result: std::io::Result<()>| {
            let error = result.expect_err(what);
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "{path}: {what}: {error}");
        };
        refused("write", file.write_all_at(b"!", 0));
        refused("shrink", file.set_len(1));
        refused("grow", file.set_len(1 << 20));
        let hole = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
        refused("punch", rustix::fs::fallocate(&file, hole, 0, 4096).map_err(Into::into));
        refused("map", mapper::map_writable(&file));
        refused("upgrade", mapper::map_and_upgrade(&file));
        refused("copy", std::io::copy(&mut &b"!"[..], &mut &file).map(drop));
    }
    for address in [own, &senders] {
        let error = Segment::attach(address).expect_err("it is mapped writable");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    }
    if system::is_root() {
        assert_eq!(opened, 3, "it was tried in earnest");
    } else if std::fs::metadata("/proc/self").unwrap().uid() == system::OTHER_USER {
        assert!(File::open(path_of(&senders)).is_err(), "another user's process is out of reach");
    }
}

#[test]
fn nothing_is_sealed_while_others_can_write() {
    let _watchdog = minute();
    let segment = Segment::create("memfd:busy", 4096).unwrap();
    segment.write_at(0, b"kept").unwrap();
    let mut writer = agent::spawn();
    writer.ask(&format!("attach {}", segment.address())).expect_ok();
    let refused = segment.into_sealed().unwrap_err();
    assert_eq!(refused.error().kind(), ErrorKind::PermissionDenied, "{refused}");
    assert!(refused.to_string().contains("somebody else has it mapped writable"), "{refused}");
    let segment = refused.into_segment();
    segment.write_at(4, b" and writable").expect("it is attached as it was");

    // A forked child has its parent's mapping.
    let child: u32 = writer.ask("fork stay").expect_ok().parse().unwrap();
    writer.kill();
    let segment = segment.into_sealed().unwrap_err().into_segment();
    system::signal(child, 9);
    let sealed = seal(segment);
    assert_eq!(&sealed[..17], b"kept and writable");
}

#[test]
fn readers_are_not_in_the_way() {
    let _watchdog = minute();
    let segment = Segment::create("memfd:readers", 4096).unwrap();
    let mut reader = agent::spawn();
    reader.ask(&format!("attach-ro {}", segment.address())).expect_ok();
    segment.write_at(0, &[42]).unwrap();
    let sealed = seal(segment);
    assert_eq!(sealed[0], 42);
    assert_eq!(reader.ask("read 0 1").expect_ok(), "2a");
    // What is sealed can be found as before, by its new address, and known for what it is.
    let found = Segment::options().read_only().attach(sealed.address()).unwrap().into_sealed().unwrap();
    assert_eq!(found[..], sealed[..]);
    let stat = Segment::stat_of(sealed.address()).unwrap();
    assert_eq!((stat.size, stat.mode), (4096, Some(0o400)));
    reader.ask(&format!("attach-ro {}", sealed.address())).expect_ok();
    reader.ask(&format!("attach {}", sealed.address())).expect_error("PermissionDenied");
    reader.finish();
}

#[test]
fn writers_from_before_the_seal_go_on() {
    let _watchdog = minute();
    let segment = Segment::create("memfd:writers", 4096).unwrap();
    let mut writer = agent::spawn();
    writer.ask(&format!("attach {}", segment.address())).expect_ok();
    segment.seal_writes().unwrap();
    segment.seal_writes().expect("twice is once");
    writer.ask("write 0 2a").expect_ok();
    assert_eq!(segment.read_value::<u8>(0).unwrap(), 42);
    let mut late = agent::spawn();
    late.ask(&format!("attach {}", segment.address())).expect_error("PermissionDenied");
    late.ask(&format!("attach-ro {}", segment.address())).expect_ok();
    let file = File::options().write(true).open(proc_path(&segment)).unwrap();
    assert!(file.set_len(1 << 20).is_err());
    drop(file);
    writer.finish();
    late.finish();
    assert_eq!(seal(segment)[0], 42, "nobody else writes");
}

#[test]
fn readers_can_seal_nothing() {
    let _watchdog = minute();
    let segment = Segment::create("memfd:reader", 4096).unwrap();
    let reader = Segment::options().read_only().attach(segment.address()).unwrap();
    let refused = reader.seal_writes().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused}");
    let refused = reader.into_sealed().unwrap_err();
    assert_eq!(refused.error().kind(), ErrorKind::PermissionDenied, "{refused}");
    segment.write_at(0, b"as before").unwrap();
}

#[test]
fn what_has_a_name_is_not_sealed() {
    let _watchdog = minute();
    let name = testkit::names::ShmName::unique("seal");
    let segment = Segment::create(format!("posix:{}", name.name()), 64).unwrap();
    assert_eq!(segment.seal_writes().unwrap_err().kind(), ErrorKind::Unsupported);
    let segment = segment.into_sealed().unwrap_err();
    assert_eq!(segment.error().kind(), ErrorKind::Unsupported);
    segment.into_segment().write_at(0, b"as it was").unwrap();
    Segment::remove(format!("posix:{}", name.name())).unwrap();
}
