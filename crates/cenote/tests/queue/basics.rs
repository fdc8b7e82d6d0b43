//! What is sent is received: copies and in place, short and long, as a type and as bytes, and what is refused.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Queue, Segment, Shared, WhenFull};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

use super::{ALL_RULES, Name, Rules, minute};

/// Each byte is another one, also of two messages.
fn message(number: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| (number * 31 + at * 7) as u8).collect()
}

const LENGTHS: [usize; 11] = [0, 1, 7, 8, 47, 48, 49, 112, 240, 241, 4096];

#[test]
fn messages_of_all_lengths_arrive_as_they_were_sent_by_all_rules() {
    let _watchdog = minute();
    for (rules, longest) in
        ALL_RULES.into_iter().flat_map(|rules| [48, 112, 240, 4096].map(|most| (rules, most)))
    {
        let name = Name::unique("queue");
        let queue = rules.options().message(longest).depth(4).create(name.address()).unwrap();
        let rx = Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap();
        let tx = queue.sender().unwrap();
        for (number, &len) in
            LENGTHS.iter().filter(|&&len| len as u64 <= longest).cycle().take(50).enumerate()
        {
            let (tag, bytes) = (number as u32 * 3, message(number, len));
            if number % 2 == 0 {
                tx.send_tagged(tag, &bytes).unwrap();
            } else {
                let mut loan = tx.loan(len).unwrap();
                loan.write_all(&bytes).unwrap();
                loan.send_tagged(tag).unwrap();
            }
            if number % 3 == 0 {
                let borrowed = rx.borrow().unwrap();
                assert_eq!((borrowed.tag(), borrowed.len()), (tag, len));
                assert_eq!(borrowed.read_to_vec(..).unwrap(), bytes);
            } else {
                assert_eq!(rx.receive_tagged().unwrap(), (tag, bytes), "{rules:?} {longest} {len}");
            }
        }
        assert!(rx.try_receive().unwrap().is_none() && rx.try_borrow().unwrap().is_none());
        let error = tx.send(&vec![0; longest as usize + 1]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSize);
        tx.detach().unwrap();
        let statistics = Queue::<[u8]>::attach(name.address()).unwrap().statistics().unwrap();
        assert_eq!((statistics.sent, statistics.received, statistics.depth), (50, 50, 0), "{rules:?}");
        rx.detach().unwrap();
        assert!(!name.is_there());
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Order {
    number: u64,
    kind: Kind,
    rest: [u8; 7],
}

#[derive(Clone, Copy, Debug, PartialEq, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(u8)]
enum Kind {
    Buy = 1,
    Sell = 2,
}

#[derive(Clone, Copy, Debug, Shared, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Large {
    words: [u64; 200],
}

#[test]
fn values_of_a_type_arrive_and_another_type_is_told() {
    let _watchdog = minute();
    let name = Name::unique("queue");
    let tx = Queue::<Order>::create(name.address()).unwrap().sender().unwrap();
    let rx = Queue::<Order>::attach(name.address()).unwrap().receiver().unwrap();
    let order = Order { number: 7, kind: Kind::Sell, rest: [1; 7] };
    tx.send(&order).unwrap();
    tx.send_tagged(9, &order).unwrap();
    assert_eq!(rx.receive().unwrap(), order);
    assert_eq!(rx.receive_tagged().unwrap(), (9, order));

    let error = Queue::<u64>::attach(name.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    // As bytes it can be attached by all, and what is no value of the type is told to who expects one.
    let raw = Queue::<[u8]>::attach(name.address()).unwrap().sender().unwrap();
    raw.send(&[3; 16]).unwrap();
    assert_eq!(rx.receive().unwrap_err().kind(), ErrorKind::Corrupt);
    raw.send(&[1; 3]).unwrap();
    assert_eq!(rx.receive().unwrap_err().kind(), ErrorKind::Corrupt);
    tx.send(&order).unwrap();
    assert_eq!(rx.receive().unwrap(), order);

    let plain = Name::unique("queue");
    let _segment = Segment::create(plain.address(), 4096).unwrap();
    for error in [
        Queue::<u64>::attach(plain.address()).unwrap_err(),
        Queue::<[u8]>::attach(plain.address()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Incompatible);
    }
    let error = Queue::<u64>::create("posix:/cenote-test-no-queue").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);

    let large = Name::unique("queue");
    let tx = Queue::<Large>::options().depth(2).create(large.address()).unwrap().sender().unwrap();
    let rx = Queue::<Large>::attach(large.address()).unwrap().receiver().unwrap();
    tx.send(&Large { words: [5; 200] }).unwrap();
    assert_eq!(rx.receive().unwrap().words, [5; 200]);
}

#[test]
fn a_full_queue_does_what_it_was_made_for() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        for longest in [48, 4096] {
            let name = Name::unique("queue");
            let options = rules.options().message(longest).depth(2);
            let options =
                if matches!(rules, Rules::DropOldest) { options } else { options.when_full(WhenFull::Fail) };
            let tx = options.create(name.address()).unwrap().sender().unwrap();
            let rx = Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap();
            let bytes = |number| message(number, longest as usize);
            tx.send(&bytes(1)).unwrap();
            tx.send(&bytes(2)).unwrap();
            if matches!(rules, Rules::DropOldest) {
                tx.send(&bytes(3)).unwrap();
                assert_eq!((rx.receive().unwrap(), rx.receive().unwrap()), (bytes(2), bytes(3)));
                let statistics = Queue::<[u8]>::attach(name.address()).unwrap().statistics().unwrap();
                assert_eq!((statistics.sent, statistics.received, statistics.dropped), (3, 2, 1));
                continue;
            }
            assert!(!tx.try_send(&bytes(3)).unwrap());
            assert_eq!(tx.send(&bytes(3)).unwrap_err().kind(), ErrorKind::OutOfResources);
            let begin = Instant::now();
            let error = tx.send_timeout(&bytes(3), Duration::from_millis(20)).unwrap_err();
            assert!(error.kind() == ErrorKind::Timeout && begin.elapsed() >= Duration::from_millis(20));
            let statistics = Queue::<[u8]>::attach(name.address()).unwrap().statistics().unwrap();
            assert_eq!((statistics.sent, statistics.depth, statistics.deepest), (2, 2, 2));
            // What is in hand still takes up room.
            let first = rx.borrow().unwrap();
            assert!(!tx.try_send(&bytes(3)).unwrap());
            drop(first);
            assert!(tx.try_send(&bytes(3)).unwrap());
            assert_eq!((rx.receive().unwrap(), rx.receive().unwrap()), (bytes(2), bytes(3)));
        }
    }
}

