//! Ends in several processes: who sleeps is woken, who is stopped keeps what it has, who is forked has nothing, and who
//! comes to a dead one's place finds what that one had.

use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Queue};
use testkit::states::{go_on, stop, wait_until_all_are};
use testkit::{Peer, agent};

use super::{ALL_RULES, Name, Rules, minute};

const SOON: Duration = Duration::from_secs(10);
/// Who sleeps looks by itself this often.
const SLICE: Duration = Duration::from_millis(50);
/// Then it is in its third sleep, of 40 ms: the first is a nap of 10.
const ASLEEP: Duration = Duration::from_millis(32);

fn attach(name: &Name) -> Queue {
    Queue::<[u8]>::attach(name.address()).unwrap()
}

fn create(name: &Name, rules: Rules) -> Queue {
    rules.options().message(300).depth(4).spare(1).create(name.address()).unwrap()
}

fn end(what: &str, name: &Name) -> Peer {
    let mut peer = agent::spawn();
    peer.ask(&format!("{what} {}", name.address())).expect_ok();
    peer
}

/// By being woken, and not because it has slept long enough.
fn is_woken(mut times: Vec<Duration>) {
    times.sort_unstable();
    assert!(times[times.len() / 4] < SLICE / 4, "nobody was woken: {times:?}");
}

#[test]
fn who_sleeps_for_a_message_is_woken() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("queue");
        let tx = create(&name, rules).sender().unwrap();
        let mut receiver = end("receiver", &name);
        let times = (0..12).map(|_| {
            receiver.tell("receive");
            wait_until_all_are(receiver.pid(), 'S');
            thread::sleep(ASLEEP);
            let begin = Instant::now();
            tx.send(b"wake").unwrap();
            assert_eq!(receiver.wait_for_reply().expect_ok(), "wake");
            begin.elapsed()
        });
        is_woken(times.collect());
        receiver.kill();
    }
}

#[test]
fn who_sleeps_for_room_is_woken() {
    let _watchdog = minute();
    for rules in [Rules::OneToOne, Rules::ManyToOne, Rules::OneToMany, Rules::ManyToMany] {
        for long in [false, true] {
            let (name, what) = (Name::unique("queue"), if long { "send-long" } else { "send" });
            let rx = create(&name, rules).receiver().unwrap();
            let mut sender = end("sender", &name);
            (0..4).for_each(|_| drop(sender.ask(&format!("{what} a")).expect_ok().to_owned()));
            let times = (0..6).map(|_| {
                sender.tell(&format!("{what} a"));
                wait_until_all_are(sender.pid(), 'S');
                thread::sleep(ASLEEP);
                let begin = Instant::now();
                assert_eq!(rx.receive_timeout(SOON).unwrap()[0], b'a');
                sender.wait_for_reply().expect_ok();
                begin.elapsed()
            });
            is_woken(times.collect());
            sender.kill();
        }
    }
}

/// Its slot is the first that is free: the next one gets it, and must not take what is there for its own.
#[test]
fn who_comes_to_a_dead_ones_place_finds_what_it_had() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("queue");
        let tx = create(&name, rules).sender().unwrap();
        for number in ["1", "2"] {
            tx.send(number.as_bytes()).unwrap();
        }
        let mut receiver = end("receiver", &name);
        assert_eq!(receiver.ask("borrow").expect_ok(), "1");
        receiver.kill();
        let rx = attach(&name).receiver().unwrap();
        let mut both = [rx.receive_timeout(SOON).unwrap(), rx.receive_timeout(SOON).unwrap()];
        both.sort();
        assert_eq!(both, [b"1", b"2"], "{rules:?}");
        drop(tx);

        let mut sender = end("sender", &name);
        sender.ask("loan a").expect_ok();
        sender.kill();
        let tx = attach(&name).sender().unwrap();
        let all: Vec<_> = (0..5).map(|_| tx.loan(300).unwrap()).collect();
        assert_eq!(all.len(), 5, "the dead one's, too");
    }
}

#[test]
fn who_only_drops_the_oldest_is_not_held_up_by_a_dead_one() {
    let _watchdog = minute();
    let name = Name::unique("queue");
    let tx = create(&name, Rules::DropOldest).sender().unwrap();
    tx.send(b"0").unwrap();
    let mut receiver = end("receiver", &name);
    assert_eq!(receiver.ask("borrow").expect_ok(), "0");
    // While it lives, the message that it has is not dropped.
    (1..4).for_each(|number: u8| tx.send(&[number]).unwrap());
    assert!(!tx.try_send(&[4]).unwrap());
    receiver.kill();
    (4..8).for_each(|number: u8| tx.send_timeout(&[number], SOON).unwrap());
    let rx = attach(&name).receiver().unwrap();
    for number in 4..8 {
        assert_eq!(rx.receive_timeout(SOON).unwrap(), [number]);
    }
    let statistics = attach(&name).statistics().unwrap();
    assert_eq!((statistics.sent, statistics.received, statistics.dropped), (8, 4, 4));
}

