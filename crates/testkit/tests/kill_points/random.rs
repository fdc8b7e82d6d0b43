//! Kills at random moments, and how fast the kit is.

use std::thread;
use std::time::Instant;

use testkit::kill_points::{self, Child, KillPoints};
use testkit::names::TempDir;
use testkit::watchdog;

use crate::MINUTE;
use crate::area::Area;

/// How far it counts.
const COUNT: u64 = 1_000_000;

pub(crate) fn count(child: &Child) {
    let area = Area::open(child.word(0));
    child.steps(|| {
        for number in 1..=COUNT {
            area.store(0, number);
            area.store(8, number);
        }
    });
}

pub(crate) fn count_by_two_threads(child: &Child) {
    let path = child.word(0);
    child.steps(|| {
        thread::scope(|scope| {
            for offset in [0, 8] {
                scope.spawn(move || {
                    let area = Area::open(path);
                    for number in 1..=COUNT {
                        area.store(offset, number);
                    }
                });
            }
        });
    });
}

#[test]
fn random_kills_hit_the_middle() {
    let _watchdog = watchdog(MINUTE);
    let folder = TempDir::new();
    let path = folder.join("area");
    let mut in_the_middle = 0;
    let report = kill_points::at_random("count", 42, 30, |round| {
        let area = Area::create(&path, 4096);
        let end = round.child(&[path.to_str().unwrap()]);
        let (first, second) = (area.load(0), area.load(8));
        assert!(first == second || first == second + 1, "{first} {second}, {end}");
        assert!(!end.is_completed() || second == COUNT);
        in_the_middle += usize::from((1..COUNT).contains(&second));
    });
    println!("{report}, {in_the_middle} in the middle");
    assert_eq!(report.killed() + report.completed(), 31);
    assert!(in_the_middle >= 10, "{in_the_middle} of 30 in the middle: {report}");
    assert!(report.to_string().contains("seed 42"), "{report}");
}

#[test]
fn random_kills_take_all_threads() {
    let _watchdog = watchdog(MINUTE);
    let folder = TempDir::new();
    let path = folder.join("area");
    let report = kill_points::at_random("count by two threads", 43, 20, |round| {
        let area = Area::create(&path, 4096);
        round.child(&[path.to_str().unwrap()]);
        let found = [area.load(0), area.load(8)];
        for _ in 0..1000 {
            assert_eq!([area.load(0), area.load(8)], found, "somebody goes on counting");
        }
    });
    println!("{report}");
    assert!(report.killed() >= 5, "{report}");
}

/// For the measurement below: stores, wide copies and calls by the words' numbers.
pub(crate) fn store_often(child: &Child) {
    let area = Area::open(child.word(0));
    let number = |index| child.word(index).parse::<u64>().unwrap();
    let (stores, bytes, calls) = (number(1), number(2), number(3));
    let bytes = vec![7; usize::try_from(bytes).unwrap()];
    let segment = cenote::Segment::attach(format!("file:{}", child.word(0)).as_str()).unwrap();
    child.steps(|| {
        for index in 0..stores {
            area.store(0, index);
        }
        crate::stores::repeat_bytes(&area, 0, &bytes);
        for _ in 0..calls {
            let _ = segment.stat();
        }
    });
}

/// Prints what the kit's documentation says that it costs.
#[test]
fn speed() {
    let _watchdog = watchdog(MINUTE);
    let folder = TempDir::new();
    let path = folder.join("area");
    drop(Area::create(&path, 4096));
    let path = path.to_str().unwrap();
    let run = |stores: &str, bytes: &str, calls: &str| {
        let begin = Instant::now();
        let report = KillPoints::new("store often").only(|_| false).each(|round| {
            round.child(&[path, stores, bytes, calls]);
        });
        (report.steps().len(), begin.elapsed().as_secs_f64() * 1e6)
    };
    let (_, start) = run("0", "0", "0");
    for (what, numbers) in [
        ("store", ["2000", "0", "0"]),
        ("byte of a repeated store", ["0", "2000", "0"]),
        ("system call, two mappings", ["0", "0", "500"]),
    ] {
        let (steps, time) = run(numbers[0], numbers[1], numbers[2]);
        println!("{what}: {steps} steps, {:.1} us a step", (time - start) / steps as f64);
        assert!(steps >= 500);
    }
    println!("a start and an end: {start:.0} us");
}
