//! Memory that is cut off under those who wait for several channels, or by a descriptor: they are told, and live.

use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Queue, Topic, wait_for_any};

use super::descriptor::poll;
use super::{Name, SOON, minute};

/// As who means harm does it.
fn cut(name: &Name) {
    let file = std::fs::OpenOptions::new().write(true).open(name.path()).unwrap();
    file.set_len(0).unwrap();
}

#[test]
fn who_waits_for_several_is_told_that_one_is_gone() {
    let _watchdog = minute();
    for which in [0, 1] {
        let names = [Name::unique(), Name::unique()];
        let sub = Topic::<[u8]>::create(names[0].address()).unwrap().subscriber().unwrap();
        let rx = Queue::<[u8]>::create(names[1].address()).unwrap().receiver().unwrap();
        let begin = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(100));
                cut(&names[which]);
            });
            // Each is there twice. It may be the first look that finds it gone, and the second that says so.
            assert_eq!(wait_for_any(&[&sub, &rx, &sub, &rx], Some(SOON)).unwrap() % 2, which);
        });
        assert!(begin.elapsed() < SOON / 2, "{:?}", begin.elapsed());
        let error = if which == 0 { sub.try_receive().unwrap_err() } else { rx.try_receive().unwrap_err() };
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[test]
fn a_descriptor_says_that_its_memory_is_gone() {
    let _watchdog = minute();
    for of_topic in [true, false] {
        let name = Name::unique();
        let (sub, rx);
        let (descriptor, receive): (_, &dyn Fn() -> cenote::Result<Option<Vec<u8>>>) = if of_topic {
            sub = Topic::<[u8]>::create(name.address()).unwrap().subscriber().unwrap();
            (sub.descriptor().unwrap(), &|| sub.try_receive())
        } else {
            rx = Queue::<[u8]>::create(name.address()).unwrap().receiver().unwrap();
            (rx.descriptor().unwrap(), &|| rx.try_receive())
        };
        assert_eq!(receive().unwrap(), None);
        cut(&name);
        assert!(poll(descriptor.as_raw_fd(), SOON), "it is silent");
        assert_eq!(receive().unwrap_err().kind(), ErrorKind::Corrupt);
        // Its thread ends all the same.
        drop(descriptor);
    }
}
