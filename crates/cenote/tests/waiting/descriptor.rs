//! Descriptors of receivers and subscribers, waited for by poll(2) and epoll(7) while others send.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::thread;
use std::time::{Duration, Instant};

use cenote::channel::{Descriptor, Source};
use cenote::{ErrorKind, Queue, Result, Segment, Topic, wait_for_any};

use super::{Name, QUIET, SOON, end, least, minute};

const MESSAGES: u64 = 10_000;

fn attach(name: &Name) -> Queue {
    Queue::<[u8]>::attach(name.address()).unwrap()
}

fn create(name: &Name) -> Queue {
    Queue::<[u8]>::options().message(48).depth(64).create(name.address()).unwrap()
}

/// Whether it is readable, in so long at most.
pub(crate) fn poll(fd: RawFd, time: Duration) -> bool {
    let mut asked = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: `asked` is ours to write.
    let ready = unsafe { libc::poll(&raw mut asked, 1, time.as_millis() as i32) };
    assert!(ready >= 0, "{}", std::io::Error::last_os_error());
    ready == 1
}

fn is_readable(descriptor: &Descriptor) -> bool {
    poll(descriptor.as_raw_fd(), Duration::ZERO)
}

fn can_be_anywhere(_: &(impl Send + Sync + 'static)) {}

/// Of one descriptor, told of changes alone.
struct Epoll(OwnedFd);

impl Epoll {
    fn of(fd: RawFd) -> Self {
        // SAFETY: it takes numbers.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        assert!(epoll >= 0);
        let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: 0 };
        // SAFETY: it reads the event.
        let added = unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event) };
        assert_eq!(added, 0);
        // SAFETY: just opened, and nobody else's.
        Self(unsafe { OwnedFd::from_raw_fd(epoll) })
    }

    fn wait(&self, time: Duration) -> bool {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: there is room for one event.
        let ready =
            unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, time.as_millis() as i32) };
        assert!(ready >= 0, "{}", std::io::Error::last_os_error());
        ready == 1
    }
}

/// Receives all numbers in their order, whenever `wait` says so; how often it took long until there was one.
fn receive_all(
    descriptor: &Descriptor,
    source: &dyn Source,
    wait: impl Fn() -> bool,
    receive: impl Fn() -> Result<Option<Vec<u8>>>,
) -> usize {
    let (mut next, mut late, mut rounds) = (0, 0, 0);
    while next < MESSAGES {
        let begin = Instant::now();
        assert!(wait(), "nothing was said of {next}");
        // A thread that was not woken looks by itself after half a second.
        late += usize::from(begin.elapsed() > Duration::from_millis(300));
        while let Some(message) = receive().unwrap() {
            assert_eq!(message, u64::to_ne_bytes(next));
            next += 1;
        }
        descriptor.arm(source).unwrap();
        rounds += 1;
    }
    println!("{MESSAGES} messages in {rounds} rounds, {late} of them late");
    late
}

#[test]
fn by_poll_all_messages_of_another_process_arrive() {
    let _watchdog = minute();
    let name = Name::unique();
    let rx = create(&name).receiver().unwrap();
    let descriptor = rx.descriptor().unwrap();
    let mut sender = end("sender", &name);
    sender.tell(&format!("count {MESSAGES}"));
    let late = receive_all(&descriptor, &rx, || poll(descriptor.as_raw_fd(), SOON), || rx.try_receive());
    assert!(late < 3);
    sender.wait_for_reply().expect_ok();
    assert!(!is_readable(&descriptor));
}

#[test]
fn by_epoll_all_messages_of_another_process_arrive() {
    let _watchdog = minute();
    let name = Name::unique();
    let poses = Topic::<[u8]>::options().message(48).when_full(cenote::WhenFull::Wait);
    let sub = poses.create(name.address()).unwrap().subscriber().unwrap();
    let descriptor = sub.descriptor().unwrap();
    let epoll = Epoll::of(descriptor.as_raw_fd());
    let mut publisher = end("publisher", &name);
    publisher.tell(&format!("count {MESSAGES}"));
    let late = receive_all(&descriptor, &sub, || epoll.wait(SOON), || sub.try_receive());
    assert!(late < 3);
    publisher.wait_for_reply().expect_ok();
}

