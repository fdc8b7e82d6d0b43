//! Ends in several processes: who sleeps is woken, who is stopped keeps what it has, who is forked has nothing, and who
//! dies is not waited for.

use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Publisher, Segment, Subscriber, Topic};
use testkit::states::{go_on, stop, wait_until_all_are};
use testkit::{Peer, agent};

use super::{ALL_RULES, Name, Rules, minute};

const SOON: Duration = Duration::from_secs(10);
/// Who sleeps looks by itself this often at first.
const SLICE: Duration = Duration::from_millis(50);
/// Then it is in its third sleep, of 40 ms: the first is a nap of 10.
const ASLEEP: Duration = Duration::from_millis(32);
/// And this often at last.
const LONGEST_SLEEP: Duration = Duration::from_millis(500);
const WAITING: [Rules; 2] = [Rules::OneWaits, Rules::ManyWait];
const OVERWRITING: [Rules; 2] = [Rules::One, Rules::Many];

fn attach(name: &Name) -> Topic {
    Topic::<[u8]>::attach(name.address()).unwrap()
}

fn subscriber(name: &Name) -> Subscriber {
    attach(name).subscriber().unwrap()
}

fn create(name: &Name, rules: Rules) -> Topic {
    rules.options().message(300).depth(4).spare(2).create(name.address()).unwrap()
}

fn end(what: &str, name: &Name) -> Peer {
    let mut peer = agent::spawn();
    peer.ask(&format!("{what} {}", name.address())).expect_ok();
    peer
}

fn ok(peer: &mut Peer, command: &str) -> String {
    peer.ask(command).expect_ok().to_owned()
}

/// By being woken, and not because it has slept long enough.
fn is_woken(mut times: Vec<Duration>) {
    times.sort_unstable();
    assert!(times[times.len() / 4] < SLICE / 4, "nobody was woken: {times:?}");
}

/// Long messages that say their number.
fn publish(tx: &Publisher, numbers: std::ops::Range<u32>) {
    numbers.for_each(|number| tx.publish_timeout(&[number as u8; 300], SOON).unwrap());
}

#[test]
fn all_who_sleep_for_a_message_are_woken() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("topic");
        let tx = create(&name, rules).publisher().unwrap();
        let mut all: Vec<Peer> = (0..3).map(|_| end("subscriber", &name)).collect();
        let times = (0..8).map(|_| {
            all.iter_mut().for_each(|one| one.tell("receive"));
            all.iter().for_each(|one| wait_until_all_are(one.pid(), 'S'));
            thread::sleep(ASLEEP);
            let begin = Instant::now();
            tx.publish(b"wake").unwrap();
            for one in &mut all {
                assert_eq!(one.wait_for_reply().expect_ok(), "wake");
            }
            begin.elapsed()
        });
        is_woken(times.collect());
        all.iter_mut().for_each(Peer::kill);
    }
}

#[test]
fn who_sleeps_for_the_slow_is_woken() {
    let _watchdog = minute();
    for (rules, what) in WAITING.into_iter().flat_map(|rules| [(rules, "publish"), (rules, "publish-long")]) {
        let name = Name::unique("topic");
        let topic = create(&name, rules);
        let mut publisher = end("publisher", &name);
        let quick = subscriber(&name);
        let catch_up = || while quick.try_receive().unwrap().is_some() {};
        let command = format!("{what} a");
        let mut slow = subscriber(&name);
        let mut times = [vec![], vec![]];
        for round in 0..12 {
            // Up to there is room.
            while topic.statistics().unwrap().subscribers.iter().all(|one| one.behind < 4) {
                publisher.ask(&command).expect_ok();
            }
            catch_up();
            publisher.tell(&command);
            wait_until_all_are(publisher.pid(), 'S');
            thread::sleep(ASLEEP);
            // By one that reads, or leaves.
            let leaves = (round % 2 == 1).then(|| std::mem::replace(&mut slow, subscriber(&name)));
            let begin = Instant::now();
            if leaves.is_none() {
                assert_eq!(slow.receive_timeout(SOON).unwrap()[0], b'a');
            }
            drop(leaves);
            publisher.wait_for_reply().expect_ok();
            times[round % 2].push(begin.elapsed());
        }
        times.into_iter().for_each(is_woken);
        assert_eq!((quick.missed(), slow.missed()), (0, 0));
        publisher.kill();
    }
}

