//! Several who store, and who has a part in it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use cenote::{Abandoned, ErrorKind, Segment, Value};

use super::{Name, minute, worker};
use crate::frame::Frame;

#[test]
fn four_processes_lose_no_update() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), Frame::new(0)).unwrap();
    let mut all: Vec<_> = (0..4).map(|_| worker::spawn(name.address(), false)).collect();
    all.iter_mut().for_each(|one| one.tell("add 1000"));
    for mut one in all {
        one.wait_for_reply().expect_ok();
        one.finish();
    }
    assert_eq!(value.load_with_version().unwrap(), (Frame::new(4000), 4000));
}

#[test]
fn a_panic_in_an_update_stores_nothing_and_annoys_nobody() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), 7_u32).unwrap();
    for _ in 0..2 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            value.update(|number| {
                *number = 666;
                panic!("half-way");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(value.load_with_version().unwrap(), (7, 0));
        let guard = value.segment().lock_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(guard.abandoned(), Abandoned::No, "there is no mark");
    }
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut writer = value.writer().unwrap();
        writer.store(&8).unwrap();
        panic!("with the writer");
    }));
    assert!(panicked.is_err());
    assert_eq!(value.segment().lock().unwrap().abandoned(), Abandoned::No);
    assert_eq!(value.update(|number| *number += 1).map(|()| value.load().unwrap()).unwrap(), 9);
}

#[test]
fn who_has_the_writer_keeps_others_from_storing_and_nobody_from_loading() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), Frame::new(1)).unwrap();
    let mut holder = worker::spawn(name.address(), false);
    holder.ask("hold").expect_ok();
    let soon = Segment::options().timeout(Duration::from_millis(30));
    let other = Value::<Frame>::attach_with(&soon, name.address()).unwrap();
    assert_eq!(other.store(&Frame::new(2)).unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(other.writer().unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(other.load().unwrap(), Frame::new(1));
    // It dies with the writer in hand: the next one has it, and the value is as it was.
    thread::scope(|scope| {
        let next = scope.spawn(|| {
            let mut writer = value.writer().unwrap();
            assert_eq!(writer.store(&Frame::new(5)).unwrap(), 1);
            writer.update(|frame| *frame = Frame::new(frame.number + 1)).unwrap();
            assert_eq!(writer.load().unwrap(), Frame::new(6));
        });
        holder.kill();
        next.join().unwrap();
    });
    assert_eq!(other.load_with_version().unwrap(), (Frame::new(6), 2));
}

/// The worst there is: one that stores as fast as it can, and never lets go.
#[test]
fn loads_get_through_while_somebody_stores_all_the_time() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), Frame::new(0)).unwrap();
    for how in ["writer", "update"] {
        let mut writer = worker::spawn(name.address(), false);
        writer.ask(&format!("store-for-ever {how}")).expect_ok();
        let mut readers = [false, true].map(|read_only| worker::spawn(name.address(), read_only));
        readers.iter_mut().for_each(|reader| drop(reader.ask("watch").expect_ok().to_owned()));
        for _ in 0..200 {
            assert!(value.load().unwrap().is_whole());
        }
        let loads = readers.map(|mut reader| reader.ask("seen").expect_ok().to_owned());
        println!("{how}: {loads:?} loads of readers, {} stores", value.version().unwrap());
        writer.kill();
        writer.wait_until_gone();
    }
}

#[test]
fn who_only_reads_stores_nothing() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), 1_u8).unwrap();
    let reader = Value::<u8>::attach_with(&Segment::options().read_only(), name.address()).unwrap();
    assert_eq!(reader.store(&2).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(reader.update(|number| *number += 1).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(reader.writer().unwrap_err().kind(), ErrorKind::PermissionDenied);
    value.store(&3).unwrap();
    assert_eq!(reader.load_with_version().unwrap(), (3, 1));
}
