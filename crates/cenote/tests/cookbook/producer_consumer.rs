//! Recipe `producer-consumer`.

use std::fmt::Write as _;
use std::time::Duration;

use cenote::SystemSemaphore;
use testkit::qt::QtKey;

use crate::programs::{Program, ours, pairings, programs, two};
use crate::{WellKnown, alone_with_qt, qt_files};

const CLASSIC: [&str; 2] = ["producer-consumer", "producer-consumer-qt5"];

fn what_is_taken() -> String {
    let mut said = String::new();
    for number in 1..=10 {
        writeln!(said, "consumer: took {number}").unwrap();
    }
    said + "consumer: the sum is 55\n"
}

#[track_caller]
fn produce_and_consume(producer: &Program, consumer: &Program, arguments: &[&str]) {
    let mut producing = producer.start(&[&["producer"], arguments].concat());
    producing.until("producer: put 1");
    assert_eq!(
        consumer.run(&[&["consumer"], arguments].concat()),
        what_is_taken(),
        "{producer:?}, {consumer:?}"
    );
    all_was_put(&producing.finish());
}

#[track_caller]
fn all_was_put(said: &str) {
    assert!(said.starts_with("producer: put 1\nproducer: put 2\n"), "{said}");
    assert!(said.ends_with("producer: put 10\nproducer: put 0\n"), "{said}");
}

#[test]
fn each_consumer_takes_all_that_each_producer_puts_and_nothing_is_left() {
    let _alone = alone_with_qt();
    for (producer, consumer) in pairings("producer-consumer", &CLASSIC) {
        let key = QtKey::unique();
        produce_and_consume(&producer, &consumer, &[key.key()]);
        assert_eq!(qt_files(key.key()), [""; 0], "{producer:?}, {consumer:?}");
    }
}

#[test]
fn a_consumer_of_ours_that_comes_first_waits_for_its_producer() {
    let _alone = alone_with_qt();
    for producer in programs("producer-consumer", &CLASSIC) {
        let key = QtKey::unique();
        let consuming = ours("producer-consumer").start(&["consumer", key.key()]);
        all_was_put(&producer.run(&["producer", key.key()]));
        assert_eq!(consuming.finish(), what_is_taken(), "{producer:?}");
        assert_eq!(qt_files(key.key()), [""; 0], "{producer:?}");
    }
}

#[test]
fn a_producer_is_held_up_by_a_full_ring_until_somebody_takes_from_it() {
    let _alone = alone_with_qt();
    for program in programs("producer-consumer", &CLASSIC) {
        let key = QtKey::unique();
        let mut producing = program.start(&["producer", key.key()]);
        producing.until("producer: put 4");
        assert!(!producing.says_more(), "{program:?} puts a fifth into four slots");
        assert_eq!(ours("producer-consumer").run(&["consumer", key.key()]), what_is_taken());
        producing.finish();
    }
}

#[test]
fn what_a_killed_producer_has_put_is_never_heard_of_and_the_next_one_begins_anew() {
    let _alone = alone_with_qt();
    for (one, other) in pairings("producer-consumer", &CLASSIC) {
        let key = QtKey::unique();
        let mut killed = one.start(&["producer", key.key()]);
        killed.until("producer: put 4");
        // The last word is said before the last step is done.
        let used = SystemSemaphore::open(format!("{}-used", key.key()), 0).unwrap();
        for _ in 0..4 {
            used.acquire_timeout(Duration::from_secs(20)).unwrap();
        }
        used.release(4).unwrap();
        killed.kill();
        assert!(!used.try_acquire().unwrap(), "{one:?}: the kernel has undone what it did");
        drop(used);
        produce_and_consume(&other, &one, &[key.key()]);
    }
}

#[test]
fn the_well_known_key_is_the_default() {
    let _alone = alone_with_qt();
    if !qt_files("ProducerConsumer").is_empty() {
        return testkit::skipped("somebody uses the key ProducerConsumer");
    }
    let _cleaner = WellKnown("qt:ProducerConsumer");
    let (ours, classic) = two("producer-consumer");
    produce_and_consume(&ours, &classic, &[]);
}
