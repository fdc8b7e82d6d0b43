//! Words that no honest peer writes, at the places where they hurt most: each costs an error or a message, and nobody hangs.
//! What chance finds is in `tests/hostile_peer`.

use std::time::{Duration, Instant};

use cenote::channel::Loan;
use cenote::{ErrorKind, Publisher, Result, Segment, Subscriber, Topic};

use testkit::watchdog;

use super::words::words;
use super::{ALL_RULES, Name, Rules, minute};

const PUBLISHING_END: usize = 64;
const TAIL: usize = 128;
const SKIPPED: usize = 264;
const HEAD: usize = 256;
const SUBSCRIBED: usize = 272;
const ARRIVALS: usize = 384;
const ROOM: usize = 512;
const RECORDS: usize = 640;
const RECORD: usize = 64;
const CELLS: usize = RECORDS + 256 * RECORD;
const MOMENT: Duration = Duration::from_micros(20);

/// What a place can be: with this generation, or another, at this position.
fn places() -> impl Iterator<Item = u64> {
    let positions = [0, 1, 3, 1 << 20, u64::MAX >> 18, u64::MAX >> 17];
    positions.into_iter().flat_map(|position| [1, 2].map(|generation| position << 17 | 1 << 16 | generation))
}

const KNOWN: [ErrorKind; 4] =
    [ErrorKind::Corrupt, ErrorKind::Timeout, ErrorKind::LockError, ErrorKind::OutOfResources];

fn check<T>(result: Result<T>) {
    let error = result.err();
    assert!(error.as_ref().is_none_or(|error| KNOWN.contains(&error.kind())), "{error:?}");
}

/// Tries all that there is, within the time that is allowed: what comes of it is an error that is known, or nothing.
fn tries(tx: &Publisher, readers: &[Subscriber], topic: &Topic) {
    for len in [8, 300] {
        check(tx.try_publish(&vec![7; len]));
        check(tx.publish(&vec![7; len]));
        check(tx.publish_timeout(&vec![7; len], MOMENT));
        check(tx.loan(len).and_then(Loan::send));
    }
    for rx in readers {
        let mut samples = vec![];
        for _ in 0..3 {
            check(rx.try_receive());
            check(rx.receive_timeout(MOMENT));
            match rx.try_borrow() {
                Ok(Some(sample)) => samples.push(sample),
                other => check(other),
            }
        }
        check(tx.try_publish(&[7; 300]));
        for sample in samples {
            assert!(sample.read_to_vec(..).unwrap().len() <= 300);
        }
        let _ = rx.missed();
    }
    let statistics = topic.statistics().unwrap();
    assert!(statistics.subscribers.len() <= 256);
    assert!(statistics.subscribers.iter().all(|one| one.behind <= statistics.capacity));
}

#[test]
fn any_word_at_any_place_costs_one_who_publishes_an_error_at_most() {
    any_word_costs_an_error_at_most(Rules::One);
}

#[test]
fn any_word_at_any_place_costs_many_an_error_at_most() {
    any_word_costs_an_error_at_most(Rules::Many);
}

#[test]
fn any_word_at_any_place_costs_one_who_waits_an_error_at_most() {
    any_word_costs_an_error_at_most(Rules::OneWaits);
}

#[test]
fn any_word_at_any_place_costs_many_who_wait_an_error_at_most() {
    any_word_costs_an_error_at_most(Rules::ManyWait);
}

fn any_word_costs_an_error_at_most(rules: Rules) {
    let _watchdog = watchdog(Duration::from_secs(180));
    for depth in [1, 2] {
        let name = Name::unique("topic");
        let options = rules.options().message(300).depth(depth).spare(1);
        let options = options.segment(&Segment::options().timeout(MOMENT));
        let topic = options.create(name.address()).unwrap();
        let read_only = rules.options().segment(&Segment::options().read_only().timeout(MOMENT));
        let chunks = CELLS + depth as usize * 128;
        let control = [PUBLISHING_END, TAIL, HEAD, SKIPPED, SUBSCRIBED, ARRIVALS, ROOM];
        let cells = [CELLS, CELLS + 8, CELLS + 16, chunks, chunks + 8];
        // Of the maker, of who publishes, of who subscribes, and of nobody.
        let records = [0, 1, 2, 3, 255].map(|slot| RECORDS + slot * RECORD);
        let of_records = records.iter().flat_map(|record| [*record, record + 8, record + 16, record + 56]);
        // Those in front mean the same whatever the depth is.
        let anywhere = control.into_iter().filter(|_| depth == 2).chain(cells);
        let with_any = anywhere.flat_map(|place| words().into_iter().map(move |word| (place, word)));
        let with_some =
            of_records.flat_map(|place| [1, 2, 3, 16, 1 << 63, u64::MAX].map(|word| (place, word)));
        let with_places = records.iter().flat_map(|&record| places().map(move |word| (record, word)));
        for (place, word) in with_any.chain(with_some).chain(with_places) {
            // Those who were there before, and those who come after.
            let all = [64..records[3] + RECORD, records[4]..chunks + 8 * (depth as usize + 1)];
            let clear = || all.iter().for_each(|part| topic.segment().fill(part.clone(), 0).unwrap());
            clear();
            let begin = Instant::now();
            for comes_late in [false, true] {
                let attach = || options.attach(name.address()).unwrap();
                let spoil = || {
                    topic.segment().write_value(place, &word).unwrap();
                    // So that what it says is looked at.
                    if (RECORDS..CELLS).contains(&place) {
                        topic.segment().write_value(SUBSCRIBED, &256_u64).unwrap();
                    }
                };
                if comes_late {
                    spoil();
                }
                let (Ok(tx), Ok(rx)) = (attach().publisher(), attach().subscriber_with_last(1)) else {
                    continue;
                };
                let readers =
                    [rx, read_only.attach(name.address()).unwrap().subscriber_with_last(1).unwrap()];
                let _ = tx.publish(b"before");
                let _ = tx.publish(&[1; 300]);
                spoil();
                tries(&tx, &readers, &topic);
                clear();
            }
            assert!(
                begin.elapsed() < Duration::from_secs(2),
                "{rules:?} {place} {word:#x}: {:?}",
                begin.elapsed()
            );
        }
    }
}

