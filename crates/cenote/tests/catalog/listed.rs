//! Everything that is there is in the list, once, and as what it is.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::{Duration, Instant};

use cenote::catalog::{self, Entry, OtherKind, Outcome, Verdict};
use cenote::{Kind, Segment};
use testkit::agent;
use testkit::names::{ShmName, unique};
use testkit::qt::QtKey;
use testkit::sysv::SysvKey;

use super::{Left, minutes, reap};

fn listed(kind: Kind, is_it: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    let all = catalog::list(Some(kind)).unwrap();
    assert!(all.iter().all(|entry| entry.address.kind() == kind));
    all.into_iter().filter(is_it).collect()
}

fn at(address: &str) -> impl Fn(&Entry) -> bool + '_ {
    move |entry| entry.address.to_string() == address
}

#[test]
fn segments_with_names_of_every_kind_are_listed_once() {
    let _watchdog = minutes();
    let (posix, sysv, qt) = (ShmName::unique("list"), SysvKey::unique(), QtKey::unique());
    let native = format!("cenote:{}", unique("list"));
    for (kind, address) in [
        (Kind::Cenote, native),
        (Kind::Posix, format!("posix:{}", posix.name())),
        (Kind::Sysv, format!("sysv:{:#010x}", sysv.key())),
        (Kind::Qt, format!("qt:{}", qt.key())),
    ] {
        let made = Segment::options().mode(0o640).create(&*address, 5000).unwrap();
        let found = listed(kind, at(&address));
        let [entry] = &found[..] else { panic!("{address}: {found:?}") };
        assert_eq!((entry.stat.size, entry.stat.mode), (5000, Some(0o640)), "{address}");
        assert!(entry.memory.is_some_and(|memory| memory >= 4096), "{address}: {:?}", entry.memory);
        assert!(entry.holders.iter().any(|one| one.pid == std::process::id() && one.mapped), "{address}");
        assert_eq!(entry.verdict, Verdict::Live, "{address}");
        let everything = catalog::list(None).unwrap();
        assert_eq!(everything.iter().filter(|entry| at(&address)(entry)).count(), 1, "{address}");
        drop(made);
        let _ = Segment::remove(&*address);
        assert!(listed(kind, at(&address)).is_empty(), "{address}");
    }
}

#[test]
fn holes_are_no_memory() {
    let (_watchdog, name) = (minutes(), ShmName::unique("holes"));
    let address = format!("posix:{}", name.name());
    let segment = Segment::options().sparse().create(&*address, 1 << 20).unwrap();
    let entry = catalog::look(&address.parse().unwrap()).unwrap();
    assert_eq!((entry.stat.size, entry.memory), (1 << 20, Some(0)));
    segment.write_at(0, b"x").unwrap();
    let entry = catalog::look(&address.parse().unwrap()).unwrap();
    assert_eq!(entry.memory, Some(4096));
}

#[test]
fn memory_without_a_name_is_listed_where_somebody_has_it() {
    let _watchdog = minutes();
    let label = unique("label");
    let mut holder = agent::spawn();
    holder.ask(&format!("create memfd:{label} 4096")).expect_ok();
    holder.ask("write 0 2a").expect_ok();
    let found = listed(Kind::Memfd, |entry| entry.label.as_deref() == Some(&label));
    let [entry] = &found[..] else { panic!("{found:?}") };
    assert!(entry.address.to_string().starts_with(&format!("memfd:{}/", holder.pid())), "{}", entry.address);
    assert_eq!((entry.verdict, entry.stat.removed), (Verdict::Live, false));
    let segment = Segment::options().read_only().attach(&entry.address).unwrap();
    assert_eq!(segment.read_value::<u8>(0).unwrap(), 0x2a);
    drop(segment);
    holder.kill();
    holder.wait_until_gone();
    assert!(listed(Kind::Memfd, |entry| entry.label.as_deref() == Some(&label)).is_empty());
}

#[test]
fn a_file_that_has_lost_its_name_is_listed_as_long_as_somebody_has_it() {
    let (_watchdog, name) = (minutes(), ShmName::unique("removed"));
    let address = format!("posix:{}", name.name());
    // As shm_open makes it: what we make never had the name for the kernel.
    File::create_new(name.path()).unwrap().set_len(4096).unwrap();
    let mut holder = agent::spawn();
    holder.ask(&format!("attach {address}")).expect_ok();
    fs::remove_file(name.path()).unwrap();
    let label = name.path().display().to_string();
    let has_it = |entry: &Entry| entry.label.as_deref() == Some(&label);
    let found = listed(Kind::File, has_it);
    let [entry] = &found[..] else { panic!("{found:?}") };
    assert!(entry.stat.removed && entry.verdict == Verdict::Live, "{entry:?}");
    assert!(entry.address.to_string().starts_with("file:/proc/"), "{}", entry.address);
    assert!(entry.holders.iter().any(|one| one.pid == holder.pid() && one.mapped));
    holder.kill();
    holder.wait_until_gone();
    assert!(listed(Kind::File, has_it).is_empty());
}