/// One at a time, so that each is waited for; and only one is received before it is armed again.
#[test]
fn each_of_many_answers_is_said() {
    let _watchdog = minute();
    for alone in [false, true] {
        let names = [Name::unique(), Name::unique()];
        let options = Queue::<[u8]>::options().message(48);
        let options = if alone { options.one_sender().one_receiver() } else { options };
        let [to, from] = names.each_ref().map(|name| options.create(name.address()).unwrap());
        let (tx, rx) = (to.sender().unwrap(), from.receiver().unwrap());
        let descriptor = rx.descriptor().unwrap();
        let epoll = Epoll::of(descriptor.as_raw_fd());
        let mut echo = end("receiver", &names[0]);
        echo.ask(&format!("sender {}", names[1].address())).expect_ok();
        echo.tell("echo");
        let mut late = 0;
        for number in 0..2000_u64 {
            let both = [number, number + 1].map(u64::to_ne_bytes);
            both.iter().for_each(|bytes| tx.send(bytes).unwrap());
            for bytes in both {
                let begin = Instant::now();
                loop {
                    assert!(epoll.wait(SOON), "nothing was said of {number}");
                    let received = rx.try_receive().unwrap();
                    descriptor.arm(&rx).unwrap();
                    if let Some(received) = received {
                        assert_eq!(received, bytes);
                        break;
                    }
                }
                late += usize::from(begin.elapsed() > Duration::from_millis(300));
            }
        }
        assert!(late < 3, "{late} were found late");
        echo.kill();
    }
}

#[test]
fn it_is_readable_as_long_as_there_is_something() {
    let _watchdog = minute();
    let (name, other) = (Name::unique(), Name::unique());
    let tx = create(&name).sender().unwrap();
    tx.send(b"0").unwrap();
    let rx = attach(&name).receiver().unwrap();
    let descriptor = rx.descriptor().unwrap();
    can_be_anywhere(&descriptor);
    assert!(is_readable(&descriptor), "what was there before");
    tx.send(b"1").unwrap();
    for number in [b"0", b"1"] {
        assert!(is_readable(&descriptor));
        assert_eq!(rx.try_receive().unwrap().unwrap(), number);
        assert!(is_readable(&descriptor), "until it is armed");
        descriptor.arm(&rx).unwrap();
    }
    assert!(!is_readable(&descriptor));
    tx.send(b"2").unwrap();
    assert!(poll(descriptor.as_raw_fd(), SOON));
    // Of another channel, and of one who only reads.
    let foreign = create(&other).receiver().unwrap();
    assert_eq!(descriptor.arm(&foreign).unwrap_err().kind(), ErrorKind::Incompatible);
    let topic = Name::unique();
    let _kept = Topic::<[u8]>::create(topic.address()).unwrap();
    let options = Topic::<[u8]>::options().segment(&Segment::options().read_only());
    let reader = options.attach(topic.address()).unwrap().subscriber().unwrap();
    assert_eq!(reader.descriptor().unwrap_err().kind(), ErrorKind::PermissionDenied);
    // It outlives its end, and says no more.
    rx.detach().unwrap();
    drop(descriptor);
}

#[test]
fn its_thread_sleeps_and_goes_with_it() {
    let _watchdog = minute();
    let name = Name::unique();
    let tx = create(&name).sender().unwrap();
    let mut peer = end("receiver", &name);
    let threads = peer.ask("threads").expect_ok().to_owned();
    for _ in 0..3 {
        peer.ask("descriptor").expect_ok();
        assert_ne!(peer.ask("threads").expect_ok(), threads);
        // Armed, and just readable.
        tx.send(b"a").unwrap();
        assert_eq!(peer.ask("poll 10000").expect_ok(), "a");
        let begin = Instant::now();
        peer.ask("undescribe").expect_ok();
        assert!(begin.elapsed() < Duration::from_millis(400), "its thread was not woken");
        assert_eq!(peer.ask("threads").expect_ok(), threads);
    }
    peer.ask("descriptor").expect_ok();
    let took = least(|time| peer.ask(&format!("idle-poll {time}")).expect_ok().parse().unwrap());
    println!("{took:?} of 2 s");
    assert!(took < QUIET);
}