/// Whose chunk was taken away has claimed a cell by then, and must not keep it.
#[test]
fn a_chunk_that_was_taken_away_costs_its_message_alone() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("topic");
        let tx = rules.options().message(300).depth(2).create(name.address()).unwrap().publisher().unwrap();
        let rx = Topic::<[u8]>::attach(name.address()).unwrap().subscriber().unwrap();
        let loan = tx.loan(300).unwrap();
        // Which one it is, those that were set aside have told nobody.
        tx.segment().fill(CELLS + 2 * 128..CELLS + 2 * 128 + 8 * 10, 0).unwrap();
        assert_eq!(loan.send().unwrap_err().kind(), ErrorKind::LockError, "{rules:?}");
        tx.publish(b"next").unwrap();
        assert_eq!(rx.receive_timeout(Duration::from_secs(5)).unwrap(), b"next", "{rules:?}");
        // Nor does it lose more than those that it had.
        let mut lost = 0;
        while let Err(error) = tx.publish(&[1; 300]) {
            assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
            lost += 1;
        }
        assert!(lost < 8, "{lost}");
        assert_eq!(rx.receive_timeout(Duration::from_secs(5)).unwrap(), [1; 300]);
    }
}

/// What is said at the front is looked at once, by who attaches.
#[test]
fn a_plan_that_is_changed_later_changes_nothing() {
    let _watchdog = minute();
    let name = Name::unique("topic");
    let topic = Rules::Many.options().message(300).depth(2).create(name.address()).unwrap();
    let (tx, rx) = (topic.publisher().unwrap(), Topic::<[u8]>::attach(name.address()).unwrap());
    let rx = rx.subscriber().unwrap();
    for (field, len) in [(0, 4), (4, 4), (8, 8), (16, 4), (24, 4), (28, 4)] {
        let before = tx.segment().read_to_vec(0..64).unwrap();
        for byte in [0xff, 0x03, 0x80] {
            tx.segment().fill(field..field + len, byte).unwrap();
            let error = Topic::<[u8]>::attach(name.address()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{field}");
            for message in [&[7; 8][..], &[7; 300]] {
                tx.publish(message).unwrap();
                assert_eq!(rx.receive().unwrap(), message);
            }
        }
        tx.segment().write_at(0, &before).unwrap();
    }
}

/// Who is said to be far behind is waited for as long as it lives, and no longer than one wants to.
#[test]
fn a_place_of_somebody_else_costs_no_more_than_time() {
    let _watchdog = minute();
    for rules in [Rules::OneWaits, Rules::ManyWait] {
        let name = Name::unique("topic");
        let topic = rules.options().message(300).depth(2).create(name.address()).unwrap();
        let tx = Topic::<[u8]>::attach(name.address()).unwrap().publisher().unwrap();
        let rx = Topic::<[u8]>::attach(name.address()).unwrap().subscriber().unwrap();
        // Of nobody: it is taken away by who finds that out.
        for slot in [7, 255] {
            tx.segment().write_value(RECORDS + slot * RECORD, &(1_u64 << 16 | 1)).unwrap();
            tx.segment().write_value(SUBSCRIBED, &256_u64).unwrap();
            for number in 0..6 {
                tx.publish_timeout(&[number], Duration::from_secs(5)).unwrap();
                assert_eq!(rx.receive().unwrap(), [number]);
            }
        }
        // One's own, taken away: it is not waited for any more, and misses what it is told of.
        let statistics = topic.statistics().unwrap();
        assert_eq!(statistics.subscribers.len(), 1);
        let own = (0..256).map(|slot| RECORDS + slot * RECORD);
        own.for_each(|record| tx.segment().write_value(record, &0_u64).unwrap());
        for number in 0..6 {
            tx.publish_timeout(&[number], Duration::from_secs(5)).unwrap();
        }
        let rest = std::iter::from_fn(|| rx.try_receive().unwrap()).count() as u64;
        assert_eq!(rest + rx.missed(), 6);
    }
}
