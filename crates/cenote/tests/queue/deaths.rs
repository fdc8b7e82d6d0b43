//! A death at every step: a message is there as a whole or not at all, and the others go on.

use std::time::Duration;

use cenote::{Queue, Receiver, Segment};
use testkit::kill_points::{self, Report, Round};
use testkit::watchdog;

use super::{ALL_RULES, Name, Rules};

const MINUTES: Duration = Duration::from_secs(300);
const SOON: Duration = Duration::from_secs(5);
const SHORT: &[u8] = b"a short one";
/// In a chunk.
const LONG: [u8; 300] = [7; 300];

pub(crate) fn serve_if_asked() {
    kill_points::serve_if_asked(&[
        ("create", |child| {
            let options = Queue::<[u8]>::options().depth(2).segment(&Segment::options().keep());
            child.steps(|| std::mem::forget(options.create(child.word(0)).unwrap()));
        }),
        ("become a sender", |child| {
            child.steps(|| std::mem::forget(at(child.word(0)).sender().unwrap()));
        }),
        ("become a receiver", |child| {
            child.steps(|| std::mem::forget(at(child.word(0)).receiver().unwrap()));
        }),
        ("send", |child| {
            let tx = at(child.word(0)).sender().unwrap();
            child.steps(|| tx.send(SHORT).unwrap());
        }),
        ("send a long one", |child| {
            let tx = at(child.word(0)).sender().unwrap();
            child.steps(|| tx.send(&LONG).unwrap());
        }),
        ("fill in place", |child| {
            let tx = at(child.word(0)).sender().unwrap();
            child.steps(|| {
                let mut loan = tx.loan(LONG.len()).unwrap();
                loan.write_at(0, &LONG).unwrap();
                drop(tx.loan(LONG.len()).unwrap());
                loan.send().unwrap();
            });
        }),
        ("receive", |child| {
            let rx = at(child.word(0)).receiver().unwrap();
            child.steps(|| rx.receive().unwrap());
        }),
        ("receive out of turn", |child| {
            let rx = at(child.word(0)).receiver().unwrap();
            child.steps(|| {
                let (first, second) = (rx.borrow().unwrap(), rx.borrow().unwrap());
                drop(second);
                drop(first);
            });
        }),
        ("leave", |child| {
            let rx = at(child.word(0)).receiver().unwrap();
            child.steps(|| rx.detach().unwrap());
        }),
    ]);
}

/// Kills the operation at each step, with the address as its word.
fn each(operation: &str, mut round: impl FnMut(&Name, &mut Round<'_>)) -> Report {
    let report = kill_points::each(operation, |one| {
        let name = Name::unique("queue");
        round(&name, one);
        assert!(!name.is_there(), "something is left");
    });
    println!("{report}");
    report
}

fn attach(name: &Name) -> Queue {
    at(name.address())
}

fn at(address: &str) -> Queue {
    Queue::<[u8]>::attach(address).unwrap()
}

/// What is in it, and that nobody who died keeps it.
fn drain(rx: &Receiver) -> Vec<Vec<u8>> {
    let mut all = vec![];
    while let Ok(message) = rx.receive_timeout(Duration::from_millis(5)) {
        all.push(message);
    }
    all
}

/// There is room for all messages that there should be room for, of both lengths: no place and no chunk is lost.
fn goes_on(name: &Name, rx: &Receiver) {
    let tx = attach(name).sender().expect("no dead one keeps the end");
    for round in 0..3 {
        for number in 0..4_u8 {
            let len = if number % 2 == 0 { 10 } else { 300 };
            tx.send_timeout(&vec![number; len], SOON)
                .unwrap_or_else(|error| panic!("{round} {number}: {error}"));
        }
        for number in 0..4_u8 {
            assert_eq!(rx.receive_timeout(SOON).unwrap()[0], number);
        }
    }
    assert!(rx.try_receive().unwrap().is_none());
}

fn queue(name: &Name, rules: Rules) -> Queue {
    rules.options().message(300).depth(4).spare(1).create(name.address()).unwrap()
}

#[test]
fn of_who_creates_a_queue() {
    let _watchdog = watchdog(MINUTES);
    each("create", |name, round| {
        let end = round.child(&[name.address()]);
        match Queue::<[u8]>::attach(name.address()) {
            Ok(queue) => {
                let tx = attach(name).sender().unwrap();
                let rx = queue.receiver().unwrap();
                tx.send(SHORT).unwrap();
                assert_eq!(rx.receive().unwrap(), SHORT);
            }
            Err(error) => {
                assert!(error.kind() == cenote::ErrorKind::NotFound && !end.is_completed(), "{error}");
            }
        }
        let _ = Segment::remove(name.address());
    });
}

#[test]
fn of_who_comes_and_of_who_leaves() {
    let _watchdog = watchdog(MINUTES);
    for operation in ["become a sender", "become a receiver", "leave"] {
        each(operation, |name, round| {
            let all = queue(name, Rules::OneToOne);
            round.child(&[name.address()]);
            let rx = attach(name).receiver().expect("no dead one keeps the end");
            goes_on(name, &rx);
            drop(all);
        });
    }
}

#[test]
fn of_who_sends() {
    let _watchdog = watchdog(MINUTES);
    for (operation, message) in [("send", SHORT), ("send a long one", &LONG), ("fill in place", &LONG)] {
        for rules in ALL_RULES {
            let mut seen = [0; 2];
            each(operation, |name, round| {
                let rx = queue(name, rules).receiver().unwrap();
                let before = attach(name).sender().unwrap();
                before.send(b"before").unwrap();
                drop(before);
                let end = round.child(&[name.address()]);
                // Another one sends while what the dead one was at is still there.
                let after = attach(name).sender().unwrap();
                after.send_timeout(b"after", SOON).unwrap();
                drop(after);
                let all = drain(&rx);
                let is_there = all.len() == 3;
                let expected: &[&[u8]] =
                    if is_there { &[b"before", message, b"after"] } else { &[b"before", b"after"] };
                assert_eq!(all, expected, "{rules:?}, {end}");
                assert!(is_there || !end.is_completed());
                seen[usize::from(is_there)] += 1;
                goes_on(name, &rx);
            });
            assert!(seen[0] > 2 && seen[1] > 0, "{seen:?}");
        }
    }
}

#[test]
fn of_who_receives() {
    let _watchdog = watchdog(MINUTES);
    for operation in ["receive", "receive out of turn"] {
        for (rules, len) in ALL_RULES.into_iter().flat_map(|rules| [10, 300].map(|len| (rules, len))) {
            each(operation, |name, round| {
                let all = queue(name, rules);
                let tx = attach(name).sender().unwrap();
                (0..3_u8).for_each(|number| tx.send(&vec![number; len]).unwrap());
                drop(tx);
                let end = round.child(&[name.address()]);
                let rx = attach(name).receiver().unwrap();
                let rest: Vec<u8> = drain(&rx).iter().map(|message| message[0]).collect();
                // What it was not done with comes again, and nothing that it was done with.
                let possible: &[&[u8]] = match operation {
                    "receive" => &[&[0, 1, 2], &[1, 2]],
                    _ => &[&[0, 1, 2], &[0, 2], &[2]],
                };
                let mut sorted = rest.clone();
                sorted.sort_unstable();
                assert!(possible.contains(&&sorted[..]), "{rest:?}, {rules:?}, {end}");
                assert!(!end.is_completed() || sorted == *possible.last().unwrap());
                goes_on(name, &rx);
                drop(all);
            });
        }
    }
}