#[test]
fn what_was_received_is_counted_however_much_is_dropped() {
    let _watchdog = minute();
    let name = Name::unique("queue");
    let tx = Rules::DropOldest.options().depth(4).create(name.address()).unwrap().sender().unwrap();
    let queue = Queue::<[u8]>::attach(name.address()).unwrap();
    let rx = Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap();
    let counted = || {
        let seen = queue.statistics().unwrap();
        (seen.sent, seen.dropped, seen.received, seen.depth)
    };
    for round in 0..10 {
        for _ in 0..1000 {
            tx.send(b"one of many").unwrap();
        }
        let (sent, dropped, received) = (1000 * (round + 1), 996 * (round + 1), 4 * round);
        assert_eq!(counted(), (sent, dropped, received, 4));
        for more in 1..=4 {
            rx.receive().unwrap();
            assert_eq!(counted(), (sent, dropped, received + more, 4 - more));
        }
    }
}

#[test]
fn loans_are_given_back_and_run_out() {
    let _watchdog = minute();
    let name = Name::unique("queue");
    let options = Rules::ManyToMany.options().message(1000).depth(2).spare(1).when_full(WhenFull::Fail);
    let tx = options.create(name.address()).unwrap().sender().unwrap();
    for _ in 0..3 {
        let mut loans: Vec<_> = (0..3).map(|_| tx.loan(1000).unwrap()).collect();
        assert_eq!(tx.loan(1000).unwrap_err().kind(), ErrorKind::OutOfResources);
        assert!(tx.loan(100).unwrap().write_at(99, b"ab").is_err());
        drop(loans.pop());
        assert_eq!(tx.loan(1000).unwrap().len(), 1000);
    }
    let rx = Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap();
    for _ in 0..20 {
        tx.loan(1000).unwrap().send().unwrap();
        rx.borrow().unwrap();
    }
}

