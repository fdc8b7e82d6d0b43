//! What one process sees of it.

use std::thread;
use std::time::Duration;

use cenote::{ErrorKind, Publisher, Queue, Segment, Subscriber, Topic, WhenFull};

use super::{ALL_RULES, Name, Rules, minute};

const LONG: usize = 300;
const SOON: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(5);

fn create(name: &Name, rules: Rules) -> Topic {
    rules.options().message(LONG as u64).depth(4).spare(2).create(name.address()).unwrap()
}

fn subscriber(name: &Name) -> Subscriber {
    Topic::<[u8]>::attach(name.address()).unwrap().subscriber().unwrap()
}

fn reader(name: &Name) -> Subscriber {
    let options = Topic::<[u8]>::options().segment(&Segment::options().read_only());
    options.attach(name.address()).unwrap().subscriber().unwrap()
}

fn late(name: &Name, messages: u64) -> Subscriber {
    Topic::<[u8]>::attach(name.address()).unwrap().subscriber_with_last(messages).unwrap()
}

/// A message that says its number in each byte, short or long.
fn message(number: u64) -> Vec<u8> {
    vec![number as u8; if number.is_multiple_of(2) { 10 } else { LONG }]
}

fn publish(tx: &Publisher, numbers: std::ops::Range<u64>) {
    for number in numbers {
        tx.publish_tagged(number as u32, &message(number)).unwrap();
    }
}

/// Reads what is there, each of them whole: their numbers.
fn all(rx: &Subscriber) -> Vec<u64> {
    let mut numbers = vec![];
    while let Some((tag, bytes)) = rx.try_receive_tagged().unwrap() {
        assert_eq!(bytes, message(tag.into()));
        numbers.push(tag.into());
    }
    numbers
}

#[test]
fn everybody_reads_everything_in_its_order() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("topic");
        let tx = create(&name, rules).publisher().unwrap();
        let readers = [subscriber(&name), subscriber(&name), reader(&name)];
        for lap in 0..100 {
            let numbers = lap * 3..lap * 3 + 3;
            publish(&tx, numbers.clone());
            for rx in &readers {
                assert_eq!(all(rx), numbers.clone().collect::<Vec<_>>(), "{rules:?}");
                assert_eq!(rx.missed(), 0);
            }
        }
    }
}

#[test]
fn who_is_slow_is_told_how_many_it_missed() {
    let _watchdog = minute();
    for rules in [Rules::One, Rules::Many] {
        for (depth, spare) in [(1, 1), (4, 2), (64, 8)] {
            let name = Name::unique("topic");
            let options = rules.options().message(LONG as u64).depth(depth).spare(spare);
            let tx = options.create(name.address()).unwrap().publisher().unwrap();
            let readers = [subscriber(&name), reader(&name)];
            let mut published = 0;
            for more in [1, depth, depth + 1, 10 * depth + 3, 2] {
                publish(&tx, published..published + more);
                published += more;
                for rx in &readers {
                    let before = rx.missed();
                    let seen = all(rx);
                    let missed = rx.missed() - before;
                    assert_eq!(seen.len() as u64 + missed, more, "{rules:?} {depth} {seen:?}");
                    assert_eq!(*seen.last().unwrap(), published - 1);
                    assert!(missed > 0 || more <= depth);
                    assert!(missed == 0 || more > depth);
                    assert!(seen.is_sorted_by(|one, next| one + 1 == *next));
                }
            }
        }
    }
}

#[test]
fn a_publisher_can_be_made_to_wait_for_who_is_slow() {
    let _watchdog = minute();
    for rules in [Rules::OneWaits, Rules::ManyWait] {
        let name = Name::unique("topic");
        let tx = create(&name, rules).publisher().unwrap();
        // As long as nobody reads, it waits for nobody; nor for who only may read.
        let readers = [reader(&name)];
        publish(&tx, 0..50);
        let (quick, slow) = (subscriber(&name), subscriber(&name));
        publish(&tx, 50..54);
        assert_eq!(all(&quick), [50, 51, 52, 53]);
        assert!(!tx.try_publish(&message(54)).unwrap());
        assert_eq!(tx.publish_timeout(&message(54), MOMENT).unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(slow.receive_tagged().unwrap().0, 50);
        publish(&tx, 54..55);
        assert!(!tx.try_publish(&message(55)).unwrap());
        // It is woken when there is room.
        thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(MOMENT);
                let rx = slow;
                assert_eq!(rx.receive_tagged().unwrap().0, 51);
                // And when who was slow leaves.
                thread::sleep(MOMENT);
                drop(rx);
            });
            let tx = &tx;
            for number in 55..60 {
                tx.publish_tagged_timeout(number, &message(number.into()), SOON).unwrap();
                assert_eq!(quick.receive_tagged_timeout(SOON).unwrap().0, number - 1);
            }
        });
        assert_eq!(quick.missed(), 0);
        assert!(readers[0].try_receive().unwrap().is_some() && readers[0].missed() > 0);
    }
}

