//! One process waits for several channels, and others send: who sleeps is woken by each of them, whatever the system has.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use cenote::channel::Source;
use cenote::{ErrorKind, Queue, Topic, wait_for_any};
use testkit::Peer;

use super::{Name, QUIET, SOON, end, least, minute};

/// Who sleeps for long looks by itself after this, or more.
const SLICE: Duration = Duration::from_millis(70);

fn queue(name: &Name) -> Queue {
    Queue::<[u8]>::options().message(48).depth(64).create(name.address()).unwrap()
}

fn topic(name: &Name) -> Topic {
    Topic::<[u8]>::options().message(48).create(name.address()).unwrap()
}

/// Waits until all of its threads are asleep.
fn wait_until_asleep(pid: u32) {
    let is_so = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
    };
    while !fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten().all(is_so) {
        thread::sleep(Duration::from_micros(200));
    }
}

/// Three channels, one that waits for all of them, and one process for each that sends.
struct Three {
    names: [Name; 3],
    _made: (Queue, Queue, Topic),
    waiter: Peer,
    senders: [Peer; 3],
}

impl Three {
    fn new(reader: &str) -> Self {
        let names = [(); 3].map(|()| Name::unique());
        let alone = Queue::<[u8]>::options().message(48).one_sender().one_receiver();
        let made = (alone.create(names[0].address()).unwrap(), queue(&names[1]), topic(&names[2]));
        let mut waiter = testkit::agent::spawn();
        for (what, name) in ["receiver", "receiver", reader].iter().zip(&names) {
            waiter.ask(&format!("{what} {}", name.address())).expect_ok();
        }
        let senders = [0, 1, 2].map(|which| {
            let what = if which == 2 { "publisher" } else { "sender" };
            end(what, &names[which])
        });
        Self { names, _made: made, waiter, senders }
    }

    /// How long it takes from one's being told to send to the other's having it, each of them in turn.
    fn times(&mut self, rounds: usize, asleep_for: Duration) -> Vec<Duration> {
        let mut times = Vec::new();
        for which in (0..3).cycle().take(rounds) {
            self.waiter.tell("any 20000");
            wait_until_asleep(self.waiter.pid());
            // Into a long sleep: the first ones are short.
            thread::sleep(asleep_for);
            let begin = Instant::now();
            self.senders[which].ask(&format!("send m{which}")).expect_ok();
            assert_eq!(self.waiter.wait_for_reply().expect_ok(), format!("{which} m{which}"));
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        times
    }
}

#[test]
fn who_sleeps_for_three_is_woken_by_each() {
    let _watchdog = minute();
    let times = Three::new("subscriber").times(12, SLICE + Duration::from_millis(10));
    assert!(times[3] < SLICE / 4, "nobody was woken: {times:?}");
}

#[test]
fn without_the_call_it_is_found_in_milliseconds() {
    let _watchdog = minute();
    let mut three = Three::new("subscriber");
    three.waiter.ask("no-waitv").expect_ok();
    let times = three.times(12, SLICE + Duration::from_millis(10));
    assert!(times[3] < SLICE / 4, "nobody looked: {times:?}");
}

#[test]
fn one_who_only_reads_among_them_finds_it_in_milliseconds() {
    let _watchdog = minute();
    let times = Three::new("reader").times(12, SLICE + Duration::from_millis(10));
    assert!(times[3] < SLICE / 4, "nobody looked: {times:?}");
}

#[test]
fn nobody_is_too_many() {
    let _watchdog = minute();
    let name = Name::unique();
    let tx = queue(&name).sender().unwrap();
    // More than the system sleeps for at once.
    let all: Vec<_> =
        (0..130).map(|_| Queue::<[u8]>::attach(name.address()).unwrap().receiver().unwrap()).collect();
    let other = Name::unique();
    let last = queue(&other).receiver().unwrap();
    let far = Queue::<[u8]>::attach(other.address()).unwrap().sender().unwrap();
    let mut sources: Vec<_> = all.iter().map(|rx| rx as &dyn Source).collect();
    sources.push(&last);
    assert_eq!(wait_for_any(&sources, Some(Duration::ZERO)).unwrap_err().kind(), ErrorKind::Timeout);
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(30));
            far.send(b"far").unwrap();
        });
        assert_eq!(wait_for_any(&sources, Some(SOON)).unwrap(), 130);
    });
    assert_eq!(last.try_receive().unwrap().unwrap(), b"far");
    tx.send(b"near").unwrap();
    assert_eq!(wait_for_any(&sources, Some(SOON)).unwrap(), 0);
}

