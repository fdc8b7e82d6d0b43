//! A death at every step: a message is there as a whole or not at all, the others go on, and no memory is lost.

use std::time::Duration;

use cenote::{ErrorKind, Publisher, Segment, Subscriber, Topic};
use testkit::kill_points::{self, Report, Round};
use testkit::watchdog;

use super::{ALL_RULES, Name, Rules};

const MINUTES: Duration = Duration::from_secs(300);
const SOON: Duration = Duration::from_secs(5);
const SHORT: &[u8] = b"a short one";
/// In a chunk.
const LONG: [u8; 300] = [7; 300];
const DEPTH: usize = 4;
const SPARE: usize = 2;

pub(crate) fn serve_if_asked() {
    kill_points::serve_if_asked(&[
        ("create", |child| {
            let options = Topic::<[u8]>::options().depth(2).segment(&Segment::options().keep());
            child.steps(|| std::mem::forget(options.create(child.word(0)).unwrap()));
        }),
        ("become a publisher", |child| {
            child.steps(|| std::mem::forget(at(child.word(0)).publisher().unwrap()));
        }),
        ("subscribe", |child| {
            child.steps(|| std::mem::forget(at(child.word(0)).subscriber().unwrap()));
        }),
        ("subscribe with the last", |child| {
            child.steps(|| std::mem::forget(at(child.word(0)).subscriber_with_last(2).unwrap()));
        }),
        ("publish", |child| {
            let tx = at(child.word(0)).publisher().unwrap();
            child.steps(|| tx.publish(SHORT).unwrap());
        }),
        ("publish a long one", |child| {
            let tx = at(child.word(0)).publisher().unwrap();
            child.steps(|| tx.publish(&LONG).unwrap());
        }),
        ("fill in place", |child| {
            let tx = at(child.word(0)).publisher().unwrap();
            child.steps(|| {
                let mut loan = tx.loan(LONG.len()).unwrap();
                loan.write_at(0, &LONG).unwrap();
                drop(tx.loan(LONG.len()).unwrap());
                loan.send().unwrap();
            });
        }),
        ("publish over others", |child| {
            let tx = at(child.word(0)).publisher().unwrap();
            child.steps(|| (0..2 * DEPTH).for_each(|_| tx.publish(&LONG).unwrap()));
        }),
        ("receive", |child| {
            let rx = at(child.word(0)).subscriber_with_last(3).unwrap();
            child.steps(|| rx.receive().unwrap());
        }),
        ("borrow", |child| {
            let rx = at(child.word(0)).subscriber_with_last(3).unwrap();
            child.steps(|| {
                let (first, second) = (rx.borrow().unwrap(), rx.borrow().unwrap());
                drop(first);
                drop(rx.borrow().unwrap());
                drop(second);
            });
        }),
        ("leave", |child| {
            let rx = at(child.word(0)).subscriber_with_last(3).unwrap();
            child.steps(|| rx.detach().unwrap());
        }),
        ("leave publishing", |child| {
            let tx = at(child.word(0)).publisher().unwrap();
            tx.publish(&LONG).unwrap();
            child.steps(|| tx.detach().unwrap());
        }),
    ]);
}

