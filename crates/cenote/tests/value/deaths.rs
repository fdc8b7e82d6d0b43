//! A death at every step: a value is what it was or what it becomes, and the next one goes on.

use std::thread;
use std::time::Duration;

use cenote::{Abandoned, Blob, ErrorKind, Segment, Value};
use testkit::kill_points::{self, Report, Round};
use testkit::watchdog;

use super::Name;

/// A line of the processor and a bit.
type Ten = [u64; 10];

const OLD: Ten = [1; 10];
const NEW: Ten = [2; 10];
const SOON: Duration = Duration::from_secs(5);
const MINUTES: Duration = Duration::from_secs(300);

pub(crate) fn serve_if_asked() {
    kill_points::serve_if_asked(&[
        ("create", |child| {
            child.steps(|| std::mem::forget(Value::create_with(&kept(), child.word(0), NEW).unwrap()));
        }),
        ("store", |child| {
            let value = Value::<Ten>::attach(child.word(0)).unwrap();
            child.steps(|| value.store(&NEW).unwrap());
        }),
        ("update", |child| {
            let value = Value::<Ten>::attach(child.word(0)).unwrap();
            child.steps(|| value.update(|ten| ten.iter_mut().for_each(|one| *one += 1)).unwrap());
        }),
        ("store twice", |child| {
            let value = Value::<Ten>::attach(child.word(0)).unwrap();
            child.steps(|| {
                let mut writer = value.writer().unwrap();
                writer.store(&[7; 10]).unwrap();
                writer.store(&NEW).unwrap();
            });
        }),
        ("store in a blob", |child| {
            let blob = Blob::attach(child.word(0)).unwrap();
            child.steps(|| blob.store(b"what is new and longer").unwrap());
        }),
    ]);
}

fn kept() -> cenote::Options {
    Segment::options().keep()
}

/// Kills the operation at each step, with the address as its word.
fn each(operation: &str, mut round: impl FnMut(&Name, &mut Round<'_>)) -> Report {
    let report = kill_points::each(operation, |one| {
        let name = Name::unique("value");
        round(&name, one);
        assert!(!name.is_there(), "something is left");
    });
    println!("{report}");
    report
}

/// Others go on: nothing is stuck, and nobody is told of what does not concern them.
fn goes_on(value: &Value<Ten>, version: u64) {
    let guard = value.segment().lock_timeout(SOON).expect("no death keeps it");
    guard.unlock().unwrap();
    assert_eq!(value.update(|ten| std::mem::replace(ten, [9; 10])[0]).unwrap(), 2 - u64::from(version == 0));
    assert_eq!(value.load_with_version().unwrap(), ([9; 10], version + 1));
    assert_eq!(value.segment().lock().unwrap().abandoned(), Abandoned::No);
}

#[test]
fn of_who_creates_a_value() {
    let _watchdog = watchdog(MINUTES);
    let report = each("create", |name, round| {
        let end = round.child(&[name.address()]);
        match Value::<Ten>::attach(name.address()) {
            Ok(value) => {
                assert_eq!(value.load_with_version().unwrap(), (NEW, 0), "never without its first value");
            }
            Err(error) => assert!(error.kind() == ErrorKind::NotFound && !end.is_completed(), "{error}"),
        }
        let _ = Segment::remove(name.address());
    });
    assert!(report.steps().len() > 10);
}

/// As others see it who have it attached, in both ways, and as who comes later does.
#[test]
fn of_who_stores() {
    let _watchdog = watchdog(MINUTES);
    for operation in ["store", "update"] {
        let mut seen = [0; 2];
        let report = each(operation, |name, round| {
            let value = Value::create(name.address(), OLD).unwrap();
            let reader = Value::<Ten>::attach_with(&Segment::options().read_only(), name.address()).unwrap();
            let end = round.child(&[name.address()]);
            let (now, version) = value.load_with_version().unwrap();
            assert_eq!(now, if version == 0 { OLD } else { NEW });
            assert!(version <= 1 && (version == 1 || !end.is_completed()), "version {version}, {end}");
            assert_eq!(reader.load_with_version().unwrap(), (now, version));
            let late = Value::<Ten>::attach(name.address()).unwrap();
            assert_eq!(late.load_with_version().unwrap(), (now, version));
            seen[version as usize] += 1;
            goes_on(&late, version);
            drop((late, reader));
            value.detach().unwrap();
        });
        assert!(seen[0] > 3 && seen[1] > 1 && report.stores() >= 5, "{seen:?}, {report}");
    }
}

#[test]
fn of_a_writer_that_stores_again_and_again() {
    let _watchdog = watchdog(MINUTES);
    each("store twice", |name, round| {
        let value = Value::create(name.address(), OLD).unwrap();
        let end = round.child(&[name.address()]);
        let (now, version) = value.load_with_version().unwrap();
        assert_eq!(now, [OLD, [7; 10], NEW][version as usize]);
        assert!(version == 2 || !end.is_completed());
        assert_eq!(value.store(&OLD).unwrap(), version + 1);
        value.detach().unwrap();
    });
}

#[test]
fn of_who_stores_in_a_blob() {
    let _watchdog = watchdog(MINUTES);
    each("store in a blob", |name, round| {
        let blob = Blob::create(name.address(), 100).unwrap();
        blob.store(b"old").unwrap();
        round.child(&[name.address()]);
        let (bytes, version) = blob.load_with_version().unwrap();
        assert_eq!(bytes, if version == 1 { &b"old"[..] } else { b"what is new and longer" });
        assert_eq!(blob.store(b"on").unwrap(), version + 1);
        assert_eq!(blob.load().unwrap(), b"on");
        blob.detach().unwrap();
    });
}

/// Who dies between storing and waking wakes nobody, and still they learn of it.
#[test]
fn of_who_stores_while_others_wait() {
    let _watchdog = watchdog(MINUTES);
    each("store", |name, round| {
        let value = Value::create(name.address(), OLD).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| value.wait_for_change(0, Duration::from_secs(60)).unwrap());
            while value.segment().read_value::<u64>(0).unwrap() != 1 {
                thread::yield_now();
            }
            round.child(&[name.address()]);
            if value.version().unwrap() == 0 {
                value.store(&NEW).unwrap();
            }
            assert_eq!(waiting.join().unwrap(), 1);
        });
        value.detach().unwrap();
    });
}