#[test]
fn a_forked_child_has_nothing_and_disturbs_nobody() {
    let _watchdog = minute();
    let name = Name::unique();
    let tx = create(&name).sender().unwrap();
    let mut peer = end("receiver", &name);
    peer.ask("descriptor").expect_ok();
    for _ in 0..3 {
        assert_eq!(peer.ask("fork").expect_ok(), "yes");
        tx.send(b"a").unwrap();
        assert_eq!(peer.ask("poll 10000").expect_ok(), "a");
    }
}

/// What a dead one had taken rings for nobody: but it is found.
#[test]
fn what_a_dead_one_had_taken_is_said() {
    let _watchdog = minute();
    let name = Name::unique();
    let tx = create(&name).sender().unwrap();
    let mut dying = end("receiver", &name);
    tx.send(b"a").unwrap();
    dying.ask("hold").expect_ok();
    let rx = attach(&name).receiver().unwrap();
    let descriptor = rx.descriptor().unwrap();
    assert!(!is_readable(&descriptor));
    dying.kill();
    let mut received = None;
    while received.is_none() {
        assert!(poll(descriptor.as_raw_fd(), SOON));
        received = rx.try_receive().unwrap();
        descriptor.arm(&rx).unwrap();
    }
    assert_eq!(received.unwrap(), b"a");
}

/// Nobody comes to poll: somebody else is woken all the same.
/// While one is being written others are published behind it, and nobody rings once that one is over.
#[test]
fn what_lies_behind_a_dead_one_is_said() {
    let _watchdog = minute();
    let name = Name::unique();
    let topic = Topic::<[u8]>::options().message(48).create(name.address()).unwrap();
    let sub = Topic::<[u8]>::attach(name.address()).unwrap().subscriber().unwrap();
    let records = || (0..256).map(|slot| topic.segment().read_value::<u64>(640 + slot * 64).unwrap());
    let before: Vec<_> = records().collect();
    let mut other = end("subscriber", &name);
    // Its record says who it is. It is as if it had begun to publish.
    let changed = before.into_iter().zip(records()).enumerate().find(|(_, (before, now))| before != now);
    let (slot, (_, place)) = changed.expect("it has a record");
    let claimed = 1 | (slot as u64) << 4 | (place & 0xffff) << 12 | 1 << 28;
    topic.segment().write_value(640 + 256 * 64, &claimed).unwrap();
    let publisher = Topic::<[u8]>::attach(name.address()).unwrap().publisher().unwrap();
    (1..=20).for_each(|number| publisher.publish(&[number]).unwrap());
    assert_eq!(sub.try_receive().unwrap(), None);
    let descriptor = sub.descriptor().unwrap();
    other.kill();
    let all = || std::iter::from_fn(|| sub.try_receive().unwrap());
    let (mut next, begin) = (1, Instant::now());
    while next <= 20 {
        assert!(begin.elapsed() < SOON && poll(descriptor.as_raw_fd(), SOON), "nothing was said of {next}");
        for message in all() {
            assert_eq!(message, [next]);
            next += 1;
        }
        descriptor.arm(&sub).unwrap();
    }
}

#[test]
fn who_does_not_come_keeps_no_message_from_others() {
    let _watchdog = minute();
    let name = Name::unique();
    let tx = create(&name).sender().unwrap();
    let idle = attach(&name).receiver().unwrap();
    let mut late = 0;
    for round in 0..20 {
        let descriptor = idle.descriptor().unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let rx = attach(&name).receiver().unwrap();
                assert_eq!(wait_for_any(&[&rx], Some(SOON)).unwrap(), 0);
                rx.try_receive().unwrap().unwrap()
            });
            // Into a long sleep.
            thread::sleep(Duration::from_millis(80));
            let begin = Instant::now();
            tx.send(&[round]).unwrap();
            assert_eq!(waits.join().unwrap(), [round]);
            late += usize::from(begin.elapsed() > Duration::from_millis(20));
        });
        drop(descriptor);
    }
    assert!(late < 10, "{late} of 20 were found late");
}
