//! Waiting for another version, with and without the right to say so.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cenote::{Blob, ErrorKind, Segment, Value};

use super::{Name, minute, worker};
use crate::frame::Frame;

/// Somebody has said that it waits.
fn until_announced(segment: &Segment) {
    while segment.read_value::<u64>(0).unwrap() & 1 == 0 {
        thread::yield_now();
    }
}

#[test]
fn processes_are_woken_by_the_next_store() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), Frame::new(0)).unwrap();
    let mut waiting: Vec<_> =
        [false, false, true].map(|read_only| worker::spawn(name.address(), read_only)).into();
    for version in 0..20 {
        waiting.iter_mut().for_each(|one| one.tell(&format!("wait {version} 30000")));
        until_announced(value.segment());
        value.store(&Frame::new(version)).unwrap();
        for one in &mut waiting {
            assert_eq!(one.wait_for_reply().expect_ok(), (version + 1).to_string());
        }
    }
    // What has changed already is no reason to wait.
    let reply = waiting[2].ask("wait 3 30000");
    assert_eq!(reply.expect_ok(), "20");
}

/// Who sleeps looks by itself after 10 ms. Whoever has just fallen asleep is woken long before that.
#[test]
fn a_store_wakes_at_once() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), 0_u64).unwrap();
    let mut times: Vec<Duration> = (0..41)
        .map(|version| {
            thread::scope(|scope| {
                let (send, task) = mpsc::channel();
                let value = &value;
                let waiting = scope.spawn(move || {
                    send.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
                    value.wait_for_change(version, Duration::from_secs(30)).unwrap();
                    Instant::now()
                });
                let stat = Path::new("/proc").join(task.recv().unwrap()).join("stat");
                until_announced(value.segment());
                while !std::fs::read_to_string(&stat).unwrap().contains(") S ") {
                    thread::yield_now();
                }
                let begin = Instant::now();
                value.store(&version).unwrap();
                waiting.join().unwrap().saturating_duration_since(begin)
            })
        })
        .collect();
    times.sort_unstable();
    println!("woken after {:?}, at most {:?}", times[20], times[40]);
    assert!(times[20] < Duration::from_millis(5), "{times:?}");
}

#[test]
fn nothing_changes_and_the_time_is_over() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), 1_u8).unwrap();
    let reader = Value::<u8>::attach_with(&Segment::options().read_only(), name.address()).unwrap();
    for value in [&value, &reader] {
        let begin = Instant::now();
        let error = value.wait_for_change(0, Duration::from_millis(60)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(
            error.to_string().contains("cannot wait for") && begin.elapsed() >= Duration::from_millis(60)
        );
        let error = value.wait_for_change(0, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
    // It is said that somebody waits, and that is no version.
    assert_eq!((value.version().unwrap(), value.load().unwrap()), (0, 1));
    assert_eq!(value.store(&2).unwrap(), 1);
}

/// What is woken all the time is asleep in between.
#[test]
fn waiting_burns_no_core() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), 1_u8).unwrap();
    let reader = Value::<u8>::attach_with(&Segment::options().read_only(), name.address()).unwrap();
    for value in [&value, &reader] {
        let before = time_of_this_thread();
        value.wait_for_change(0, Duration::from_millis(300)).unwrap_err();
        let used = time_of_this_thread() - before;
        assert!(used < Duration::from_millis(60), "{used:?} of 300 ms");
    }
}

/// From the first line of `/proc/thread-self/schedstat`: nanoseconds on a processor.
fn time_of_this_thread() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn blobs_are_waited_for_in_the_same_way() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let blob = Blob::create(name.address(), 10).unwrap();
    assert_eq!(blob.wait_for_change(0, Duration::from_millis(10)).unwrap_err().kind(), ErrorKind::Timeout);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| blob.wait_for_change(0, Duration::from_secs(30)).unwrap());
        until_announced(blob.segment());
        blob.store(b"new").unwrap();
        assert_eq!(waiting.join().unwrap(), 1);
    });
}