#[test]
fn a_publisher_can_be_made_to_fail_for_who_is_slow() {
    let _watchdog = minute();
    let name = Name::unique("topic");
    let options = Rules::One.options().message(LONG as u64).depth(2).when_full(WhenFull::Fail);
    let tx = options.create(name.address()).unwrap().publisher().unwrap();
    let rx = subscriber(&name);
    publish(&tx, 0..2);
    assert_eq!(tx.publish(b"more").unwrap_err().kind(), ErrorKind::OutOfResources);
    assert_eq!(all(&rx), [0, 1]);
    publish(&tx, 2..4);
}

#[test]
fn who_comes_late_gets_the_last_ones() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("topic");
        let keeper = create(&name, rules);
        assert!(all(&late(&name, 3)).is_empty());
        let tx = Topic::<[u8]>::attach(name.address()).unwrap().publisher().unwrap();
        publish(&tx, 0..2);
        assert_eq!(all(&late(&name, 3)), [0, 1], "{rules:?}");
        publish(&tx, 2..9);
        // Also after their publisher has left.
        drop(tx);
        for (wanted, expected) in [(0, &[][..]), (1, &[8]), (3, &[6, 7, 8]), (9, &[5, 6, 7, 8])] {
            let rx = late(&name, wanted);
            assert_eq!(all(&rx), expected, "{rules:?}");
            assert_eq!(rx.missed(), 0);
        }
        let options = Topic::<[u8]>::options().segment(&Segment::options().read_only());
        let only_reads = options.attach(name.address()).unwrap().subscriber_with_last(2).unwrap();
        assert_eq!(all(&only_reads), [7, 8]);
        // And the next one goes on behind them.
        let tx = Topic::<[u8]>::attach(name.address()).unwrap().publisher().unwrap();
        publish(&tx, 9..10);
        assert_eq!(all(&only_reads), [9]);
        drop(keeper);
    }
}

#[test]
fn what_somebody_has_in_hand_stays_as_it_is() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("topic");
        let options = rules.options().message(LONG as u64).depth(4).spare(12);
        let tx = options.create(name.address()).unwrap().publisher().unwrap();
        let (one, other) = (subscriber(&name), subscriber(&name));
        let mut kept = vec![];
        for number in 0..6_u64 {
            let long = vec![number as u8; LONG];
            tx.publish_tagged(number as u32, &long).unwrap();
            kept.push(one.borrow().unwrap());
            if number % 2 == 0 {
                kept.push(other.borrow().unwrap());
            } else {
                other.receive().unwrap();
            }
        }
        assert_eq!(one.borrow().unwrap_err().kind(), ErrorKind::OutOfResources);
        for number in 0..200_u64 {
            tx.publish(&vec![100; if number % 2 == 0 { LONG } else { 5 }]).unwrap();
            while other.try_receive().unwrap().is_some() {}
            if rules.waits() {
                // It copies as it has all words in use.
                assert_eq!(one.receive().unwrap()[0], 100);
            }
        }
        for sample in &kept {
            assert_eq!(sample.read_to_vec(..).unwrap(), vec![sample.tag() as u8; LONG], "{rules:?}");
        }
        // Short ones are copies, and stay as well.
        drop(kept);
        tx.publish(b"short").unwrap();
        let short = loop {
            let sample = one.borrow().unwrap();
            if sample.len() == 5 && sample.read_to_vec(..1).unwrap() == b"s" {
                break sample;
            }
        };
        while other.try_receive().unwrap().is_some() {}
        tx.publish(b"other").unwrap();
        assert_eq!(short.read_to_vec(1..).unwrap(), b"hort");
        assert_eq!(short.read_value::<[u8; 2]>(3).unwrap(), *b"rt");
        assert_eq!(short.read_value::<u32>(2).unwrap_err().kind(), ErrorKind::InvalidSize);
    }
}

