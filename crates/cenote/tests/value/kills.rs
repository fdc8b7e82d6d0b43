//! Kills at random moments, while others load all the time.

use std::time::{Duration, Instant};

use cenote::{Segment, Value};
use testkit::{Rng, watchdog};

use super::{Name, worker};
use crate::frame::Frame;

/// How many are killed; `CENOTE_KILLS` asks for more.
fn kills() -> u64 {
    std::env::var("CENOTE_KILLS").map_or(500, |kills| kills.parse().expect("a number of kills"))
}

#[test]
fn whoever_is_killed_what_is_loaded_is_whole() {
    let _watchdog = watchdog(Duration::from_secs(60 + kills() / 2));
    let name = Name::unique("value");
    let value = Value::create(name.address(), Frame::new(0)).unwrap();
    let mut readers = [false, true].map(|read_only| worker::spawn(name.address(), read_only));
    for reader in &mut readers {
        reader.ask("watch").expect_ok();
    }
    let mut rng = Rng::new(kills());
    let begin = Instant::now();
    for _ in 0..kills() {
        let before = value.version().unwrap();
        let mut writers = [(); 2].map(|()| worker::spawn(name.address(), false));
        for writer in &mut writers {
            writer.ask("store-for-ever update").expect_ok();
        }
        // At some moment after it has begun: it stores some 100,000 times a second.
        let count = 1 + rng.below(300);
        while value.version().unwrap() < before + count {
            std::thread::yield_now();
        }
        writers[0].kill();
        // The other goes on, whatever the first had in hand.
        let after = value.version().unwrap();
        while value.version().unwrap() < after + 2 {
            std::thread::yield_now();
        }
        writers[1].kill();
        for writer in &mut writers {
            writer.wait_until_gone();
        }
        let (frame, version) = value.load_with_version().unwrap();
        assert!(frame.is_whole());
        assert_eq!(frame.number, version, "no store was lost or counted twice");
        assert_eq!(value.store(&Frame::new(version + 1)).unwrap(), version + 1, "nobody keeps the lock");
    }
    let loads = readers.map(|mut reader| reader.ask("seen").expect_ok().to_owned());
    println!(
        "{} killed in {:?}, {} stores; {} loads read-write, {} read-only",
        2 * kills(),
        begin.elapsed(),
        value.version().unwrap(),
        loads[0],
        loads[1]
    );
    assert!(loads.iter().all(|loads| loads.parse::<u64>().unwrap() > 100), "{loads:?}");
}

/// Kept, it is what it was when all have gone.
#[test]
fn a_kept_value_outlives_those_who_stored_it() {
    let (_watchdog, name) = (super::minute(), Name::unique("value"));
    Value::create_with(&Segment::options().keep(), name.address(), Frame::new(0)).unwrap().detach().unwrap();
    let mut writer = worker::spawn(name.address(), false);
    writer.ask("store 41").expect_ok();
    writer.ask("add 1").expect_ok();
    writer.kill();
    writer.wait_until_gone();
    let read_only = Segment::options().read_only();
    let late = Value::<Frame>::attach_with(&read_only, name.address()).unwrap();
    assert_eq!(late.load_with_version().unwrap(), (Frame::new(42), 2));
    Segment::remove(name.address()).unwrap();
}