#[test]
fn who_is_killed_is_not_waited_for() {
    let _watchdog = minute();
    for rules in WAITING {
        let name = Name::unique("topic");
        let _topic = create(&name, rules);
        let mut publisher = end("publisher", &name);
        let times = (0..4).map(|_| {
            let mut slow = end("subscriber", &name);
            (0..4).for_each(|_| drop(ok(&mut publisher, "publish-long a")));
            // With what there is in hand, so that its memory is wanted as well.
            ok(&mut slow, "borrow");
            ok(&mut publisher, "publish-long b");
            publisher.tell("publish-long c");
            wait_until_all_are(publisher.pid(), 'S');
            thread::sleep(SLICE);
            slow.kill();
            let begin = Instant::now();
            publisher.wait_for_reply().expect_ok();
            begin.elapsed()
        });
        let mut times: Vec<Duration> = times.collect();
        times.sort_unstable();
        assert!(times[0] < LONGEST_SLEEP + SLICE, "{times:?}");
        // Who comes finds it at once.
        let mut slow = end("subscriber", &name);
        (0..4).for_each(|_| drop(ok(&mut publisher, "publish-long a")));
        assert_eq!(ok(&mut publisher, "try-publish a"), "full");
        slow.kill();
        assert_eq!(ok(&mut publisher, "try-publish a"), "");
        publisher.kill();
    }
}

#[test]
fn a_stopped_subscriber_keeps_what_it_has_in_hand() {
    let _watchdog = minute();
    for rules in OVERWRITING {
        let name = Name::unique("topic");
        let tx = create(&name, rules).publisher().unwrap();
        let mut stopped = end("subscriber", &name);
        let rx = subscriber(&name);
        for text in [b'a', b'b', b'c'] {
            tx.publish(&[text; 300]).unwrap();
            assert_eq!(ok(&mut stopped, "borrow"), String::from_utf8(vec![text; 20]).unwrap());
        }
        stop(&stopped);
        // Three of six are in its hands: the publisher goes on with those that are left, and is not held up.
        let begin = Instant::now();
        for number in 0..1000_u32 {
            tx.publish(&[b'0' + (number % 10) as u8; 300]).unwrap();
        }
        assert!(begin.elapsed() < SOON);
        assert_eq!(std::iter::from_fn(|| rx.try_receive().unwrap()).last().unwrap(), [b'9'; 300]);
        go_on(&stopped);
        let texts = ["a", "b", "c"].map(|text| text.repeat(20)).join(" ");
        assert_eq!(ok(&mut stopped, "look"), texts, "{rules:?}");
        ok(&mut stopped, "drop");
        let mut received = 0;
        while stopped.ask("receive 1").error_kind().is_none() {
            received += 1;
        }
        assert_eq!(received + ok(&mut stopped, "missed").parse::<u64>().unwrap(), 1000);
        stopped.kill();
    }
}

#[test]
fn a_stopped_subscriber_is_waited_for_where_all_are() {
    let _watchdog = minute();
    for rules in WAITING {
        let name = Name::unique("topic");
        let tx = create(&name, rules).publisher().unwrap();
        let mut stopped = end("subscriber", &name);
        stop(&stopped);
        publish(&tx, 0..4);
        assert_eq!(tx.publish_timeout(b"more", SLICE).unwrap_err().kind(), ErrorKind::Timeout, "{rules:?}");
        go_on(&stopped);
        ok(&mut stopped, "receive");
        tx.publish_timeout(b"more", SOON).unwrap();
        assert_eq!(ok(&mut stopped, "missed"), "0");
        stopped.kill();
    }
}

/// It has not died: nothing is passed over, whatever it was doing.
#[test]
fn a_stopped_publisher_goes_on_where_it_was() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("topic");
        let topic = create(&name, rules);
        let read_only = Topic::<[u8]>::options().segment(&Segment::options().read_only());
        let readers = [subscriber(&name), read_only.attach(name.address()).unwrap().subscriber().unwrap()];
        let mut publisher = end("publisher", &name);
        publisher.tell("count-up");
        let mut next = [0, 0];
        let mut receive = |which: usize, time| {
            let rx = &readers[which];
            let bytes = match rx.receive_timeout(time) {
                Err(error) if error.kind() == ErrorKind::Timeout => return false,
                bytes => bytes.unwrap(),
            };
            let number: u64 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
            assert!(number >= next[which]);
            next[which] = number + 1;
            // As nothing is passed over, each number is its position.
            assert!(rx.missed() <= number);
            assert!(which == 1 || !rules.waits() || rx.missed() == 0);
            true
        };
        for _ in 0..30 {
            stop(&publisher);
            // Four at most, and then nothing; or nothing at once, if the next one is half done.
            let rest = (0..5).take_while(|_| receive(0, Duration::from_millis(1))).count();
            assert!(rest < 5);
            while receive(1, Duration::from_millis(1)) {}
            go_on(&publisher);
            (0..20).for_each(|_| assert!(receive(0, SOON)));
        }
        assert_eq!(topic.statistics().unwrap().skipped, 0);
        publisher.kill();
    }
}