#[test]
fn a_forked_child_has_no_end_and_disturbs_nobody() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("queue");
        let queue = create(&name, rules);
        let mut sender = end("sender", &name);
        let mut receiver = end("receiver", &name);
        assert_eq!(sender.ask("fork").expect_ok(), "yes", "{rules:?}");
        sender.ask("send 1").expect_ok();
        sender.ask("loan 2").expect_ok();
        assert_eq!(sender.ask("fork").expect_ok(), "yes", "{rules:?}: with a loan");
        sender.ask("send-loan").expect_ok();
        assert_eq!(receiver.ask("borrow").expect_ok(), "1");
        assert_eq!(receiver.ask("fork").expect_ok(), "yes", "{rules:?}");
        // Both are as they were: what is in hand takes up room still.
        assert_eq!(queue.statistics().unwrap().received, 0);
        receiver.ask("drop").expect_ok();
        assert_eq!(queue.statistics().unwrap().received, 1);
        assert_eq!(receiver.ask("receive 10000").expect_ok(), "2".repeat(20));
        sender.ask("send 3").expect_ok();
        assert_eq!(receiver.ask("receive 10000").expect_ok(), "3");
        let statistics = queue.statistics().unwrap();
        assert_eq!((statistics.sent, statistics.received, statistics.skipped), (3, 3, 0));
        sender.kill();
        receiver.kill();
    }
}

/// It has not died: nothing is passed over, whatever it was doing.
#[test]
fn a_stopped_sender_goes_on_where_it_was() {
    let _watchdog = minute();
    for rules in ALL_RULES {
        let name = Name::unique("queue");
        let queue = create(&name, rules);
        let rx = attach(&name).receiver().unwrap();
        let mut sender = end("sender", &name);
        sender.tell("count-up");
        let mut next = 0;
        let mut receive = |time| {
            let bytes = match rx.receive_timeout(time) {
                Err(error) if error.kind() == ErrorKind::Timeout => return false,
                bytes => bytes.unwrap(),
            };
            let number: u64 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
            assert!(number == next || matches!(rules, Rules::DropOldest) && number > next, "{number} {next}");
            next = number + 1;
            true
        };
        for _ in 0..50 {
            stop(&sender);
            let begin = Instant::now();
            // Four at most, and then nothing; or nothing at once, if the next one is half done.
            while receive(Duration::from_millis(1)) {}
            assert!(begin.elapsed() < SOON);
            go_on(&sender);
            (0..20).for_each(|_| assert!(receive(SOON)));
        }
        assert_eq!(queue.statistics().unwrap().skipped, 0);
        sender.kill();
    }
}

#[test]
fn a_stopped_receiver_keeps_what_it_has_in_hand() {
    let _watchdog = minute();
    for rules in [Rules::OneToMany, Rules::ManyToMany, Rules::DropOldest] {
        let name = Name::unique("queue");
        let tx = create(&name, rules).sender().unwrap();
        let mut receiver = end("receiver", &name);
        tx.send(b"first").unwrap();
        assert_eq!(receiver.ask("borrow").expect_ok(), "first");
        stop(&receiver);
        let rx = attach(&name).receiver().unwrap();
        for number in 1..4_u8 {
            tx.send_timeout(&[number], SOON).unwrap();
            assert_eq!(rx.receive_timeout(SOON).unwrap(), [number]);
        }
        assert_eq!(rx.receive_timeout(SLICE).unwrap_err().kind(), ErrorKind::Timeout);
        // Its place is not free, and nobody waits for it longer than allowed.
        let error = tx.send_timeout(b"more", SLICE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{rules:?}");
        go_on(&receiver);
        receiver.ask("drop").expect_ok();
        tx.send_timeout(b"more", SOON).unwrap();
        assert_eq!(rx.receive_timeout(SOON).unwrap(), b"more");
        receiver.kill();
    }
}

#[test]
fn more_ends_than_a_segment_has_slots_are_told_so() {
    let _watchdog = minute();
    let name = Name::unique("queue");
    let mut ends = vec![create(&name, Rules::ManyToMany).sender().unwrap()];
    let error = loop {
        match Queue::<[u8]>::attach(name.address()) {
            Ok(queue) => ends.push(queue.sender().unwrap()),
            Err(error) => break error,
        }
    };
    assert_eq!((ends.len(), error.kind()), (256, ErrorKind::OutOfResources), "{error}");
    assert!(error.to_string().contains("256") && !error.hint().is_empty(), "{error}: {}", error.hint());
    // Each of them works, and one that leaves makes room.
    ends.pop();
    let rx = attach(&name).receiver().unwrap();
    for (number, tx) in ends.iter().enumerate() {
        tx.send(&number.to_ne_bytes()).unwrap();
        assert_eq!(rx.receive().unwrap(), number.to_ne_bytes());
    }
}
