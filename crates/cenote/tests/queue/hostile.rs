//! Words that no honest peer writes, at the places where they hurt most: each costs an error or a message, and nobody hangs.
//! What chance finds is in `tests/hostile_peer`.

use std::time::{Duration, Instant};

use cenote::{ErrorKind, Queue, Receiver, Segment, Sender};

use super::words::words;
use super::{ALL_RULES, Name, Rules, minute};

const TAIL: usize = 128;
const HEAD: usize = 256;
const ARRIVALS: usize = 384;
const ROOM: usize = 512;
const CELLS: usize = 640;
const MOMENT: Duration = Duration::from_micros(20);

/// Tries all that there is, within the time that is allowed: what comes of it is an error that is known, or nothing.
fn tries(tx: &Sender, rx: &Receiver, queue: &Queue) {
    const KNOWN: [ErrorKind; 4] =
        [ErrorKind::Corrupt, ErrorKind::Timeout, ErrorKind::LockError, ErrorKind::OutOfResources];
    let check = |error: Option<cenote::Error>| {
        assert!(error.as_ref().is_none_or(|error| KNOWN.contains(&error.kind())), "{error:?}");
    };
    for len in [8, 300] {
        check(tx.try_send(&vec![7; len]).err());
        check(tx.send_timeout(&vec![7; len], MOMENT).err());
        check(tx.loan(len).and_then(cenote::channel::Loan::send).err());
    }
    for _ in 0..3 {
        check(rx.try_receive().err());
        check(rx.receive_timeout(MOMENT).err());
        match rx.try_borrow() {
            Ok(Some(borrowed)) => assert!(borrowed.read_to_vec(..).unwrap().len() <= 300),
            other => check(other.err()),
        }
    }
    let statistics = queue.statistics().unwrap();
    assert!(statistics.deepest <= statistics.capacity);
}

#[test]
fn any_word_at_any_place_costs_an_error_at_most() {
    let _watchdog = minute();
    for (rules, depth) in ALL_RULES.into_iter().flat_map(|rules| [1, 2].map(|depth| (rules, depth))) {
        let name = Name::unique("queue");
        let options = rules.options().message(300).depth(depth).spare(1);
        let options = options.segment(&Segment::options().timeout(MOMENT));
        let queue = options.create(name.address()).unwrap();
        let chunks = CELLS + depth as usize * 128;
        let places = [TAIL, HEAD, ARRIVALS, ROOM, CELLS, CELLS + 8, CELLS + 16, chunks, chunks + 8];
        for (place, word) in places.into_iter().flat_map(|place| words().into_iter().map(move |w| (place, w)))
        {
            // Those who were there before, and those who come after.
            let clear = || queue.segment().fill(64..chunks + 8 * (depth as usize + 1), 0).unwrap();
            clear();
            let begin = Instant::now();
            for comes_late in [false, true] {
                let attach = || options.attach(name.address()).unwrap();
                let spoil = || queue.segment().write_value(place, &word).unwrap();
                if comes_late {
                    spoil();
                }
                let (Ok(tx), Ok(rx)) = (attach().sender(), attach().receiver()) else { continue };
                let _ = tx.send(b"before");
                spoil();
                tries(&tx, &rx, &queue);
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
        let name = Name::unique("queue");
        let tx = rules.options().message(300).depth(2).create(name.address()).unwrap().sender().unwrap();
        let rx = Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap();
        let loan = tx.loan(300).unwrap();
        tx.segment().write_value(CELLS + 2 * 128, &0_u64).unwrap();
        assert_eq!(loan.send().unwrap_err().kind(), ErrorKind::LockError, "{rules:?}");
        tx.send(b"next").unwrap();
        assert_eq!(rx.receive_timeout(Duration::from_secs(5)).unwrap(), b"next", "{rules:?}");
    }
}

/// What is said at the front is looked at once, by who attaches.
#[test]
fn a_plan_that_is_changed_later_changes_nothing() {
    let _watchdog = minute();
    let name = Name::unique("queue");
    let tx =
        Rules::ManyToMany.options().message(300).depth(2).create(name.address()).unwrap().sender().unwrap();
    let rx = Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap();
    for (field, len) in [(0, 4), (4, 4), (8, 8), (16, 4), (28, 4)] {
        let before = tx.segment().read_to_vec(0..64).unwrap();
        for byte in [0xff, 0x03, 0x80] {
            tx.segment().fill(field..field + len, byte).unwrap();
            let error = Queue::<[u8]>::attach(name.address()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{field}");
            for message in [&[7; 8][..], &[7; 300]] {
                tx.send(message).unwrap();
                assert_eq!(rx.receive().unwrap(), message);
            }
        }
        tx.segment().write_at(0, &before).unwrap();
    }
}