#[test]
fn files_in_folders_of_dev_shm_are_segments_too() {
    let _watchdog = minutes();
    let folder = std::path::Path::new("/dev/shm").join(unique("folder"));
    fs::create_dir(&folder).unwrap();
    let file = folder.join("table");
    File::create_new(&file).unwrap().set_len(10).unwrap();
    let address = format!("file:{}", file.display());
    let found = listed(Kind::File, at(&address));
    fs::remove_file(&file).unwrap();
    fs::remove_dir(&folder).unwrap();
    let [entry] = &found[..] else { panic!("{found:?}") };
    assert_eq!(entry.stat.size, 10);
    assert_ne!(entry.verdict, Verdict::Kept, "no file is meant to stay there: {}", entry.reason);
}

#[test]
fn what_lies_beside_the_segments_is_listed_as_what_it_is() {
    let _watchdog = minutes();
    let key = SysvKey::unique();
    let address = format!("sysv:{:#010x}", key.key());
    // Its lock is a set.
    let segment = Segment::create(&*address, 64).unwrap();
    drop(segment.lock().unwrap());
    let others = catalog::others().unwrap();
    let set = others.iter().find(|one| one.kind == OtherKind::SemaphoreSet && one.key == Some(key.key()));
    let set = set.expect("the segment's lock");
    assert_eq!(set.verdict, Verdict::Unknown);
    assert!(set.users.iter().any(|one| one.pid == std::process::id()), "{:?}", set.users);
    drop(segment);
    Segment::remove(&*address).unwrap();

    let made = Command::new("ipcmk").arg("-Q").output();
    let Ok(made) = made else { return testkit::skipped("there is no ipcmk here") };
    let said = String::from_utf8(made.stdout).unwrap();
    let id: i32 = said.trim().rsplit(' ').next().unwrap().parse().expect("the id of a queue");
    let others = catalog::others().unwrap();
    let removed = Command::new("ipcrm").args(["-q", &id.to_string()]).status().unwrap();
    assert!(removed.success());
    let queue = others.iter().find(|one| one.kind == OtherKind::MessageQueue && one.id == Some(id));
    let queue = queue.expect("it is listed");
    assert_eq!(queue.verdict, Verdict::Unknown);
    assert!(queue.reason.contains("0 messages"), "{}", queue.reason);
}

#[test]
fn a_posix_semaphore_is_no_segment() {
    let (_watchdog, name) = (minutes(), ShmName::unique("semaphore"));
    fs::write(name.semaphore_path(), [0; 32]).unwrap();
    assert!(listed(Kind::Posix, |entry| entry.address.to_string().contains(&name.name()[1..])).is_empty());
    let find = || {
        let others = catalog::others().unwrap();
        others.into_iter().find(|one| one.kind == OtherKind::Semaphore && one.name == name.name()).unwrap()
    };
    let open = File::open(name.semaphore_path()).unwrap();
    let found = find();
    assert_eq!(found.verdict, Verdict::Live, "{}", found.reason);
    assert!(found.users.iter().any(|one| one.pid == std::process::id() && !one.mapped));
    drop(open);
    while find().verdict != Verdict::Stale {
        std::thread::yield_now();
    }
}

/// A native segment of a program that is newer takes memory, and who looks for it has to find it.
#[test]
fn a_native_segment_of_another_version_is_listed_and_nothing_is_proven() {
    const VERSION: u64 = 8;
    let (_watchdog, name) = (minutes(), unique("version"));
    let address = format!("cenote:{name}");
    let _left = Left(address.clone());
    drop(Segment::options().keep().create(&*address, 64).unwrap());
    let find = || {
        let found = listed(Kind::Cenote, |entry| entry.address.to_string() == address);
        <[Entry; 1]>::try_from(found).unwrap_or_else(|found| panic!("{found:?}"))
    };
    assert_eq!(find()[0].verdict, Verdict::Kept);
    let files = fs::read_dir("/dev/shm").unwrap().map(|file| file.unwrap().path());
    let path = files.into_iter().find(|path| path.to_string_lossy().contains(&name)).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&[9], VERSION).unwrap();
    let [entry] = find();
    // Whoever has it open now can be seen, and that is all.
    assert_eq!(entry.verdict, Verdict::Live, "{}", entry.reason);
    drop(file);
    let end = Instant::now() + Duration::from_secs(20);
    while find()[0].verdict == Verdict::Live {
        assert!(Instant::now() < end);
    }
    let [entry] = find();
    assert_eq!(entry.verdict, Verdict::Unknown);
    assert!(entry.reason.contains("version 9"), "{}", entry.reason);
    assert!(matches!(&reap(&address)[..], [(_, Outcome::Spared(_))]), "{:?}", reap(&address));
}
