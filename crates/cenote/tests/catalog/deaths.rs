//! A reaper that is killed at any step of a removal leaves the segment under its name, or nothing; or the next one mends it.

use std::fs;
use std::time::Duration;

use cenote::Segment;
use cenote::catalog::Reap;
use testkit::kill_points::{self, KillPoints, Operation, Point, Step};
use testkit::names::ShmName;

use super::{minutes, until_reaped};

const OPERATIONS: [(&str, Operation); 1] = [("reap", |child| {
    let reap = Reap::new().matching(child.word(0)).unwrap().older(Duration::ZERO);
    child.steps(|| drop(reap.run().unwrap()));
})];

pub(crate) fn serve_if_asked() {
    kill_points::serve_if_asked(&OPERATIONS);
}

/// Before or after a call that changes names or leases: looking at all processes is thousands of others.
fn matters(point: &Point) -> bool {
    const CALLS: [i64; 4] =
        [libc::SYS_renameat2, libc::SYS_unlink, libc::SYS_unlinkat, libc::SYS_clock_nanosleep];
    let is_one = |step: &Option<Step>| matches!(step, Some(Step::Call(call)) if CALLS.contains(&call.number) || call.number == libc::SYS_fcntl);
    is_one(&point.before) || is_one(&point.after)
}

#[test]
fn of_who_reaps() {
    let _watchdog = minutes();
    let report = KillPoints::new("reap").only(matters).limit(Duration::from_secs(30)).each(|round| {
        let name = ShmName::unique("death");
        let address = format!("posix:{}", name.name());
        drop(Segment::create(&*address, 64).unwrap());
        let aside = name.path().with_file_name(format!(".cenote-aside.{}", &name.name()[1..]));
        round.child(&[&address]);
        if fs::exists(&aside).unwrap() {
            Reap::new().matching("cenote:nothing-of-that-name").unwrap().run().unwrap();
            assert!(
                !fs::exists(&aside).unwrap() && fs::exists(name.path()).unwrap(),
                "nobody gave it its name back"
            );
        }
        if fs::exists(name.path()).unwrap() {
            until_reaped(&address);
        }
        assert!(!fs::exists(name.path()).unwrap());
    });
    println!("{report}");
}
