//! Several who come and go, in turns: none is overlooked, and none has more of the memory than it needs.

use std::time::Duration;

use cenote::{ErrorKind, Publisher, Subscriber, Topic, WhenFull};

use super::{Name, Rules, minute};

const LONG: [u8; 300] = [7; 300];
const SOON: Duration = Duration::from_secs(5);

fn attach(name: &Name) -> Topic {
    Topic::<[u8]>::attach(name.address()).unwrap()
}

fn subscriber(name: &Name) -> Subscriber {
    attach(name).subscriber().unwrap()
}

/// The slots are had anew, the lowest first: who comes to one must not hide who has a higher one.
#[test]
fn who_comes_to_a_place_below_others_hides_nobody() {
    let _watchdog = minute();
    for rules in [Rules::OneWaits, Rules::ManyWait] {
        let name = Name::unique("topic");
        let tx = rules.options().message(300).depth(4).create(name.address()).unwrap().publisher().unwrap();
        let (low, high) = (subscriber(&name), subscriber(&name));
        drop(low);
        let low = subscriber(&name);
        for number in 0..4 {
            tx.publish(&[number]).unwrap();
            assert_eq!(low.receive().unwrap(), [number]);
        }
        assert!(!tx.try_publish(b"more").unwrap(), "{rules:?}: nobody waits for the other one");
        assert_eq!(attach(&name).statistics().unwrap().subscribers.len(), 2);
        assert_eq!(high.receive().unwrap(), [0]);
        assert!(tx.try_publish(b"more").unwrap());
        assert_eq!((high.missed(), low.missed()), (0, 0));
    }
    // The same where they are not waited for, but have something in hand.
    let name = Name::unique("topic");
    let options = Rules::One.options().message(300).depth(2).spare(6);
    let tx = options.create(name.address()).unwrap().publisher().unwrap();
    let (low, high) = (subscriber(&name), subscriber(&name));
    tx.publish(&[1; 300]).unwrap();
    let sample = high.borrow().unwrap();
    drop(low);
    let _low = subscriber(&name);
    (0..50).for_each(|_| tx.publish(&LONG).unwrap());
    assert_eq!(sample.read_to_vec(..).unwrap(), [1; 300]);
}

/// Each that has published has a chunk set aside for its next message.
#[test]
fn those_who_have_published_leave_memory_for_the_next_one() {
    let _watchdog = minute();
    for (full, spare) in
        [(WhenFull::DropOldest, 1), (WhenFull::Wait, 1), (WhenFull::Fail, 1), (WhenFull::Wait, 0)]
    {
        let name = Name::unique("topic");
        let options = Topic::<[u8]>::options().message(300).depth(4).spare(spare).when_full(full);
        let keeper = options.create(name.address()).unwrap();
        let rx = subscriber(&name);
        // They all come before anything is there.
        let all: Vec<Publisher> = (0..4).map(|_| attach(&name).publisher().unwrap()).collect();
        for round in 0..5 {
            for (number, tx) in all.iter().enumerate() {
                let published = match full {
                    WhenFull::Wait => tx.publish_timeout(&LONG, SOON),
                    _ => tx.publish(&LONG),
                };
                published
                    .unwrap_or_else(|error| panic!("{full:?}, {spare} spare: {round} {number}: {error}"));
                assert_eq!(rx.receive_timeout(SOON).unwrap(), LONG);
            }
        }
        assert_eq!(rx.missed(), 0, "{full:?}");
        drop(keeper);
    }
}

/// Their memory is not taken for another message before they have read it.
#[test]
fn who_is_waited_for_does_not_lose_a_message_for_its_memory() {
    let _watchdog = minute();
    for rules in [Rules::OneWaits, Rules::ManyWait] {
        let name = Name::unique("topic");
        let options = rules.options().message(300).depth(4).spare(1);
        let tx = options.create(name.address()).unwrap().publisher().unwrap();
        let (slow, hands) = (subscriber(&name), subscriber(&name));
        let mut kept = vec![];
        for _ in 0..4 {
            tx.publish(&LONG).unwrap();
            kept.push(hands.borrow().unwrap());
        }
        let _loan = tx.loan(300).unwrap();
        let error = tx.publish_timeout(&LONG, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        kept.clear();
        let error = tx.publish_timeout(&LONG, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{rules:?}: somebody has not read them");
        for _ in 0..4 {
            assert_eq!(slow.receive().unwrap(), LONG);
        }
        tx.publish_timeout(&LONG, SOON).unwrap();
        assert_eq!((slow.receive().unwrap().len(), slow.missed()), (300, 0));
    }
}

/// Who has passed over what a dead one left unfinished is no farther behind for it: nobody waits for it.
#[test]
fn who_passes_over_the_dead_says_so() {
    const CELLS: usize = 640 + 256 * 64;
    let _watchdog = minute();
    for waits_for_many in [false, true] {
        let name = Name::unique("topic");
        let options = Rules::ManyWait.options().message(48).depth(1);
        let tx = options.create(name.address()).unwrap().publisher().unwrap();
        let rx = subscriber(&name);
        // Claimed in its first lap, by one in a slot that nobody has.
        rx.segment().write_value(CELLS, &(1_u64 | 200 << 4 | 7 << 12 | 1 << 28)).unwrap();
        let soon = Duration::from_millis(5);
        let kind = if waits_for_many {
            cenote::wait_for_any(&[&rx], Some(soon)).unwrap_err().kind()
        } else {
            rx.receive_timeout(soon).unwrap_err().kind()
        };
        assert_eq!(kind, ErrorKind::Timeout);
        tx.publish_timeout(b"next", SOON).unwrap();
        assert_eq!(rx.receive_timeout(SOON).unwrap(), b"next");
    }
}
