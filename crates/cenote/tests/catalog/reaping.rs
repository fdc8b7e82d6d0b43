//! What reaping takes, and what it leaves.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use cenote::catalog::{Outcome, Reap, Verdict};
use cenote::{ErrorKind, Segment};
use testkit::agent;
use testkit::names::{ShmName, unique};
use testkit::qt::QtKey;
use testkit::sysv::{self, SysvKey};

use super::{Left, look, minutes, reap, until_judged, until_reaped};

/// Leaves a segment whose maker was killed.
fn leave(address: &str) {
    let mut maker = agent::spawn();
    maker.ask(&format!("create {address} 8192")).expect_ok();
    maker.kill();
    maker.wait_until_gone();
}

#[test]
fn what_the_killed_leave_goes_and_what_is_live_stays() {
    let _watchdog = minutes();
    let prefix = unique("reap");
    let (dead, kept, live) =
        (format!("cenote:{prefix}/dead"), format!("cenote:{prefix}/kept"), format!("cenote:{prefix}/live"));
    let _left = [&dead, &kept].map(|address| Left(address.clone()));
    leave(&dead);
    drop(Segment::options().keep().create(&*kept, 64).unwrap());
    let held = Segment::create(&*live, 64).unwrap();
    let pattern = format!("{prefix}/*");
    let would = Reap::new().matching(&pattern).unwrap().dry_run().run().unwrap();
    assert!(matches!(would[..], [ref one] if matches!(one.outcome, Outcome::WouldRemove)), "{would:?}");
    assert_eq!(look(&dead).verdict, Verdict::Stale, "nothing was removed");
    let done = Reap::new().matching(&pattern).unwrap().run().unwrap();
    let [one] = &done[..] else { panic!("{done:?}") };
    assert_eq!((one.address.to_string(), one.verdict), (dead.clone(), Verdict::Stale));
    assert!(matches!(one.outcome, Outcome::Removed) && one.freed >= 8192, "{one:?}");
    assert_eq!(look(&kept).verdict, Verdict::Kept);
    assert_eq!(look(&live).verdict, Verdict::Live);

    // What is kept goes if both are said.
    let error = Reap::new().matching(&pattern).unwrap().kept().run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyError);
    let day = Duration::from_secs(86_400);
    let young = Reap::new().matching(&pattern).unwrap().kept().older(day).run().unwrap();
    assert!(matches!(young[..], [ref one] if matches!(one.outcome, Outcome::Spared(_))), "{young:?}");
    let done = Reap::new().matching(&pattern).unwrap().kept().older(Duration::ZERO).run().unwrap();
    assert!(matches!(done[..], [ref one] if matches!(one.outcome, Outcome::Removed)), "{done:?}");
    assert!(!held.stat().unwrap().removed);
}

/// A store to the memory leaves no trace, and neither does mapping it where access times are kept for a day.
#[test]
fn attaching_and_leaving_what_is_kept_makes_it_young() {
    let (_watchdog, name) = (minutes(), unique("young"));
    let address = format!("cenote:{name}");
    let _left = Left(address.clone());
    drop(Segment::options().keep().create(&*address, 64).unwrap());
    let path = fs::read_dir("/dev/shm").unwrap().flatten().map(|file| file.path());
    let mut path = path;
    let path = path.find(|path| path.display().to_string().ends_with(&name)).unwrap();
    let past = std::time::SystemTime::now() - Duration::from_secs(86_400);
    let set_back = || {
        let times = fs::FileTimes::new().set_modified(past).set_accessed(past);
        File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
    };
    let is_young = || path.metadata().unwrap().modified().unwrap() > past + Duration::from_secs(3600);
    for read_only in [false, true] {
        let options = if read_only { Segment::options().read_only() } else { Segment::options() };
        set_back();
        let segment = options.attach(&*address).unwrap();
        assert!(is_young(), "attached; read-only: {read_only}");
        set_back();
        drop(segment);
        assert!(is_young(), "left; read-only: {read_only}");
    }
    Segment::remove(&*address).unwrap();
}

