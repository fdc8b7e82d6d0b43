//! POSIX semaphores are judged as files are, and go when they are named; sets and queues never.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cenote::catalog::{OtherKind, Outcome, Reap, Reaped, Verdict};
use cenote::{Segment, catalog};
use testkit::names::{ShmName, unique};
use testkit::qt::QtKey;
use testkit::sysv::SysvKey;

use super::{look, minutes};

fn reap(patterns: &[&str]) -> Vec<Reaped> {
    let reap = patterns.iter().fold(Reap::new(), |reap, pattern| reap.matching(pattern).unwrap());
    reap.older(Duration::ZERO).run().unwrap()
}

/// What a pattern is for a semaphore.
fn address(name: &ShmName) -> String {
    format!("posix:/sem.{}", &name.name()[1..])
}

/// Waits until it is gone, as children of other tests may have it open for a moment.
#[track_caller]
fn until_gone(patterns: &[&str], name: &ShmName) {
    let end = Instant::now() + Duration::from_secs(20);
    while fs::exists(name.semaphore_path()).unwrap() {
        let said = reap(patterns);
        assert!(Instant::now() < end, "{said:?}");
    }
}

/// A program of the C library's has the semaphore open, until it is dropped.
struct User(Child);

impl User {
    fn of(name: &str) -> Option<Self> {
        let script = "import ctypes, sys\n\
                      libc = ctypes.CDLL(None)\n\
                      libc.sem_open.restype = ctypes.c_void_p\n\
                      at = libc.sem_open(sys.argv[1].encode(), 0o100, 0o600, 1)\n\
                      print(bool(at), flush=True)\n\
                      sys.stdin.read()\n";
        let mut python = Command::new("python3");
        python.args(["-c", script, name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = python.spawn() else {
            testkit::skipped("there is no python3 here");
            return None;
        };
        let mut line = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        assert_eq!(&line, b"True\n");
        Some(Self(child))
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_semaphore_whose_users_were_killed_goes_when_it_is_named() {
    let (_watchdog, name) = (minutes(), ShmName::unique("left"));
    let Some(user) = User::of(name.name()) else { return };
    let address = address(&name);
    let entry = look(&address);
    assert_eq!(entry.verdict, Verdict::Live, "{}", entry.reason);
    assert!(reap(&[&address]).is_empty(), "live is not even considered");
    user.kill();
    super::until_judged(&address, Verdict::Stale);
    // No pattern takes it along that does not begin as it does. Dry, as there may be others' segments.
    for pattern in ["posix:", "posix:*", &format!("posix:?sem{}", &address[10..]), "posix:/s*"] {
        let would = Reap::new().matching(pattern).unwrap().older(Duration::ZERO).dry_run().run().unwrap();
        assert!(would.iter().all(|one| one.address.to_string() != address), "{pattern}: {would:?}");
    }
    let young = Reap::new().matching(&address).unwrap().run().unwrap();
    let [one] = &young[..] else { panic!("{young:?}") };
    assert_eq!((one.other, one.address.to_string()), (Some(OtherKind::Semaphore), address.clone()));
    assert!(matches!(&one.outcome, Outcome::Spared(why) if why.contains("60 s")), "{one:?}");
    until_gone(&[&address], &name);
}

#[test]
fn a_lock_goes_after_its_segment() {
    let (_watchdog, name) = (minutes(), ShmName::unique("lock"));
    let (segment, address) = (format!("posix:{}", name.name()), address(&name));
    // As of Fast DDS, and of programs that call both the same.
    let mutex = format!("{address}_mutex");
    let mutex_file = name.semaphore_path().with_file_name(mutex.strip_prefix("posix:/").unwrap());
    for path in [&name.semaphore_path(), &mutex_file] {
        fs::write(path, [0; 32]).unwrap();
    }
    File::create_new(name.path()).unwrap();
    for address in [&address, &mutex] {
        let entry = look(address);
        assert_eq!(entry.verdict, Verdict::Unknown, "{}", entry.reason);
        assert!(entry.reason.contains(&segment), "{}", entry.reason);
        let spared = reap(&[address]);
        assert!(matches!(&spared[..], [one] if matches!(one.outcome, Outcome::Spared(_))), "{spared:?}");
    }
    let other = catalog::others().unwrap().into_iter().find(|one| one.name == name.name()).unwrap();
    assert_eq!((other.kind, other.verdict), (OtherKind::Semaphore, Verdict::Unknown));
    // All of them, and in this order whatever the order of the patterns.
    let all = format!("{address}*");
    until_gone(&[&all, &segment], &name);
    assert!(!fs::exists(name.path()).unwrap());
    while fs::exists(&mutex_file).unwrap() {
        reap(&[&mutex]);
    }
}

#[test]
fn the_lock_of_qt_on_posix_is_one() {
    let _watchdog = minutes();
    let name = unique("qt");
    let address = format!("qt:posix:/{name}");
    let _left = super::Left(address.clone());
    drop(Segment::create(&*address, 64).unwrap());
    let lock = format!("posix:/sem.{name}");
    assert_eq!(look(&lock).verdict, Verdict::Unknown);
    assert!(matches!(&reap(&[&lock])[..], [one] if matches!(one.outcome, Outcome::Spared(_))));
    let key = QtKey::unique();
    let native = cenote::qt::NativeKey::legacy_of_segment(key.key(), cenote::qt::KeyType::Posix).unwrap();
    let address = format!("qt:{native}");
    let _left = super::Left(address.clone());
    drop(Segment::create(&*address, 64).unwrap());
    let lock = format!("posix:/sem.{}", cenote::qt::legacy_semaphore_name(key.key()));
    let entry = look(&lock);
    assert_eq!((entry.verdict, entry.maker), (Verdict::Unknown, Some("Qt")), "{}", entry.reason);
}

#[test]
fn sets_and_queues_stay_and_it_is_said_how_they_go() {
    let (_watchdog, key) = (minutes(), SysvKey::unique());
    let address = format!("sysv:{:#010x}", key.key());
    let segment = Segment::create(&*address, 64).unwrap();
    drop(segment.lock().unwrap());
    drop(segment);
    // As ipcrm(1) does, which leaves the set.
    let shm = look(&address).stat.id.unwrap();
    if !Command::new("ipcrm").args(["-m", &shm.to_string()]).status().is_ok_and(|status| status.success()) {
        Segment::remove(&*address).unwrap();
        return testkit::skipped("there is no ipcrm here");
    }
    let said = reap(&[&address]);
    let [one] = &said[..] else { panic!("{said:?}") };
    assert_eq!((one.other, one.verdict), (Some(OtherKind::SemaphoreSet), Verdict::Unknown));
    let Outcome::Spared(why) = &one.outcome else { panic!("{one:?}") };
    let command = why.split('`').nth(1).expect("a command");
    assert!(reap(&["sysv:"]).iter().all(|one| one.other.is_none()), "the kind alone names none");
    let ran = Command::new("sh").args(["-c", command]).status().unwrap();
    assert!(ran.success() && reap(&[&address]).is_empty(), "{command} removes it");
}