/// Kills the operation at each step, with the address as its word.
fn each(operation: &str, mut round: impl FnMut(&Name, &mut Round<'_>)) -> Report {
    let report = kill_points::each(operation, |one| {
        let name = Name::unique("topic");
        round(&name, one);
        assert!(!name.is_there(), "something is left");
    });
    println!("{report}");
    report
}

fn at(address: &str) -> Topic {
    let options = Topic::<[u8]>::options().segment(&Segment::options().timeout(SOON));
    options.attach(address).unwrap()
}

fn attach(name: &Name) -> Topic {
    at(name.address())
}

fn publisher(name: &Name) -> Publisher {
    attach(name).publisher().expect("no dead one keeps the end")
}

fn reader(name: &Name, last: u64) -> Subscriber {
    let options = Topic::<[u8]>::options().segment(&Segment::options().read_only());
    options.attach(name.address()).unwrap().subscriber_with_last(last).unwrap()
}

fn topic(name: &Name, rules: Rules) -> Topic {
    rules.options().message(300).depth(DEPTH as u64).spare(SPARE as u64).create(name.address()).unwrap()
}

/// What there is for somebody, of whom nothing is missed.
fn drain(rx: &Subscriber) -> Vec<Vec<u8>> {
    let mut all = vec![];
    while let Ok(message) = rx.receive_timeout(Duration::from_millis(2)) {
        all.push(message);
    }
    assert_eq!(rx.missed(), 0);
    all
}

/// Everything that there was can be had: each chunk, and each place in its order; and nobody is waited for but those who
/// live: these subscribers.
fn goes_on(name: &Name, all: &[&Subscriber]) {
    let tx = publisher(name);
    for _ in 0..2 {
        let loans: Vec<_> = (0..DEPTH + SPARE).map(|_| tx.loan(300).expect("no chunk is lost")).collect();
        assert!(Topic::<[u8]>::attach(name.address()).is_ok());
        drop(loans);
        for number in 0..DEPTH as u8 {
            let len = if number % 2 == 0 { 10 } else { 300 };
            tx.publish_tagged_timeout(number.into(), &vec![number; len], SOON)
                .unwrap_or_else(|error| panic!("{number}: {error}"));
        }
        for rx in all {
            for number in 0..DEPTH as u8 {
                let (tag, bytes) = rx.receive_tagged_timeout(SOON).unwrap();
                assert_eq!((tag, bytes[0]), (number.into(), number));
            }
            assert!(rx.try_receive().unwrap().is_none());
            assert_eq!(rx.missed(), 0);
        }
    }
    let statistics = attach(name).statistics().unwrap();
    let here = all.iter().filter(|rx| !rx.segment().is_read_only()).count();
    assert_eq!(statistics.subscribers.len(), here, "{statistics:?}");
}

#[test]
fn of_who_creates_a_topic() {
    let _watchdog = watchdog(MINUTES);
    each("create", |name, round| {
        let end = round.child(&[name.address()]);
        match Topic::<[u8]>::attach(name.address()) {
            Ok(topic) => {
                let (tx, rx) = (publisher(name), topic.subscriber().unwrap());
                tx.publish(SHORT).unwrap();
                assert_eq!(rx.receive().unwrap(), SHORT);
            }
            Err(error) => {
                assert!(error.kind() == ErrorKind::NotFound && !end.is_completed(), "{error}");
            }
        }
        let _ = Segment::remove(name.address());
    });
}

#[test]
fn of_who_comes_and_of_who_leaves() {
    let _watchdog = watchdog(MINUTES);
    for rules in ALL_RULES {
        for operation in ["become a publisher", "leave publishing"] {
            each(operation, |name, round| {
                let all = topic(name, rules);
                let rx = attach(name).subscriber().unwrap();
                round.child(&[name.address()]);
                let left = drain(&rx);
                assert!(left.is_empty() || operation == "leave publishing" && left == [LONG], "{left:?}");
                goes_on(name, &[&rx]);
                drop(all);
            });
        }
    }
}

#[test]
fn of_who_publishes() {
    let _watchdog = watchdog(MINUTES);
    for (operation, message) in [("publish", SHORT), ("publish a long one", &LONG), ("fill in place", &LONG)]
    {
        for rules in ALL_RULES {
            let (mut seen, mut rounds) = ([0; 2], 0);
            each(operation, |name, round| {
                let rx = topic(name, rules).subscriber().unwrap();
                let read_only = reader(name, 0);
                publisher(name).publish(b"before").unwrap();
                let end = round.child(&[name.address()]);
                // Another one publishes while what the dead one was at is still there.
                publisher(name).publish_timeout(b"after", SOON).unwrap();
                // Who may only read comes past it before somebody has said that it is over, or after that.
                rounds += 1;
                let first = if rounds % 2 == 0 { [&rx, &read_only] } else { [&read_only, &rx] };
                let [all, others] = first.map(drain);
                let is_there = all.len() == 3;
                let expected: &[&[u8]] =
                    if is_there { &[b"before", message, b"after"] } else { &[b"before", b"after"] };
                assert_eq!(all, expected, "{rules:?}, {end}");
                assert_eq!(others, all, "{rules:?}, {end}");
                assert_eq!(drain(&reader(name, 2)), expected[expected.len() - 2..], "{rules:?}, {end}");
                assert!(is_there || !end.is_completed());
                seen[usize::from(is_there)] += 1;
                goes_on(name, &[&rx, &read_only]);
            });
            assert!(seen[0] > 2 && seen[1] > 0, "{seen:?}");
        }
    }
}

/// All the room is the dead one's: who has come past it has to say so, or each waits for the other.
#[test]
fn of_who_publishes_where_there_is_room_for_one() {
    let _watchdog = watchdog(MINUTES);
    for rules in ALL_RULES {
        each("publish", |name, round| {
            let one = rules.options().message(300).depth(1).spare(1).create(name.address()).unwrap();
            let rx = one.subscriber().unwrap();
            let end = round.child(&[name.address()]);
            drain(&rx);
            let tx = publisher(name);
            tx.publish_timeout(b"after", SOON).unwrap_or_else(|error| panic!("{rules:?}, {end}: {error}"));
            assert_eq!(rx.receive_timeout(SOON).unwrap(), b"after");
        });
        // The same for who finds out while it waits for one of several.
        each("publish", |name, round| {
            let one = rules.options().message(300).depth(1).spare(1).create(name.address()).unwrap();
            let rx = one.subscriber().unwrap();
            let end = round.child(&[name.address()]);
            if cenote::wait_for_any(&[&rx], Some(Duration::from_millis(2))).is_ok() {
                assert_eq!(rx.try_receive().unwrap().unwrap(), SHORT);
            }
            let tx = publisher(name);
            tx.publish_timeout(b"after", SOON).unwrap_or_else(|error| panic!("{rules:?}, {end}: {error}"));
            assert_eq!(rx.receive_timeout(SOON).unwrap(), b"after");
        });
    }
}

/// Nobody has come past the dead one yet, and others have published behind it.
#[test]
fn of_who_publishes_before_others_come_to_subscribe() {
    let _watchdog = watchdog(MINUTES);
    for rules in ALL_RULES {
        each("publish", |name, round| {
            let all = topic(name, rules);
            let end = round.child(&[name.address()]);
            let tx = publisher(name);
            for message in [b"first", b"other"] {
                tx.publish_timeout(message, SOON).unwrap();
            }
            assert!(all.statistics().unwrap().published >= 2, "{rules:?}, {end}");
            let none: [&[u8]; 0] = [];
            assert_eq!(drain(&reader(name, 0)), none, "{rules:?}, {end}");
            assert_eq!(drain(&reader(name, 1)), [b"other"], "{rules:?}, {end}");
            assert_eq!(drain(&attach(name).subscriber_with_last(1).unwrap()), [b"other"], "{rules:?}, {end}");
            let rx = attach(name).subscriber().unwrap();
            tx.publish_timeout(b"later", SOON).unwrap();
            assert_eq!(drain(&rx), [b"later"], "{rules:?}, {end}");
        });
    }
}

/// Those who publish find out by themselves.
#[test]
fn of_who_publishes_to_nobody() {
    let _watchdog = watchdog(MINUTES);
    for rules in ALL_RULES {
        for operation in ["publish a long one", "publish over others"] {
            each(operation, |name, round| {
                let all = topic(name, rules);
                let read_only = reader(name, 0);
                let end = round.child(&[name.address()]);
                let tx = publisher(name);
                for number in 0..2 * DEPTH as u8 {
                    tx.publish_timeout(&[number; 300], SOON).unwrap_or_else(|error| panic!("{end}: {error}"));
                }
                drop(tx);
                let last: Vec<_> = (DEPTH as u8..2 * DEPTH as u8).map(|number| vec![number; 300]).collect();
                assert_eq!(drain(&attach(name).subscriber_with_last(DEPTH as u64).unwrap()), last, "{end}");
                let seen: Vec<_> = std::iter::from_fn(|| read_only.try_receive().unwrap()).collect();
                assert!(last.ends_with(&seen) && !seen.is_empty(), "{seen:?}, {end}");
                // One who may only read removes nothing.
                drop(read_only);
                let rx = attach(name).subscriber().unwrap();
                goes_on(name, &[&rx]);
                drop(all);
            });
        }
    }
}

#[test]
fn of_who_publishes_over_others() {
    let _watchdog = watchdog(MINUTES);
    for rules in [Rules::One, Rules::Many] {
        each("publish over others", |name, round| {
            let all = topic(name, rules);
            let rx = attach(name).subscriber().unwrap();
            let tx = publisher(name);
            (0..DEPTH as u8).for_each(|number| tx.publish(&[number; 300]).unwrap());
            drop(tx);
            // What is in hand stays as it is, although it dies who publishes over it.
            let samples = [rx.borrow().unwrap(), rx.borrow().unwrap()];
            let end = round.child(&[name.address()]);
            for (number, sample) in samples.iter().enumerate() {
                assert_eq!(sample.read_to_vec(..).unwrap(), [number as u8; 300], "{end}");
            }
            drop(samples);
            for bytes in std::iter::from_fn(|| rx.try_receive().unwrap()) {
                assert!(bytes.iter().all(|&byte| byte == bytes[0]) && bytes.len() == 300, "{bytes:?}, {end}");
            }
            drop(rx);
            let rx = attach(name).subscriber().unwrap();
            goes_on(name, &[&rx]);
            drop(all);
        });
    }
}

#[test]
fn of_who_reads() {
    let _watchdog = watchdog(MINUTES);
    for operation in ["subscribe", "subscribe with the last", "receive", "borrow", "leave"] {
        for rules in ALL_RULES {
            let mut long = false;
            each(operation, |name, round| {
                let all = topic(name, rules);
                let rx = attach(name).subscriber().unwrap();
                let tx = publisher(name);
                long |= operation == "borrow";
                let len = if long { 300 } else { 10 };
                (0..3_u8).for_each(|number| tx.publish(&vec![number; len]).unwrap());
                let end = round.child(&[name.address()]);
                // It changed nothing for others, and is not waited for.
                let numbers: Vec<u8> = drain(&rx).iter().map(|message| message[0]).collect();
                assert_eq!(numbers, [0, 1, 2], "{end}");
                for number in 0..3 * DEPTH as u8 {
                    tx.publish_timeout(&[number; 300], SOON).unwrap_or_else(|error| panic!("{end}: {error}"));
                    assert_eq!(rx.receive_timeout(SOON).unwrap()[0], number);
                }
                drop(tx);
                goes_on(name, &[&rx]);
                drop(all);
                long = !long;
            });
        }
    }
}