/// Several in hand at once, ended with in any order: each is received once, also by who comes after.
#[test]
fn what_is_in_hand_can_be_given_back_in_any_order() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("queue");
        let tx = rules.options().message(8).depth(8).create(name.address()).unwrap().sender().unwrap();
        (0..6_u64).for_each(|number| tx.send(&number.to_ne_bytes()).unwrap());
        let rx = Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap();
        let mut held: Vec<_> = (0..4).map(|_| rx.borrow().unwrap()).collect();
        drop(held.remove(2));
        drop(held.remove(0));
        drop(held.remove(1));
        assert_eq!(held[0].read_value::<u64>(0).unwrap(), 1);
        if matches!(rules, Rules::OneToOne | Rules::ManyToOne) {
            // As a death does, this leaves what is in hand to the next.
            held.into_iter().for_each(std::mem::forget);
            rx.detach().unwrap();
            let next = Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap();
            let rest: Vec<u64> = (0..3).map(|_| next.borrow().unwrap().read_value(0).unwrap()).collect();
            assert_eq!(rest, [1, 4, 5], "{rules:?}");
            assert!(next.try_receive().unwrap().is_none());
        } else {
            drop(held);
            let rest: Vec<u64> = (0..2).map(|_| rx.borrow().unwrap().read_value(0).unwrap()).collect();
            assert_eq!(rest, [4, 5]);
        }
    }
}

#[test]
fn the_only_end_has_one_process_at_a_time() {
    let _watchdog = minute();
    let name = Name::unique("queue");
    let first = Rules::OneToOne.options().create(name.address()).unwrap().sender().unwrap();
    let again = || Queue::<[u8]>::attach(name.address()).unwrap();
    let error = again().sender().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError);
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    let rx = again().receiver().unwrap();
    assert_eq!(again().receiver().unwrap_err().kind(), ErrorKind::LockError);
    first.send(b"from the first").unwrap();
    first.detach().unwrap();
    let second = again().sender().unwrap();
    second.send(b"from the second").unwrap();
    assert_eq!(rx.receive().unwrap(), b"from the first");
    assert_eq!(rx.receive().unwrap(), b"from the second");
    drop(rx);
    assert!(again().receiver().is_ok());
}

#[test]
fn who_waits_is_woken_and_who_is_alone_is_told_in_time() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("queue");
        let tx = rules.options().message(8).depth(1).create(name.address()).unwrap().sender().unwrap();
        let rx = Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap();
        let begin = Instant::now();
        let error = rx.receive_timeout(Duration::from_millis(30)).unwrap_err();
        assert!(error.kind() == ErrorKind::Timeout && begin.elapsed() >= Duration::from_millis(30));
        thread::scope(|scope| {
            scope.spawn(|| {
                let tx = tx;
                for number in 0..2000_u64 {
                    tx.send(&number.to_ne_bytes()).unwrap();
                }
            });
            let mut last = None;
            while last != Some(1999) {
                let number = u64::from_ne_bytes(rx.receive().unwrap().try_into().unwrap());
                assert!(
                    last < Some(number)
                        && (number == last.map_or(0, |last| last + 1) || matches!(rules, Rules::DropOldest))
                );
                last = Some(number);
            }
        });
    }
}

#[test]
fn impossible_queues_are_refused() {
    for (message, depth) in [(8, 0), (8, 1 << 30), (1 << 40, 2), (u64::from(u32::MAX), 1 << 24)] {
        let name = Name::unique("queue");
        let options = Queue::<[u8]>::options().message(message).depth(depth);
        let error = options.create(name.address()).unwrap_err();
        assert!([ErrorKind::InvalidSize, ErrorKind::OutOfResources].contains(&error.kind()), "{error}");
    }
}