/// Old messages go before their publisher has to wait for those who have others in hand.
#[test]
fn hands_full_of_messages_do_not_stop_a_publisher() {
    let _watchdog = minute();
    for rules in [Rules::One, Rules::Many] {
        let name = Name::unique("topic");
        let options = rules.options().message(LONG as u64).depth(8).spare(1);
        let tx = options.create(name.address()).unwrap().publisher().unwrap();
        let rx = subscriber(&name);
        let watcher = subscriber(&name);
        let mut kept = vec![];
        for number in 0..5 {
            publish(&tx, 2 * number + 1..2 * number + 2);
            kept.push(rx.borrow().unwrap());
        }
        for number in 5..100 {
            publish(&tx, 2 * number + 1..2 * number + 2);
        }
        // Nine chunks, of which five are in hand, and some set aside for the next ones.
        let seen = all(&watcher);
        assert_eq!(seen.last(), Some(&199));
        assert!((1..=4).contains(&seen.len()), "{seen:?}");
        assert_eq!(seen.len() as u64 + watcher.missed(), 100);
        // If all are in hand, that is said.
        let more: Vec<_> = (0..2).map(|_| watcher_keeps(&tx, &name)).collect();
        drop(more);
        for sample in &kept {
            assert_eq!(sample.read_to_vec(..).unwrap(), message(sample.tag().into()));
        }
    }
}

fn watcher_keeps(tx: &Publisher, name: &Name) -> u64 {
    let rx = subscriber(name);
    let mut kept = vec![];
    loop {
        match tx.publish(&message(1)) {
            Ok(()) => kept.extend(rx.try_borrow().unwrap()),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::OutOfResources);
                return kept.len() as u64;
            }
        }
        assert!(kept.len() <= 4, "nine chunks, five elsewhere");
    }
}

#[test]
fn ends_that_are_not_to_be_had_are_refused() {
    let _watchdog = minute();
    let name = Name::unique("topic");
    let topic = create(&name, Rules::One);
    let tx = Topic::<[u8]>::attach(name.address()).unwrap().publisher().unwrap();
    let error = topic.publisher().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError);
    assert!(error.to_string().contains("its only publishing end"), "{error}");
    drop(tx);
    Topic::<[u8]>::attach(name.address()).unwrap_err();
    let topic = create(&name, Rules::Many);
    let read_only = Topic::<[u8]>::options().segment(&Segment::options().read_only());
    let error = read_only.attach(name.address()).unwrap().publisher().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(Queue::<[u8]>::attach(name.address()).unwrap_err().kind(), ErrorKind::Incompatible);
    assert_eq!(Topic::<u32>::attach(name.address()).unwrap_err().kind(), ErrorKind::Incompatible);
    drop(topic);
    let _queue = Queue::<[u8]>::create(name.address()).unwrap();
    assert_eq!(Topic::<[u8]>::attach(name.address()).unwrap_err().kind(), ErrorKind::Incompatible);
}

#[test]
fn counters_tell_who_is_behind() {
    let _watchdog = minute();
    let name = Name::unique("topic");
    let topic = create(&name, Rules::One);
    let (quick, slow) = (subscriber(&name), subscriber(&name));
    let tx = Topic::<[u8]>::attach(name.address()).unwrap().publisher().unwrap();
    publish(&tx, 0..3);
    assert_eq!(all(&quick).len(), 3);
    let told = topic.statistics().unwrap();
    assert_eq!((told.published, told.skipped, told.capacity, told.longest), (3, 0, 4, LONG));
    assert_eq!(told.subscribers.iter().map(|one| one.behind).collect::<Vec<_>>(), [0, 3]);
    publish(&tx, 3..9);
    let seen = all(&slow).len() as u64;
    drop(quick);
    let told = topic.statistics().unwrap();
    let missed: Vec<u64> = told.subscribers.iter().map(|one| one.missed).collect();
    assert_eq!((told.published, missed, slow.missed()), (9, vec![9 - seen], 9 - seen));
    let address = name.address().parse().unwrap();
    assert_eq!(cenote::channel::TopicStatistics::look(&address).unwrap(), Some(told));
}

#[test]
fn who_only_reads_waits_as_long_as_it_takes() {
    let _watchdog = minute();
    let name = Name::unique("topic");
    let tx = create(&name, Rules::Many).publisher().unwrap();
    let rx = reader(&name);
    assert_eq!(rx.receive_timeout(MOMENT).unwrap_err().kind(), ErrorKind::Timeout);
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(MOMENT);
            publish(&tx, 1..2);
        });
        assert_eq!(rx.receive().unwrap(), message(1));
    });
}