/// Of a topic that waits for nobody: only the cell itself is not to be had, and no longer than it takes.
#[test]
fn who_comes_upon_the_cell_that_another_one_writes_is_woken() {
    let _watchdog = minute();
    let name = Name::unique("topic");
    let topic = Rules::Many.options().message(48).depth(1).create(name.address()).unwrap();
    let (mut first, mut second) = (end("publisher", &name), end("publisher", &name));
    first.tell("count-up");
    let times = (0..8).map(|_| {
        // Behind the control block and the records is the only cell. Its word says 1 while it is written.
        let is_written = || topic.segment().read_value::<u64>(640 + 256 * 64).unwrap() & 0xf == 1;
        stop(&first);
        while !is_written() {
            go_on(&first);
            stop(&first);
        }
        second.tell("publish x");
        wait_until_all_are(second.pid(), 'S');
        // Into one of its longer sleeps, after 10, 20, and 40 ms.
        thread::sleep(Duration::from_millis(90));
        let begin = Instant::now();
        go_on(&first);
        second.wait_for_reply().expect_ok();
        begin.elapsed()
    });
    is_woken(times.collect());
    first.kill();
}

#[test]
fn a_forked_child_has_no_end_and_disturbs_nobody() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("topic");
        let topic = create(&name, rules);
        let (mut publisher, mut subscriber) = (end("publisher", &name), end("subscriber", &name));
        ok(&mut subscriber, &format!("another {}", name.address()));
        assert_eq!(ok(&mut publisher, "fork"), "yes", "{rules:?}");
        ok(&mut publisher, "publish-long a");
        ok(&mut publisher, "loan b");
        assert_eq!(ok(&mut publisher, "fork"), "yes", "{rules:?}: with a loan");
        ok(&mut publisher, "send-loan");
        assert_eq!(ok(&mut subscriber, "borrow"), "a".repeat(20));
        assert_eq!(ok(&mut subscriber, "fork"), "yes", "{rules:?}");
        // All are as they were: those who have subscribed are, and what was in hand is.
        let behind = |topic: &Topic| -> Vec<u64> {
            topic.statistics().unwrap().subscribers.iter().map(|one| one.behind).collect()
        };
        assert_eq!(behind(&topic), [1, 2], "{rules:?}");
        if rules.waits() {
            (0..2).for_each(|_| drop(ok(&mut publisher, "publish-long c")));
            assert_eq!(ok(&mut publisher, "try-publish d"), "full");
        } else {
            (0..50).for_each(|_| drop(ok(&mut publisher, "publish-long c")));
        }
        assert_eq!(ok(&mut subscriber, "look"), "a".repeat(20), "{rules:?}");
        ok(&mut subscriber, "drop");
        // A child that was forked with its end does not let go of it.
        if matches!(rules, Rules::One | Rules::OneWaits) {
            assert_eq!(attach(&name).publisher().unwrap_err().kind(), ErrorKind::LockError);
        }
        assert_eq!(ok(&mut subscriber, "receive 10000"), if rules.waits() { "b" } else { "c" }.repeat(20));
        assert_eq!(topic.statistics().unwrap().skipped, 0);
        publisher.kill();
        subscriber.kill();
    }
}

/// Its slot is the first that is free: the next one gets it, and must not take what is there for its own.
#[test]
fn who_comes_to_a_dead_ones_place_finds_nothing_there() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("topic");
        let topic = create(&name, rules);
        let tx = attach(&name).publisher().unwrap();
        let mut dead = end("subscriber", &name);
        publish(&tx, 0..2);
        ok(&mut dead, "borrow");
        ok(&mut dead, "borrow");
        dead.kill();
        // As a publisher it has no record; as a subscriber it has its own.
        let rx = subscriber(&name);
        publish(&tx, 2..4);
        assert_eq!((rx.receive().unwrap(), rx.receive().unwrap()), (vec![2; 300], vec![3; 300]));
        let told = topic.statistics().unwrap();
        assert_eq!(told.subscribers.iter().map(|one| one.behind).collect::<Vec<_>>(), [0], "{rules:?}");
        drop(rx);
        // Nobody has any of the six chunks, but for those of the four that can be read still.
        publish(&tx, 4..20);
        let loans: Vec<_> = (0..2).map(|_| tx.loan(300).unwrap()).collect();
        drop(loans);
    }
}