#[test]
fn a_foreign_kind_goes_when_it_is_named_and_old_enough() {
    let (_watchdog, name) = (minutes(), ShmName::unique("reap"));
    let address = format!("posix:{}", name.name());
    leave(&address);
    until_judged(&address, Verdict::Stale);
    // Natives only. Those of other tests are theirs.
    assert!(
        Reap::new().dry_run().run().unwrap().iter().all(|one| one.address.to_string().starts_with("cenote:"))
    );
    let young = Reap::new().matching(&address).unwrap().run().unwrap();
    let [one] = &young[..] else { panic!("{young:?}") };
    assert!(matches!(&one.outcome, Outcome::Spared(why) if why.contains("60 s")), "{one:?}");
    // Two minutes ago.
    let past = std::time::SystemTime::now() - Duration::from_secs(120);
    let file = File::options().write(true).open(name.path()).unwrap();
    file.set_times(fs::FileTimes::new().set_modified(past).set_accessed(past)).unwrap();
    drop(file);
    // Setting the times is itself a change.
    let young = Reap::new().matching(&address).unwrap().run().unwrap();
    assert!(matches!(&young[..], [one] if matches!(one.outcome, Outcome::Spared(_))), "{young:?}");
    until_reaped(&address);
    assert!(!fs::exists(name.path()).unwrap());
}

#[test]
fn what_somebody_has_open_stays() {
    let (_watchdog, name) = (minutes(), ShmName::unique("open"));
    let address = format!("posix:{}", name.name());
    leave(&address);
    let open = File::open(name.path()).unwrap();
    assert!(reap(&address).is_empty(), "live is not even considered");
    assert!(fs::exists(name.path()).unwrap());
    drop(open);
    until_reaped(&address);
}

#[test]
fn system_v_goes_with_its_lock_and_qt_with_its_files() {
    let (_watchdog, key, qt) = (minutes(), SysvKey::unique(), QtKey::unique());
    let address = format!("sysv:{:#010x}", key.key());
    let mut maker = agent::spawn();
    maker.ask(&format!("create {address} 8192")).expect_ok();
    maker.ask("lock").expect_ok();
    maker.kill();
    maker.wait_until_gone();
    until_reaped(&address);
    assert!(sysv::objects(key.key()).is_empty(), "{:?}", sysv::objects(key.key()));

    let address = format!("qt:{}", qt.key());
    leave(&address);
    let files = || {
        let names = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        names.filter(|file| file.file_name().to_string_lossy().contains(qt.key())).count()
    };
    assert!(files() > 0);
    until_reaped(&address);
    assert_eq!(files(), 0, "Qt's key files");
}

#[test]
fn a_name_that_a_dead_reaper_has_put_aside_is_given_back() {
    let (_watchdog, name) = (minutes(), ShmName::unique("aside"));
    let address = format!("posix:{}", name.name());
    drop(Segment::create(&*address, 64).unwrap());
    let aside = name.path().with_file_name(format!(".cenote-aside.{}", &name.name()[1..]));
    fs::rename(name.path(), &aside).unwrap();
    // Whatever is reaped.
    Reap::new().matching("cenote:nothing-of-that-name").unwrap().run().unwrap();
    assert!(fs::exists(name.path()).unwrap() && !fs::exists(&aside).unwrap());
}

#[test]
fn nothing_of_that_name_is_nothing_to_do() {
    assert!(reap("posix:nothing-of-that-name-*").is_empty());
    let error = Reap::new().matching("floppy:*").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyError);
}

/// A clock that was set back proves nothing, and does not make it used just now.
#[test]
fn what_was_used_in_the_future_is_spared_and_it_is_said_so() {
    let (_watchdog, name) = (minutes(), ShmName::unique("future"));
    let address = format!("posix:{}", name.name());
    let file = File::create_new(name.path()).unwrap();
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    file.set_times(FileTimes::new().set_modified(tomorrow).set_accessed(tomorrow)).unwrap();
    drop(file);
    until_judged(&address, Verdict::Stale);
    let found = Reap::new().matching(&address).unwrap().run().unwrap();
    assert!(
        matches!(&found[..], [one] if matches!(&one.outcome, Outcome::Spared(why) if why.contains("future"))),
        "{found:?}"
    );
    until_reaped(&address);
}