#[test]
fn a_wait_ends_with_its_time() {
    let _watchdog = minute();
    let names = [Name::unique(), Name::unique()];
    let (rx, sub) = (queue(&names[0]).receiver().unwrap(), topic(&names[1]).subscriber().unwrap());
    for time in [0, 1, 20, 60].map(Duration::from_millis) {
        let begin = Instant::now();
        let error = wait_for_any(&[&rx, &sub], Some(time)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(begin.elapsed() >= time && begin.elapsed() < SOON);
    }
    assert_eq!(wait_for_any(&[], None).unwrap_err().kind(), ErrorKind::InvalidSize);
    // What is there is said at once, the first of them first, and stays there.
    let tx = Queue::<[u8]>::attach(names[0].address()).unwrap().sender().unwrap();
    Topic::<[u8]>::attach(names[1].address()).unwrap().publisher().unwrap().publish(b"p").unwrap();
    for _ in 0..2 {
        assert_eq!(wait_for_any(&[&rx, &sub], None).unwrap(), 1);
    }
    tx.send(b"q").unwrap();
    assert_eq!(wait_for_any(&[&rx, &sub], None).unwrap(), 0);
    assert_eq!(wait_for_any(&[&sub, &rx], None).unwrap(), 0);
    assert_eq!(
        (rx.try_receive().unwrap().unwrap(), sub.try_receive().unwrap().unwrap()),
        (b"q".to_vec(), b"p".to_vec())
    );
}

/// Whoever is killed while it sends, and wherever: what it has left is passed over, and the others' messages are found.
#[test]
fn who_dies_sending_keeps_nobody_waiting() {
    let _watchdog = minute();
    let names = [Name::unique(), Name::unique(), Name::unique()];
    let (first, second) = (queue(&names[0]).receiver().unwrap(), queue(&names[1]).receiver().unwrap());
    let poses = topic(&names[2]).subscriber().unwrap();
    let good = Queue::<[u8]>::attach(names[1].address()).unwrap().sender().unwrap();
    for round in 0..20 {
        let mut dying = [end("sender", &names[0]), end("publisher", &names[2])];
        dying.iter_mut().for_each(|peer| peer.tell("count-up"));
        let enough = 100 + round * 37;
        for _ in 0..enough {
            match wait_for_any(&[&first, &second, &poses], Some(SOON)).unwrap() {
                0 => drop(first.try_receive().unwrap()),
                1 => panic!("nobody has sent there"),
                _ => drop(poses.try_receive().unwrap()),
            }
        }
        dying.iter_mut().for_each(Peer::kill);
        // All that is left, and what comes then.
        good.send(b"good").unwrap();
        loop {
            match wait_for_any(&[&first, &poses, &second], Some(SOON)).unwrap() {
                0 => drop(first.try_receive().unwrap()),
                1 => drop(poses.try_receive().unwrap()),
                _ => break,
            }
        }
        assert_eq!(second.try_receive().unwrap().unwrap(), b"good");
        // Others go on behind the dead.
        let tx = Queue::<[u8]>::attach(names[0].address()).unwrap().sender().unwrap();
        tx.send(b"more").unwrap();
        assert_eq!(wait_for_any(&[&second, &poses, &first], Some(SOON)).unwrap(), 2);
        assert_eq!(first.try_receive().unwrap().unwrap(), b"more");
        let publisher = Topic::<[u8]>::attach(names[2].address()).unwrap().publisher().unwrap();
        publisher.publish(b"more").unwrap();
        assert_eq!(wait_for_any(&[&second, &poses, &first], Some(SOON)).unwrap(), 1);
        assert_eq!(poses.try_receive().unwrap().unwrap(), b"more");
    }
}

/// What somebody had in its hands who is dead is somebody else's.
#[test]
fn what_a_dead_one_had_taken_is_found() {
    let _watchdog = minute();
    let names = [Name::unique(), Name::unique()];
    let (tx, quiet) = (queue(&names[0]).sender().unwrap(), queue(&names[1]).receiver().unwrap());
    let rx = Queue::<[u8]>::attach(names[0].address()).unwrap().receiver().unwrap();
    for number in [1, 2_u8] {
        tx.send(&[number]).unwrap();
        let mut dying = testkit::agent::spawn();
        dying.ask(&format!("receiver {}", names[0].address())).expect_ok();
        dying.ask("hold").expect_ok();
        let error = wait_for_any(&[&quiet, &rx], Some(Duration::from_millis(5))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        // Past it, so that there is nothing for it but to be taken over.
        tx.send(b"next").unwrap();
        assert_eq!(rx.try_receive().unwrap().unwrap(), b"next");
        thread::scope(|scope| {
            scope.spawn(|| dying.kill());
            assert_eq!(wait_for_any(&[&quiet, &rx], Some(SOON)).unwrap(), 1);
        });
        assert_eq!(rx.try_receive().unwrap().unwrap(), [number]);
    }
}

#[test]
fn who_waits_takes_no_time_of_a_processor() {
    let _watchdog = minute();
    let mut three = Three::new("subscriber");
    let took = least(|time| three.waiter.ask(&format!("idle {time}")).expect_ok().parse().unwrap());
    println!("{took:?} of 2 s for {} channels", three.names.len());
    assert!(took < QUIET);
}
